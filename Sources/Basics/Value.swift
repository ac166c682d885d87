/// A plain value: the only thing that crosses from a script to a primitive and back, and what YAML
/// and JSON documents are read into.
public enum Value: Sendable, Equatable {
    /// The value of `limiq.null` in a script; `null` in JSON and YAML. A missing argument is `null` too.
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    /// A Lua string that is not valid UTF-8.
    case bytes([UInt8])
    case list([Value])
    /// An empty Lua table is an empty map; whoever asks for a list takes it as an empty list.
    case map(Map)
    /// A text that `limiq.secret` made: written where it must go, `‹secret›` everywhere else.
    case secret(String)

    /// The word a script author knows the type by.
    public var typeName: String {
        switch self {
        case .null: "nil"
        case .bool: "boolean"
        case .int, .double: "number"
        case .string, .bytes: "string"
        case .list, .map: "table"
        case .secret: "secret"
        }
    }

    /// Whether the value is a secret, or one is in it.
    public var holdsSecret: Bool {
        switch self {
        case .secret: true
        case .list(let members): members.contains(where: \.holdsSecret)
        case .map(let map): map.entries.contains { $0.value.holdsSecret }
        default: false
        }
    }

    /// The value with every text in it a secret.
    public var sealed: Value {
        switch self {
        case .string(let text): return .secret(text)
        case .list(let members): return .list(members.map(\.sealed))
        case .map(let map):
            var sealed = Map()
            for entry in map.entries { sealed.append(entry.key, entry.value.sealed) }
            return .map(sealed)
        default: return self
        }
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var int: Int64? {
        if case .int(let number) = self { number } else { nil }
    }

    public var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The members of a list; an empty map counts as an empty list.
    public var list: [Value]? {
        switch self {
        case .list(let members): members
        case .map(let map) where map.isEmpty: []
        default: nil
        }
    }

    /// The entries of a map; an empty list counts as an empty map.
    public var map: Map? {
        switch self {
        case .map(let map): map
        case .list(let members) where members.isEmpty: Map()
        default: nil
        }
    }

    /// The member of a map with this key, `nil` where this is no map or has no such key.
    public subscript(_ key: String) -> Value? {
        if case .map(let map) = self { map[key] } else { nil }
    }
}

/// A map with text keys that keeps its order: that of the document it was read from, or sorted by key
/// where it comes from a Lua table, so that the same script writes the same bytes.
public struct Map: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    public struct Entry: Sendable, Equatable {
        public var key: String
        public var value: Value

        public init(key: String, value: Value) {
            self.key = key
            self.value = value
        }
    }

    public private(set) var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    public init(dictionaryLiteral elements: (String, Value)...) {
        entries = elements.map { Entry(key: $0.0, value: $0.1) }
    }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }
    public var keys: [String] { entries.map(\.key) }

    public subscript(_ key: String) -> Value? {
        get { entries.first { $0.key.isExactly(key) }?.value }
        set {
            let index = entries.firstIndex { $0.key.isExactly(key) }
            switch (index, newValue) {
            case (let index?, let value?): entries[index].value = value
            case (let index?, nil): entries.remove(at: index)
            case (nil, let value?): entries.append(Entry(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds an entry without looking for an earlier one of the same key: for readers that know there is none.
    public mutating func append(_ key: String, _ value: Value) {
        entries.append(Entry(key: key, value: value))
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: Value...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, Value)...) {
        self = .map(Map(elements.map { Map.Entry(key: $0.0, value: $0.1) }))
    }
}
