import Basics
import HostFiles

/// The way one kind of value is read from a script, written back, and named in the editor stubs.
public struct Codec<Content: Sendable>: Sendable {
    /// The type in LuaLS notation.
    public let luaType: String
    /// - Throws: `Failure` with code `bad_field` whose message begins with the path.
    public let decode: @Sendable (_ value: Value, _ path: String) throws(Failure) -> Content
    public let encode: @Sendable (Content) -> Value
    /// The records this type is made of, for the stubs.
    package let records: @Sendable () -> [RecordDescription]

    package init(
        _ luaType: String, records: @escaping @Sendable () -> [RecordDescription] = { [] },
        decode: @escaping @Sendable (Value, String) throws(Failure) -> Content,
        encode: @escaping @Sendable (Content) -> Value
    ) {
        self.luaType = luaType
        self.records = records
        self.decode = decode
        self.encode = encode
    }
}

/// The failure of a value of the wrong type.
///
/// - Parameter hint: what to write in its place.
package func wrongType(_ path: String, expected: String, got value: Value, hint: String? = nil) -> Failure {
    Failure(.badField, "\(path) must be \(expected), not \(value.kind)", hint: hint)
}

/// The field's own name: `forward` of `nics[1].forward`.
func fieldName(_ path: String) -> Substring { path.split(separator: ".").last ?? path[...] }

/// Runs a parser whose complaints do not know the field's name yet.
private func named<Result>(
    _ path: String, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    do { return try body() } catch {
        throw Failure(.badField, "\(path): \(error.message)", hint: error.hint)
    }
}

extension Codec where Content == String {
    /// A text. A secret counts as its text.
    public static let string = Codec("string") { value, path throws(Failure) in
        switch value {
        case .string(let text), .secret(let text): return text
        default: throw wrongType(path, expected: "a string", got: value)
        }
    } encode: {
        .string($0)
    }

    /// A text that is a secret, also where a script gave it as plain text.
    package static let password = Codec("string", decode: Codec.string.decode) { .secret($0) }

    /// A text that whoever may look can read. A secret has no place there.
    package static let publicText = Codec("string") { value, path throws(Failure) in
        if case .secret = value {
            throw Failure(
                .badField, "\(path) is read by whoever looks, and cannot be a secret",
                hint: "give a plain string")
        }
        return try Codec.string.decode(value, path)
    } encode: {
        .string($0)
    }

    /// A path of the host's filesystem: not empty, no NUL.
    public static let path = Codec("string") { value, path throws(Failure) in
        let text = try Codec.publicText.decode(value, path)
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw Failure(.badField, "\(path) must be a path, not an empty string or one with a NUL")
        }
        return text
    } encode: {
        .string($0)
    }

    /// Permission bits in octal digits. They are never a number: Lua reads 0644 as the decimal 644.
    public static let mode = Codec("string") { value, path throws(Failure) in
        switch value {
        case .int, .double:
            throw Failure(
                .badField, "\(path) must be octal digits in quotes, not the number \(value.kind)",
                hint: "write mode = \"0644\": Lua has no octal numbers and reads 0644 as 644")
        default:
            let text = try Codec.string.decode(value, path)
            _ = try named(path) { () throws(Failure) in try permissionBits(parsing: text) }
            return text
        }
    } encode: {
        .string($0)
    }
}

extension Codec where Content == [UInt8] {
    /// A Lua string as it is, UTF-8 or not.
    public static let bytes = Codec("string") { value, path throws(Failure) in
        switch value {
        case .string(let text), .secret(let text): return Array(text.utf8)
        case .bytes(let bytes): return bytes
        default: throw wrongType(path, expected: "a string", got: value)
        }
    } encode: { bytes in
        String(validating: bytes, as: UTF8.self).map(Value.string) ?? .bytes(bytes)
    }
}

extension Codec where Content == Bool {
    public static let bool = Codec("boolean") { value, path throws(Failure) in
        guard let flag = value.bool else { throw wrongType(path, expected: "true or false", got: value) }
        return flag
    } encode: {
        .bool($0)
    }
}

extension Codec where Content == Value {
    /// Any value, as it is.
    public static let any = Codec("any") { value, _ throws(Failure) in
        value
    } encode: {
        $0
    }
}

extension Codec where Content: FixedWidthInteger {
    /// A whole number in a range. `2.0` counts as 2, as in Lua.
    public static func int(_ range: ClosedRange<Content>) -> Codec {
        Codec("integer") { value, path throws(Failure) in
            let whole: Int64?
            switch value {
            case .int(let number): whole = number
            case .double(let number): whole = Int64(exactly: number)
            default: whole = nil
            }
            guard let whole else { throw wrongType(path, expected: "a whole number", got: value) }
            guard let number = Content(exactly: whole), range.contains(number) else {
                let bounds =
                    range.upperBound == .max && Content.bitWidth > 16
                    ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
                throw Failure(.badField, "\(path) must be \(bounds), not \(whole)")
            }
            return number
        } encode: {
            .int(Int64($0))
        }
    }
}

