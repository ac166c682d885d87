import Basics

/// A place in a document's text, both counted from 1, as PyYAML counts them: a column counts Unicode scalars, but no byte
/// order mark.
public struct YAMLMark: Sendable, Hashable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A value with the place it was written at: what checks that must point at a line work on.
///
/// Aliases are followed and merge keys (`<<`) are worked in: a node that comes from elsewhere keeps the place it was
/// written at.
public struct YAMLNode: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        /// - text: the scalar as it was written, without its quotes.
        case scalar(Value, text: String)
        /// A date or time without quotes: a text here, but a date object to cloud-init, which no text fits.
        case timestamp(String)
        /// A whole number beyond 64 bits: the text it was written as here, but a number to cloud-init.
        case largeNumber(String)
        case list([YAMLNode])
        case map([Entry])
    }

    /// One key of a map. A key that is no text, such as `80` or `on`, is the text it was written as.
    public struct Entry: Sendable, Equatable {
        public let key: String
        public let mark: YAMLMark
        public let node: YAMLNode
    }

    public let content: Content
    public let mark: YAMLMark

    /// The value without the places.
    public var value: Value {
        switch content {
        case .scalar(let value, _): value
        case .timestamp(let text), .largeNumber(let text): .string(text)
        case .list(let members): .list(members.map(\.value))
        case .map(let entries): .map(Map(entries.map { Map.Entry(key: $0.key, value: $0.node.value) }))
        }
    }

    /// A scalar as it was written, without its quotes; `nil` for a list or a map.
    public var text: String? {
        switch content {
        case .scalar(_, let text), .timestamp(let text), .largeNumber(let text): text
        case .list, .map: nil
        }
    }

    /// The entry of a map with this key.
    public func entry(_ key: String) -> Entry? {
        if case .map(let entries) = content { entries.first { $0.key.isExactly(key) } } else { nil }
    }
}

/// The problem of a YAML text, and where it is.
public struct YAMLProblem: Error, Sendable, Equatable {
    public var mark: YAMLMark
    /// The message in lower case, without full stop and without the place.
    public var message: String
    /// The line the problem is in, as it is written.
    public var lineText = ""
    public var hint: String?

    /// The failure on one line: `web.yaml:3:7: mapping values are not allowed in this context: "  foo: bar: baz"`.
    ///
    /// - Parameter source: the file's name; empty for a text without one.
    public func failure(in source: String = "") -> Failure {
        let place =
            source.isEmpty
            ? "line \(mark.line), column \(mark.column)" : "\(source):\(mark.line):\(mark.column)"
        let shown =
            lineText.unicodeScalars.count > 80
            ? "\(String.UnicodeScalarView(lineText.unicodeScalars.prefix(80)))…" : lineText
        return Failure(
            .badYAML, "\(place): \(message)" + (shown.isEmpty ? "" : ": \"\(shown)\""), hint: hint)
    }
}

/// What stands in a YAML text, as a reader of one document finds it.
public struct YAMLText: Sendable {
    /// The document; `nil` where there is none.
    public let root: YAMLNode?
    /// A key that a map has twice, at its second place: the last one counts for cloud-init, which says nothing of it.
    public let duplicateKeys: [YAMLProblem]
    /// The place where a second document begins: cloud-init then reads neither.
    public let second: YAMLMark?
}
