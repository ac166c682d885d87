import Basics

/// An address that holds what it leads to: `data:,hello%20there` (RFC 2397), as Ignition reads it.
struct DataURL {
    struct Problem: Error {
        let message: String
        var hint: String?
    }

    /// What the address holds.
    let bytes: [UInt8]

    private static let example = "a text stands in one as data:,hello%20there"
    private static let types = ["text", "image", "audio", "video", "application", "message", "multipart"]

    init(_ text: String) throws(Problem) {
        // The scheme of others may be in capitals.
        guard text.hasPrefix("data:") else { throw Problem(message: "begins with no data: in small letters") }
        var reader = HeadReader(bytes: Array(text.utf8.dropFirst(5)))
        let isBase64 = try Self.readHead(&reader)
        let data = reader.rest
        if isBase64 {
            guard let bytes = Self.decode(data) else {
                throw Problem(message: "holds what is not base64", hint: "base64 -w 0 FILE writes it")
            }
            self.bytes = bytes
        } else {
            bytes = try Self.unescaped(data)
        }
    }

    /// Reads the media type and its parameters, up to the comma.
    ///
    /// - Returns: whether base64 follows.
    private static func readHead(_ reader: inout HeadReader) throws(Problem) -> Bool {
        guard reader.contains(",") else {
            throw Problem(message: "has no comma before its data", hint: example)
        }
        let type = reader.token()
        if !type.isEmpty {
            let isKnown = types.contains(where: type.hasPrefix) || type.lowercased().hasPrefix("x-")
            guard reader.take("/"), isKnown else {
                throw Problem(message: "has the media type \(type.inQuotes), which is none", hint: example)
            }
            _ = reader.token()
        }
        while !reader.take(",") {
            guard reader.take(";") else {
                throw Problem(message: "has a media type that is none", hint: example)
            }
            let name = reader.token()
            if reader.take(",") {
                if name == "base64" { return true }
                throw Problem(message: "has the parameter \(name.inQuotes) without a value", hint: example)
            }
            guard !name.isEmpty, reader.take("="), reader.parameterValue() else {
                throw Problem(message: "has a parameter that is none", hint: example)
            }
        }
        return false
    }

    private static func decode(_ data: ArraySlice<UInt8>) -> [UInt8]? {
        guard data.allSatisfy({ Base64.value(of: $0) != nil || $0 == UInt8(ascii: "=") }) else { return nil }
        return Base64.decode(String(decoding: data, as: UTF8.self))
    }

    private static func unescaped(_ data: ArraySlice<UInt8>) throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count)
        var position = data.startIndex
        while position < data.endIndex {
            let byte = data[position]
            position += 1
            guard byte == UInt8(ascii: "%") else {
                guard (0x21...0x7E).contains(byte), !"<>#\"{}|\\^[]`".utf8.contains(byte) else {
                    let code = String(byte, radix: 16, uppercase: true)
                    let escape = "%" + (byte < 16 ? "0" : "") + code
                    throw Problem(
                        message: "holds a character that cannot stand in it",
                        hint: "write it as \(escape)")
                }
                bytes.append(byte)
                continue
            }
            let digits = data[position...].prefix(2)
            guard digits.count == 2, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
                digits.first != UInt8(ascii: "+")
            else {
                throw Problem(message: "holds a % without two digits", hint: "a percent sign itself is %25")
            }
            bytes.append(code)
            position += 2
        }
        return bytes
    }
}

/// Reads what stands before the comma.
private struct HeadReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var rest: ArraySlice<UInt8> { bytes[position...] }

    func contains(_ character: Unicode.Scalar) -> Bool { rest.contains(UInt8(ascii: character)) }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// The token (RFC 2045, section 5.1) that begins here; empty where none does.
    mutating func token() -> String {
        let start = position
        while position < bytes.count, (0x21...0x7E).contains(bytes[position]),
            !"()<>@,;:\\\"/[]?=".utf8.contains(bytes[position])
        {
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func parameterValue() -> Bool {
        guard take("\"") else {
            let value = token()
            let escapes = value.split(separator: "%", omittingEmptySubsequences: false).dropFirst()
            return !value.isEmpty
                && escapes.allSatisfy { $0.count >= 2 && $0.prefix(2).allSatisfy(\.isHexDigit) }
        }
        while position < bytes.count, bytes[position] < 0x80 {
            if take("\"") { return true }
            if take("\\"), !(take("\\") || take("\"")) { return false } else { position += 1 }
        }
        return false
    }
}