extension Codec where Content == Duration {
    /// A time in seconds as a number, or a text such as `"5s"`, `"10m"`.
    public static let duration = Codec("string|number") { value, path throws(Failure) in
        switch value {
        case .int(let seconds) where seconds >= 0 && seconds < 1_000_000_000: return .seconds(seconds)
        case .double(let seconds) where seconds >= 0 && seconds < 1e9: return .seconds(seconds)
        case .string(let text):
            return try named(path) { () throws(Failure) in try Duration(parsing: text) }
        default:
            throw wrongType(path, expected: "a duration such as \"10m\" or a number of seconds", got: value)
        }
    } encode: {
        .double(Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18)
    }
}

extension Codec where Content == Int {
    /// A span of whole seconds, `"2h"`; a bare number is seconds.
    package static let wholeSeconds = Codec("string|integer") { value, path throws(Failure) in
        let span = try Codec<Duration>.duration.decode(value, path)
        guard span >= .seconds(1), span.components.attoseconds == 0 else {
            throw Failure(.badField, "\(path) must be whole seconds, 1 or more", hint: "\(path) = \"2h\"")
        }
        return Int(span.components.seconds)
    } encode: {
        .int(Int64($0))
    }
}

extension Codec where Content == ByteSize {
    /// A text with a binary unit, `"20GiB"`; a bare number is bytes.
    public static let size = Codec("string|integer") { value, path throws(Failure) in
        switch value {
        case .int(let bytes) where bytes >= 0: return ByteSize(bytes: UInt64(bytes))
        case .string(let text):
            return try named(path) { () throws(Failure) in try ByteSize(parsing: text) }
        default: throw wrongType(path, expected: "a size such as \"20GiB\"", got: value)
        }
    } encode: {
        .int(Int64(clamping: $0.bytes))
    }
}

extension Codec {
    /// An enum by its names.
    public static func choice() -> Codec
    where Content: CaseIterable & RawRepresentable, Content.RawValue == String { choice(word: \.rawValue) }

    /// An enum by its names, or by the words a script writes for them.
    package static func choice(word: @escaping @Sendable (Content) -> String) -> Codec
    where Content: CaseIterable & RawRepresentable, Content.RawValue == String {
        let names = Content.allCases.map(word)
        return Codec(names.map { "\"\($0)\"" }.joined(separator: "|")) { value, path throws(Failure) in
            guard case .string(let text) = value else {
                throw wrongType(path, expected: "one of \(names.joined(separator: ", "))", got: value)
            }
            for member in Content.allCases where member.rawValue == text || word(member) == text {
                return member
            }
            let nearest = nearestName(to: text, in: names + Content.allCases.map(\.rawValue))
            throw Failure(
                .badField, "\(path): \"\(text)\" is not one of \(names.joined(separator: ", "))",
                hint: nearest.map { "did you mean \"\($0)\"?" })
        } encode: {
            .string($0.rawValue)
        }
    }

    /// A list whose members are all of one kind.
    public static func list<Member>(of member: Codec<Member>) -> Codec<[Member]> where Content == [Member] {
        let type = member.luaType.contains("|") ? "(\(member.luaType))[]" : "\(member.luaType)[]"
        return Codec<[Member]>(type, records: member.records) { value, path throws(Failure) in
            guard let members = value.list else {
                throw wrongType(path, expected: "a list", got: value, hint: listHint(path, value, member))
            }
            var result: [Member] = []
            for (index, item) in members.enumerated() {
                result.append(try member.decode(item, "\(path)[\(index + 1)]"))
            }
            return result
        } encode: {
            .list($0.map(member.encode))
        }
    }

    /// The words of a command. In Lua the options may stand among them: the library takes them apart.
    package static func command<Options>(_ options: Record<Options>) -> Codec<[String]>
    where Content == [String] {
        let words = Codec.list(of: .string)
        return Codec(
            "\(words.luaType)|\(options.name)", records: { [options.description] }, decode: words.decode,
            encode: words.encode)
    }

    /// The hint what to write for a value that is one member in the place of a list of them; `nil` where it is none.
    private static func listHint<Member>(_ path: String, _ value: Value, _ member: Codec<Member>) -> String? {
        let name = fieldName(path)
        switch value {
        case .string(let text) where (try? member.decode(value, path)) != nil:
            return "\(name) = { \"\(text)\" }"
        case .map where !member.records().isEmpty: return "a list of one is \(name) = { { … } }"
        case .map: return "a list has no names: \(name) = { …, … }"
        default: return nil
        }
    }

    /// A map from text to values of one kind.
    public static func dictionary<Member>(
        of member: Codec<Member>
    ) -> Codec<[String: Member]> where Content == [String: Member] {
        Codec<[String: Member]>("table<string, \(member.luaType)>", records: member.records) {
            value, path throws(Failure) in
            guard let map = value.map else {
                throw wrongType(
                    path, expected: "a table of names and values", got: value,
                    hint: value.list == nil ? nil : "\(fieldName(path)) = { name = value }")
            }
            var result: [String: Member] = [:]
            for entry in map.entries {
                result[entry.key] = try member.decode(entry.value, "\(path).\(entry.key)")
            }
            return result
        } encode: { dictionary in
            .map(
                Map(
                    dictionary.sorted { $0.key < $1.key }
                        .map { Map.Entry(key: $0.key, value: member.encode($0.value)) }))
        }
    }

    /// A table with the fields of a record.
    public static func record(_ record: Record<Content>) -> Codec {
        Codec(record.name, records: { [record.description] }) { value, path throws(Failure) in
            try record.decode(value, at: path)
        } encode: {
            record.encode($0)
        }
    }
}
