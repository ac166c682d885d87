import Basics

/// The JSON text of a value (RFC 8259), keys sorted.
///
/// - Throws: `Failure` with code `bad_json` for bytes that are no text and for numbers JSON cannot write, by their path.
public func jsonText(_ value: Value, pretty: Bool = false) throws(Failure) -> String {
    try check(value, at: "the value")
    var writer = JSONWriter(isPretty: pretty)
    writer.write(value, depth: 0)
    return writer.text
}

/// - Throws: `Failure` with code `bad_json`, or `bad_field` for what is not UTF-8.
public func parseJSON(_ bytes: [UInt8]) throws(Failure) -> Value {
    try JSONReader.read(try document(bytes), source: "")
}

/// Refuses what JSON has no form for, by its path.
private func check(_ value: Value, at path: String) throws(Failure) {
    switch value {
    case .double(let number) where !number.isFinite:
        throw Failure(.badJSON, "\(path) is \(number), which JSON has no number for")
    case .bytes:
        throw Failure(.badJSON, "\(path) is not UTF-8", hint: "write it as limiq.base64.encode(bytes)")
    case .list(let members):
        for (index, member) in members.enumerated() { try check(member, at: "\(path)[\(index + 1)]") }
    case .map(let map):
        for entry in map.entries { try check(entry.value, at: "\(path).\(entry.key)") }
    default: break
    }
}

/// Writes JSON. `JSONEncoder` keeps keys by canonical equivalence, and of `é` in its two forms loses one.
private struct JSONWriter {
    let isPretty: Bool
    private(set) var text = ""

    init(isPretty: Bool) { self.isPretty = isPretty }

    mutating func write(_ value: Value, depth: Int) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .int(let number): text += "\(number)"
        case .double(let number):
            let digits = "\(number)"
            text += digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits
        case .string(let string), .secret(let string): write(string)
        case .bytes(let bytes): write(.list(bytes.map { .int(Int64($0)) }), depth: depth)
        case .list(let members):
            write(members, between: ("[", "]"), depth) { writer, member in
                writer.write(member, depth: depth + 1)
            }
        case .map(let map):
            let entries = map.entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            write(entries, between: ("{", "}"), depth) { writer, entry in
                writer.write(entry.key)
                writer.text += writer.isPretty ? " : " : ":"
                writer.write(entry.value, depth: depth + 1)
            }
        }
    }

    private mutating func write<Member>(
        _ members: [Member], between brackets: (String, String), _ depth: Int,
        _ write: (inout JSONWriter, Member) -> Void
    ) {
        text += brackets.0
        for (index, member) in members.enumerated() {
            if index > 0 { text += "," }
            breakLine(depth + 1)
            write(&self, member)
        }
        if isPretty, members.isEmpty { text += "\n" }
        breakLine(depth)
        text += brackets.1
    }

    private mutating func breakLine(_ depth: Int) {
        if isPretty { text += "\n" + String(repeating: "  ", count: depth) }
    }

    /// Writes a text in quotes (RFC 8259, section 7).
    private mutating func write(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}": text += "\\u00\(hexadecimal([UInt8(scalar.value)]))"
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
