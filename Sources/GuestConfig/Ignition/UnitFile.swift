/// A unit of systemd's or a drop-in for one, as Ignition reads it; systemd itself reads more.
struct UnitFile {
    struct Problem: Error {
        /// The line, counted from 1.
        let line: Int
        let message: String
    }

    /// The sections that have an option.
    private(set) var sections: Set<String> = []

    init(_ text: String) throws(Problem) {
        var reader = UnitReader(text)
        var section: String?
        while let character = try reader.next() {
            switch character {
            case "[": section = try reader.sectionName()
            case "#", ";": while try reader.line().trimmingOneSpace.last == UInt8(ascii: "\\") {}
            default:
                // What stands before the first section means nothing.
                guard let name = section, !character.properties.isWhitespace else { continue }
                reader.putBack(character)
                try reader.passOptionName()
                while try reader.line().last == UInt8(ascii: "\\") {}
                sections.insert(name)
            }
        }
    }
}

/// Reads a unit step by step. Before each step it looks, as far as its buffer goes, whether the line is too long.
private struct UnitReader {
    private static let longestLine = 2048
    private static let bufferLength = 4096

    private let bytes: [UInt8]
    private var position = 0
    /// The end of what is in the buffer.
    private var loaded = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    private mutating func load() { loaded = min(bytes.count, position + Self.bufferLength) }

    private func problem(_ message: String) -> UnitFile.Problem {
        let line = bytes[..<min(position, bytes.count)].count { $0 == UInt8(ascii: "\n") } + 1
        return UnitFile.Problem(line: line, message: message)
    }

    private func requireShortLine() throws(UnitFile.Problem) {
        guard loaded - position >= Self.longestLine else { return }
        let isShort = bytes[position..<position + Self.longestLine].contains { $0 == 0x0A || $0 == 0x0D }
        guard isShort else { throw problem("has more than \(Self.longestLine) bytes") }
    }

    /// The next character; `nil` at the end.
    mutating func next() throws(UnitFile.Problem) -> Unicode.Scalar? {
        try requireShortLine()
        if position == loaded { load() }
        guard position < loaded else { return nil }
        let length =
            switch bytes[position] {
            case 0xF0...: 4
            case 0xE0...: 3
            case 0xC0...: 2
            default: 1
            }
        if position + length > loaded { load() }
        let end = min(position + length, bytes.count)
        let scalar = String(decoding: bytes[position..<end], as: UTF8.self).unicodeScalars.first
        position = end
        return scalar
    }

    mutating func putBack(_ character: Unicode.Scalar) { position -= UTF8.width(character) }

    /// The bytes up to one that is found, without it; all that is left, and `false`, where it is not.
    private mutating func bytes(through byte: UInt8) -> (bytes: ArraySlice<UInt8>, isFound: Bool) {
        let start = position
        var searched = position
        while true {
            if let place = bytes[searched..<loaded].firstIndex(of: byte) {
                position = place + 1
                return (bytes[start..<place], true)
            }
            searched = loaded
            if loaded - position >= Self.bufferLength { position = loaded }
            guard loaded < bytes.count else {
                position = loaded
                return (bytes[start..<loaded], false)
            }
            load()
        }
    }

    /// The rest of the line.
    mutating func line() throws(UnitFile.Problem) -> ArraySlice<UInt8> {
        try requireShortLine()
        let (line, isFound) = bytes(through: UInt8(ascii: "\n"))
        return !isFound && line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }

    /// The name of a section, whose `[` has been read.
    mutating func sectionName() throws(UnitFile.Problem) -> String {
        try requireShortLine()
        let beginning = problem("begins a section that has no ]")
        let (name, isFound) = bytes(through: UInt8(ascii: "]"))
        guard isFound else { throw beginning }
        let here = problem("has something behind the ] of its section")
        guard try line().isBlank else { throw here }
        return String(decoding: name, as: UTF8.self)
    }

    mutating func passOptionName() throws(UnitFile.Problem) {
        try requireShortLine()
        while true {
            if position == loaded { load() }
            guard position < loaded, !"\r\n".utf8.contains(bytes[position]) else {
                throw problem("is no NAME=VALUE")
            }
            position += 1
            if bytes[position - 1] == UInt8(ascii: "=") { return }
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate var isBlank: Bool {
        String(decoding: self, as: UTF8.self).unicodeScalars.allSatisfy(\.properties.isWhitespace)
    }

    fileprivate var trimmingOneSpace: Self { last == UInt8(ascii: " ") ? dropLast() : self }
}
