/// The type of a node, as PyYAML knows it by its tag.
enum Tag: Equatable {
    case null, bool, int, float, binary, timestamp, text
    case list, map, set, orderedMap, pairs
    /// The key `<<`, which merges.
    case merge
    /// The text `=`, which `SafeLoader` refuses unless it is a key.
    case value
    case unknown(String)

    /// - Parameter name: the tag in full, `tag:yaml.org,2002:str`.
    init(_ name: String) {
        guard name.hasPrefix("tag:yaml.org,2002:") else {
            self = .unknown(name)
            return
        }
        switch name.dropFirst("tag:yaml.org,2002:".count) {
        case "null": self = .null
        case "bool": self = .bool
        case "int": self = .int
        case "float": self = .float
        case "binary": self = .binary
        case "timestamp": self = .timestamp
        case "str": self = .text
        case "seq": self = .list
        case "map": self = .map
        case "set": self = .set
        case "omap": self = .orderedMap
        case "pairs": self = .pairs
        case "merge": self = .merge
        case "value": self = .value
        default: self = .unknown(name)
        }
    }

    /// Whether the type is a list or a map to Python, which no key can be.
    var isCollection: Bool {
        switch self {
        case .list, .map, .set, .orderedMap, .pairs: true
        default: false
        }
    }
}

/// A node of a document before its value is made: aliases are the same node.
final class RawNode {
    enum Shape {
        case scalar
        case list([RawNode])
        case map([(key: RawNode, value: RawNode)])
    }

    var tag: Tag
    let text: String
    let mark: YAMLMark
    var shape = Shape.scalar
    /// The number of nodes it stands for, itself included, a node of much text counting as several.
    var weight: Int
    /// The number of levels below it.
    var height = 0
    /// The number of entries of a map that were merged into it, the first ones; `nil` before that is done.
    var merged: Int?

    var isConstructed = false
    /// The node with its value, where it was made.
    var built: YAMLNode?

    init(_ tag: Tag, _ mark: YAMLMark, text: String = "") {
        self.tag = tag
        self.mark = mark
        self.text = text
        weight = 1 + text.utf8.count / 1024
    }

    var members: [RawNode] {
        get { if case .list(let members) = shape { members } else { [] } }
        set { shape = .list(newValue) }
    }

    var entries: [(key: RawNode, value: RawNode)] {
        get { if case .map(let entries) = shape { entries } else { [] } }
        set { shape = .map(newValue) }
    }

    var isMap: Bool { if case .map = shape { true } else { false } }
    var isList: Bool { if case .list = shape { true } else { false } }

    /// The node's shape in a message.
    var words: String {
        switch shape {
        case .scalar: "a single value"
        case .list: "a list"
        case .map: "a map"
        }
    }
}
