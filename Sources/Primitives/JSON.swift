import Basics
import FoundationEssentials
import LuaRuntime

/// A value as JSON text (RFC 8259), keys sorted.
///
/// - Throws: `Failure` for bytes that are no text and for numbers JSON cannot write.
public func jsonText(_ value: Value, pretty: Bool = false) throws(Failure) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting =
        pretty
        ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(CodableValue(value: value)), as: UTF8.self)
    } catch {
        throw Failure(.badField, "it cannot be written as JSON: \(reason(error))")
    }
}

/// - Throws: `Failure` with code `bad_json`.
public func parseJSON(_ bytes: [UInt8]) throws(Failure) -> Value {
    do {
        return try JSONDecoder().decode(CodableValue.self, from: Data(bytes)).value
    } catch {
        throw Failure("bad_json", "it is no JSON: \(reason(error))")
    }
}

private func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context):
        context.underlyingError.map { "\($0)" } ?? context.debugDescription
    case EncodingError.invalidValue(_, let context): context.debugDescription
    default: "\(error)"
    }
}

/// The bridge to the coders: whole numbers stay whole.
private struct CodableValue: Codable {
    let value: Value

    init(value: Value) { self.value = value }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            var map = Map()
            for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                map.append(key.stringValue, try container.decode(CodableValue.self, forKey: key).value)
            }
            value = .map(map)
        } else if var container = try? decoder.unkeyedContainer() {
            var members: [Value] = []
            while !container.isAtEnd { members.append(try container.decode(CodableValue.self).value) }
            value = .list(members)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = .null
            } else if let flag = try? container.decode(Bool.self) {
                value = .bool(flag)
            } else if let number = try? container.decode(Int64.self) {
                value = .int(number)
            } else if let number = try? container.decode(Double.self) {
                value = .double(number)
            } else {
                value = .string(try container.decode(String.self))
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .map(let map):
            var container = encoder.container(keyedBy: Key.self)
            for entry in map.entries {
                try container.encode(CodableValue(value: entry.value), forKey: Key(stringValue: entry.key))
            }
        case .list(let members):
            var container = encoder.unkeyedContainer()
            for member in members { try container.encode(CodableValue(value: member)) }
        default:
            var container = encoder.singleValueContainer()
            switch value {
            case .bool(let flag): try container.encode(flag)
            case .int(let number): try container.encode(number)
            case .double(let number): try container.encode(number)
            case .string(let text), .secret(let text): try container.encode(text)
            case .bytes(let bytes):
                throw EncodingError.invalidValue(
                    bytes, .init(codingPath: container.codingPath, debugDescription: "a string is not UTF-8"))
            default: try container.encodeNil()
            }
        }
    }
}

private struct EncodeArguments: Sendable {
    var value = Value.null
    var pretty = false
}

private struct TextArgument: Sendable {
    var text: [UInt8] = []
}

/// `limiq.json`.
func jsonDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "json.encode", .positional,
            Record(
                "limiq.json.encode", "", make: { EncodeArguments() },
                fields: [
                    Field("value", \.value, .any, "What to write."),
                    Field("pretty", \.pretty, .bool, "With line breaks and indentation."),
                ]),
            execution: .inline, returns: "string", doc: "A value as JSON text, keys sorted.",
            example: "print(limiq.json.encode({ name = \"web\" }, true))"
        ) { arguments, _ in .string(try jsonText(arguments.value, pretty: arguments.pretty)) },
        Definition(
            "json.decode", .positional,
            Record(
                "limiq.json.decode", "", make: { TextArgument() },
                fields: [
                    Field("text", \.text, .bytes, required: true, "The JSON text.")
                ]),
            execution: .inline, returns: "any",
            doc: "The value a JSON text stands for; `null` is `limiq.null`.",
            example: "local spec = limiq.json.decode '{ \"name\": \"web\" }'"
        ) { arguments, _ in try parseJSON(arguments.text) },
        Definition(
            "json.read", .positional, pathRecord("limiq.json.read", "The JSON file."),
            returns: "any", doc: "The value of a JSON file.",
            example: "local vm = limiq.vm(limiq.json.read \"web.json\")"
        ) { arguments, _ in
            try reading(arguments.path, environment) { bytes throws(Failure) in try parseJSON(bytes) }
        },
    ]
}
