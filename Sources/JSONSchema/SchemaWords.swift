import Basics
import YAML

extension JSONSchema {
    /// The words for each thing the schema allows: `a text`, `true or false`, `"auto"`. What is deprecated is not
    /// advised.
    var allowedWords: [String] {
        var words: [String] = []
        if let enumeration {
            words = enumeration.map(Self.shown)
        } else if let pattern, types == [.string] {
            words = ["a text that matches \(pattern.text)"]
        } else if let minimum, types == [.integer] {
            words = ["a whole number of \(minimum) or more"]
        } else {
            words = types.map(word)
        }
        if words.isEmpty {
            let parts = [reference].compactMap(\.self) + allOf + anyOf + oneOf
            words = parts.filter { !$0.isDeprecated }.flatMap(\.allowedWords)
        }
        var seen: Set<String> = []
        return words.filter { seen.insert($0).inserted }
    }

    private func word(_ type: InstanceType) -> String {
        switch type {
        case .string: "a text"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .object: "a map"
        case .null: "nothing"
        case .array: items.flatMap(\.pluralWord).map { "a list of \($0)" } ?? "a list"
        }
    }

    /// The word for many values, where all are of one simple type.
    private var pluralWord: String? {
        switch types {
        case [.string]: "texts"
        case [.integer]: "whole numbers"
        case [.object]: "maps"
        default: nil
        }
    }

    private static func shown(_ value: Value) -> String {
        switch value {
        case .null: "nothing"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text), .secret(let text): quoted(text)
        case .bytes: "bytes"
        case .list: "a list"
        case .map: "a map"
        }
    }

    /// The way out of something deprecated, without the markup: the words that are there for it, or the sentences of its
    /// description that say so.
    var wayOut: String? {
        guard let words = deprecation ?? description else { return nil }
        let plain = words.replacing("``", with: "").replacing("**", with: "")
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var sentences: [Substring] = []
        var rest = plain[...]
        while let end = rest.firstRange(of: ". ") {
            sentences.append(rest[..<end.lowerBound])
            rest = rest[end.upperBound...]
        }
        sentences.append(rest.hasSuffix(".") ? rest.dropLast() : rest)
        let telling = sentences.filter { sentence in
            if deprecation != nil { return true }
            let words = sentence.lowercased()
            return words.hasPrefix("use ") || words.contains("dropped") || words.contains("deprecated")
        }
        let text = telling.map { $0.prefix(1).lowercased() + $0.dropFirst() }.joined(separator: "; ")
        return text.isEmpty ? nil : text
    }
}

extension JSONSchema.Place {
    /// The problem of a value that is none of what is allowed.
    ///
    /// - Parameter showsValue: a text may be a secret: only where names are expected it is shown.
    func mismatch(
        _ kind: SchemaProblem.Kind, _ node: YAMLNode, allowed: [String], showsValue: Bool = false
    ) -> SchemaProblem {
        let wanted = allowed.isEmpty ? "what is allowed here" : listed(allowed, "or")
        let given = Self.shown(node, inFull: showsValue)
        return problem(kind, "must be \(wanted), not \(given)", hint: Self.quoting(node, allowed))
    }

    private static func shown(_ node: YAMLNode, inFull: Bool) -> String {
        switch node.content {
        case .map: "a map"
        case .list: "a list"
        case .timestamp: "a date"
        case .largeNumber(let text): text
        case .scalar(.null, _): "nothing"
        case .scalar(.string, let text) where inFull && text.count <= 40: quoted(text)
        case .scalar(.string, _), .scalar(.secret, _): "a text"
        case .scalar(.bytes, _): "bytes"
        case .scalar(_, let text): text
        }
    }

    /// The hint to quote a value: `yes`, `0644` and `2030-01-01` are texts only in quotes.
    private static func quoting(_ node: YAMLNode, _ allowed: [String]) -> String? {
        guard let text = node.text, !text.isEmpty,
            allowed.contains(where: { $0.hasPrefix("a text") || $0 == "\"\(text)\"" })
        else { return nil }
        switch node.content {
        case .timestamp, .largeNumber, .scalar(.bool, _), .scalar(.int, _), .scalar(.double, _):
            return "quote it: '\(text)'"
        default: return nil
        }
    }
}

/// The text between quotes, on one line.
package func quoted(_ text: String) -> String {
    "\"" + text.replacing("\n", with: "\\n") + "\""
}

/// The words as a list in a sentence: `a, b or c`
func listed(_ words: [String], _ conjunction: String) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return "\(words.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
}
