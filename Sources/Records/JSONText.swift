import Basics
import FoundationEssentials

/// The JSON text of a value (RFC 8259), keys sorted.
///
/// - Throws: `Failure` with code `bad_json` for bytes that are no text and for numbers JSON cannot write, by their path.
public func jsonText(_ value: Value, pretty: Bool = false) throws(Failure) -> String {
    try check(value, at: "the value")
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty
        ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(EncodableValue(value)), as: UTF8.self)
    } catch {
        throw Failure(.badJSON, "the value cannot be written as JSON", cause: "\(error)")
    }
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

/// A value as `JSONEncoder` takes it.
private struct EncodableValue: Encodable {
    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let value: Value

    init(_ value: Value) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .list(let members):
            var container = encoder.unkeyedContainer()
            for member in members { try container.encode(EncodableValue(member)) }
        case .map(let map):
            var container = encoder.container(keyedBy: Key.self)
            for entry in map.entries {
                try container.encode(EncodableValue(entry.value), forKey: Key(stringValue: entry.key))
            }
        default:
            var container = encoder.singleValueContainer()
            switch value {
            case .bool(let flag): try container.encode(flag)
            case .int(let number): try container.encode(number)
            case .double(let number): try container.encode(number)
            case .string(let text), .secret(let text): try container.encode(text)
            case .bytes(let bytes): try container.encode(bytes)
            case .null, .list, .map: try container.encodeNil()
            }
        }
    }
}
