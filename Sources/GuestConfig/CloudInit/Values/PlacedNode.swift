import Basics
import JSONSchema
import YAML

/// A node of a document with the path that leads to it.
struct PlacedNode {
    let node: YAMLNode
    let path: DocumentPath

    init(_ node: YAMLNode, _ path: DocumentPath = DocumentPath()) {
        self.node = node
        self.path = path
    }

    /// The text; `nil` for what is none, and for one that stands for an answer which nobody has yet.
    var string: String? { isUnknown ? nil : node.value.string }
    var isUnknown: Bool { node.value.string.map(UnknownText.isIn) ?? false }
    var bool: Bool? { node.value.bool }

    /// Whether Python takes the value for true.
    var isTruthy: Bool {
        switch node.value {
        case .null, .bool(false), .int(0), .string(""): false
        case .list(let members): !members.isEmpty
        case .map(let map): !map.isEmpty
        default: true
        }
    }

    /// The value of a key of a map.
    func entry(_ key: String) -> PlacedNode? {
        node.entry(key).map { PlacedNode($0.node, path.key(key)) }
    }

    /// The entries of a map.
    var entries: [(key: String, value: PlacedNode)] {
        guard case .map(let entries) = node.content else { return [] }
        return entries.map { ($0.key, PlacedNode($0.node, path.key($0.key))) }
    }

    /// The members of a list.
    var members: [PlacedNode] {
        guard case .list(let members) = node.content else { return [] }
        return members.enumerated().map { PlacedNode($1, path.member($0)) }
    }
}

/// A value that a guest would trip over.
struct ValueProblem {
    /// Whether it surely does not do what it says; else it does in part, or not everywhere.
    var isError: Bool
    var place: PlacedNode
    /// The complaint about the value, to stand behind its path.
    var message: String
    var hint: String
}

/// The problems of a check, each at a node.
struct ValueProblems {
    private(set) var found: [ValueProblem] = []

    mutating func error(_ place: PlacedNode, _ message: String, hint: String) {
        found.append(ValueProblem(isError: true, place: place, message: message, hint: hint))
    }

    mutating func warning(_ place: PlacedNode, _ message: String, hint: String) {
        found.append(ValueProblem(isError: false, place: place, message: message, hint: hint))
    }
}

/// The text in quotes, on one line, and of a long one the beginning.
func shown(_ text: String) -> String { quoted(text.count > 80 ? "\(text.prefix(80))…" : text) }
