/// A strict reader of JSON (RFC 8259) that keeps the order of keys, tells whole numbers from others, and knows the
/// line and column of what it refuses, duplicate keys included: `JSONDecoder` gives none of these.
public struct JSONReader {
    private static let depthLimit = 200
    /// The most values of a text: small ones take a hundred times the bytes of their text.
    private static let valueLimit = 2_000_000

    private let bytes: [UInt8]
    private let source: String
    private var position = 0
    private var values = 0

    /// - Parameter source: the file's name, for messages; empty for a text without one.
    /// - Throws: `Failure` with code `bad_json`.
    public static func read(_ text: String, source: String) throws(Failure) -> Value {
        var reader = JSONReader(text, source)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        if reader.position < reader.bytes.count { throw reader.failure("something follows the value") }
        return value
    }

    private init(_ text: String, _ source: String) {
        bytes = Array(text.utf8)
        self.source = source
        // RFC 8259, section 8.1: a reader may pass over a byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(Failure) -> Value {
        skipSpace()
        guard depth < Self.depthLimit else {
            throw failure("arrays and objects are nested more than \(Self.depthLimit) deep")
        }
        values += 1
        guard values <= Self.valueLimit else {
            throw failure("it holds more than \(Self.valueLimit) values")
        }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"): return try number()
        case let byte? where isDigit(byte): return try number()
        case nil: throw failure("the text ends where a value should be")
        default: return try word()
        }
    }

    private mutating func word() throws(Failure) -> Value {
        let start = position
        while let byte, isWord(byte) { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case let word:
            let hint = word.isEmpty ? nil : "a text stands in double quotes: \"\(word)\""
            throw failure("a value should be here", hint: hint, at: start)
        }
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> Value {
        position += 1
        var members: [Value] = []
        skipSpace()
        if take("]") { return .list([]) }
        while true {
            members.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .list(members) }
            guard take(",") else { throw failure("expected , or ]") }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> Value {
        position += 1
        var map = Map()
        var places: [ExactText: Int] = [:]
        skipSpace()
        if take("}") { return .map(map) }
        while true {
            skipSpace()
            let place = position
            guard byte == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
            let key = try string()
            if let earlier = places.updateValue(place, forKey: ExactText(key)) {
                throw failure(
                    "the key \(key) is there twice, first in line \(self.place(of: earlier).line)", at: place)
            }
            skipSpace()
            guard take(":") else { throw failure("expected : after the key \(key)") }
            map.append(key, try value(depth: depth + 1))
            skipSpace()
            if take("}") { return .map(map) }
            guard take(",") else { throw failure("expected , or }") }
        }
    }

    // MARK: - Numbers

    /// Reads a number: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
    private mutating func number() throws(Failure) -> Value {
        let start = position
        var isWhole = true
        _ = take("-")
        if take("0") {
            if let byte, isDigit(byte) { throw failure("a number cannot begin with 0", at: start) }
        } else {
            try digits()
        }
        if take(".") {
            isWhole = false
            try digits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let number = Int64(text) { return .int(number) }
        if !isWhole, let number = Double(text), number.isFinite { return .double(number) }
        throw failure(
            "\(text.prefix(40)) does not fit into 64 bits", hint: "write it as a text, in double quotes",
            at: start)
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte, isDigit(byte) { position += 1 }
        if position == start { throw failure("expected a digit") }
    }

    private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    // MARK: - Texts

    private mutating func string() throws(Failure) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        while let byte {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20:
                throw failure(
                    "a control character stands in a text", hint: "write a line break as \\n, a tab as \\t",
                    at: position - 1)
            default: text.append(byte)
            }
        }
        throw failure("the text that begins here has no end", at: start)
    }

    private mutating func escape() throws(Failure) -> [UInt8] {
        let start = position - 1
        guard let byte else { throw failure("the text ends within an escape", at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try codeUnit(start)
            if 0xD800..<0xDC00 ~= code, take("\\"), take("u") {
                let low = try codeUnit(start)
                guard 0xDC00..<0xE000 ~= low else { throw failure("half a surrogate pair", at: start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair", at: start) }
            return Array(String(scalar).utf8)
        default: throw failure("an unknown escape", hint: "a backslash itself is written \\\\", at: start)
        }
    }

    private mutating func codeUnit(_ start: Int) throws(Failure) -> UInt32 {
        let digits = bytes[position..<min(position + 4, bytes.count)]
        guard digits.count == 4, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("\\u needs four hexadecimal digits", at: start) }
        position += 4
        return code
    }

    // MARK: - Failures

    private func place(of offset: Int) -> (line: Int, column: Int) {
        let before = bytes[..<offset]
        let begin = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (
            before.count { $0 == 0x0A } + 1,
            String(decoding: bytes[begin..<offset], as: UTF8.self).unicodeScalars.count + 1
        )
    }

    private func failure(_ message: String, hint: String? = nil, at offset: Int? = nil) -> Failure {
        let offset = offset ?? position
        let place = place(of: offset)
        let begin = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let end = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
        let line = String(decoding: bytes[begin..<end], as: UTF8.self)
        let shown = line.count > 80 ? line.prefix(80) + "…" : line
        let prefix =
            source.isEmpty
            ? "line \(place.line), column \(place.column)" : "\(source):\(place.line):\(place.column)"
        return Failure(
            .badJSON, "\(prefix): \(message)" + (shown.isEmpty ? "" : ": \"\(shown)\""), hint: hint)
    }
}
