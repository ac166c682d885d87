/// A value of a template.
indirect enum JinjaValue: Equatable {
    struct Entry: Equatable {
        var key: String
        var value: JinjaValue
    }

    case none
    case bool(Bool)
    case int(Int)
    case text(String)
    case list([JinjaValue])
    case tuple([JinjaValue])
    case map([Entry])
    /// What the template names and nobody has given, by the last of its names; none for a condition without `else`.
    case undefined(String)
    /// What only the guest knows, and is a word in any: the name of its distribution.
    case word
    /// What only the guest knows.
    case unknown

    /// The member of a map.
    subscript(key: String) -> JinjaValue? {
        if case .map(let entries) = self { entries.last { $0.key == key }?.value } else { nil }
    }

    /// Whether it is true in a condition; `nil` where only the guest knows.
    var truth: Bool? {
        switch self {
        case .none, .undefined: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .text(let text): !text.isEmpty
        case .list(let members), .tuple(let members): !members.isEmpty
        case .map(let entries): !entries.isEmpty
        case .word, .unknown: nil
        }
    }

    /// Whether only the guest knows it, or something in it.
    var isUnknown: Bool {
        switch self {
        case .word, .unknown: true
        case .list(let members), .tuple(let members): members.contains(where: \.isUnknown)
        case .map(let entries): entries.contains { $0.value.isUnknown }
        default: false
        }
    }
}
