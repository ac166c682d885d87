import Basics

/// A part of a YAML document and where it stands.
public struct YAMLNode: Sendable {
    public enum Content: Sendable {
        case scalar(Value)
        case list([YAMLNode])
        case map([Entry])
    }

    public struct Entry: Sendable {
        public var key: String
        /// Where the key stands.
        public var position: Position
        public var value: YAMLNode
    }

    /// Both count from 1.
    public struct Position: Sendable, Equatable {
        public var line: Int
        public var column: Int
    }

    public var content: Content
    public var position: Position

    /// The document as plain values.
    public var value: Value {
        switch content {
        case .scalar(let value): value
        case .list(let nodes): .list(nodes.map(\.value))
        case .map(let entries): .map(Map(entries.map { Map.Entry(key: $0.key, value: $0.value.value) }))
        }
    }
}
