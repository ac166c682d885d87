import Basics

/// Makes values of nodes, as PyYAML's `SafeLoader` does (`constructor.py`): level by level, so that of several faults the
/// one is told at which the guest stops.
struct Constructor {
    /// The most duplicate keys that are told.
    private static let duplicateLimit = 100

    private(set) var duplicates: [YAMLProblem] = []
    /// The first value that is none of limiq's, though one of the guest's.
    private(set) var tooLarge: RawNode?
    /// The lists and maps whose members are still to be made, the first at the end.
    private var pending: [RawNode] = []

    mutating func document(_ root: RawNode) throws(YAMLProblem) -> YAMLNode {
        try construct(root)
        while !pending.isEmpty {
            let level = pending
            pending = []
            for node in level { try constructMembers(of: node) }
        }
        duplicates.sort { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
        return build(root)
    }

    // MARK: - Level by level

    private mutating func construct(_ node: RawNode) throws(YAMLProblem) {
        guard !node.isConstructed else { return }
        node.isConstructed = true
        if node.tag.isCollection {
            pending.append(node)
        } else {
            node.built = YAMLNode(content: try scalar(node), mark: node.mark)
        }
    }

    private mutating func constructMembers(of node: RawNode) throws(YAMLProblem) {
        switch node.tag {
        case .list:
            guard node.isList else { throw unlike(node, "a list") }
            for member in node.members { try construct(member) }
        case .orderedMap, .pairs:
            guard node.isList else { throw unlike(node, "a list") }
            for member in node.members {
                guard member.isMap, member.entries.count == 1, let entry = member.entries.first else {
                    throw YAMLProblem(mark: member.mark, message: "must be a map of one key")
                }
                try construct(entry.key)
                try construct(entry.value)
            }
        default:
            guard node.isMap else { throw unlike(node, "a map") }
            try flatten(node)
            for entry in node.entries {
                try construct(entry.key)
                guard !entry.key.tag.isCollection else {
                    throw YAMLProblem(
                        mark: entry.key.mark, message: "a list or a map cannot be a key",
                        hint: "quote a text that begins with { or [")
                }
                try construct(entry.value)
            }
            findDuplicates(in: node)
        }
    }

    private func unlike(_ node: RawNode, _ wanted: String) -> YAMLProblem {
        YAMLProblem(mark: node.mark, message: "the tag asks for \(wanted), and this is \(node.words)")
    }

    /// Puts the entries of the maps behind `<<` before a map's own.
    private func flatten(_ node: RawNode) throws(YAMLProblem) {
        guard node.merged == nil else { return }
        node.merged = 0
        var merged: [(key: RawNode, value: RawNode)] = []
        var own: [(key: RawNode, value: RawNode)] = []
        for entry in node.entries {
            guard entry.key.tag == .merge else {
                if entry.key.tag == .value { entry.key.tag = .text }
                own.append(entry)
                continue
            }
            switch entry.value.shape {
            case .map:
                try flatten(entry.value)
                merged += entry.value.entries
            case .list(let maps):
                for map in maps {
                    guard map.isMap else {
                        throw YAMLProblem(mark: map.mark, message: "only a map can be merged by <<")
                    }
                    try flatten(map)
                }
                // The first of several counts most.
                for map in maps.reversed() { merged += map.entries }
            case .scalar:
                throw YAMLProblem(
                    mark: entry.value.mark, message: "only a map or a list of maps can be merged by <<")
            }
        }
        node.merged = merged.count
        node.entries = merged + own
    }

    private mutating func findDuplicates(in node: RawNode) {
        var places = KeyPlaces()
        for entry in node.entries.dropFirst(node.merged ?? 0) {
            guard let key = entry.key.built, let first = places.first(like: key)?.mark,
                duplicates.count < Self.duplicateLimit
            else { continue }
            duplicates.append(
                YAMLProblem(
                    mark: entry.key.mark,
                    message: "the key \(key.text ?? "") is there twice, first in line \(first.line)",
                    hint: "the last one would count: remove one of them"))
        }
    }

    // MARK: - Scalars

    /// The value of a node that is no list and no map to Python.
    private mutating func scalar(_ node: RawNode) throws(YAMLProblem) -> YAMLNode.Content {
        if case .unknown(let name) = node.tag { throw unknown(node, name) }
        let text = try scalarText(node)
        switch node.tag {
        case .null: return .scalar(.null, text: text)
        case .text: return .scalar(.string(text), text: text)
        case .bool: if let flag = PythonValue.bool(text) { return .scalar(.bool(flag), text: text) }
        case .float: if let number = PythonValue.float(text) { return .scalar(.double(number), text: text) }
        case .binary: if let bytes = PythonValue.binary(text) { return .scalar(.bytes(bytes), text: text) }
        case .timestamp:
            if let timestamp = Timestamp(Array(text.utf8)[...].trimmedLine), timestamp.isPossible {
                return .timestamp(text)
            }
            throw refused(node, "\(text) is no day of the calendar", text)
        case .int:
            switch PythonValue.whole(text) {
            case .number(let number)?: return .scalar(.int(number), text: text)
            case .large?:
                tooLarge = tooLarge ?? node
                return .largeNumber(text)
            case nil: throw refused(node, "\(text) is not a number", text)
            }
        case .merge, .value: throw refused(node, "\(text) has a meaning of its own in YAML", text)
        default: break
        }
        throw YAMLProblem(mark: node.mark, message: "the text is not of the type its tag says")
    }

    /// The text of a scalar, and of a map with the key `=` that key's, as PyYAML has it.
    private func scalarText(_ node: RawNode) throws(YAMLProblem) -> String {
        switch node.shape {
        case .scalar: return node.text
        case .map(let entries):
            if let entry = entries.first(where: { $0.key.tag == .value }) {
                return try scalarText(entry.value)
            }
            fallthrough
        case .list: throw unlike(node, "a single value")
        }
    }

    private func refused(_ node: RawNode, _ message: String, _ text: String) -> YAMLProblem {
        YAMLProblem(mark: node.mark, message: message, hint: "quote it: '\(text)'")
    }

    private func unknown(_ node: RawNode, _ name: String) -> YAMLProblem {
        YAMLProblem(
            mark: node.mark, message: "the tag \(name) is unknown", hint: "quote a text that begins with !")
    }

    // MARK: - The tree

    private func build(_ node: RawNode) -> YAMLNode {
        if let built = node.built { return built }
        let content: YAMLNode.Content
        switch node.tag {
        case .list: content = .list(node.members.map(build))
        case .orderedMap, .pairs:
            // Pairs to Python, each of a key and a value.
            content = .list(
                node.members.map { member in
                    let parts = member.entries.flatMap { [build($0.key), build($0.value)] }
                    return YAMLNode(content: .list(parts), mark: member.mark)
                })
        case .map, .set: content = .map(entries(of: node))
        // Made already.
        default: content = .scalar(.null, text: "")
        }
        let built = YAMLNode(content: content, mark: node.mark)
        node.built = built
        return built
    }

    private func entries(of node: RawNode) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var places = KeyPlaces()
        for (key, value) in node.entries {
            let builtKey = build(key)
            var value = build(value)
            if node.tag == .set { value = YAMLNode(content: .scalar(.null, text: ""), mark: value.mark) }
            let entry = YAMLNode.Entry(key: builtKey.text ?? "", mark: key.mark, node: value)
            if let first = places.first(like: builtKey) {
                entries[first.index] = entry
            } else {
                entries.append(entry)
            }
        }
        return entries
    }
}

/// The keys of a map so far, in the order they first came.
private struct KeyPlaces {
    /// What Python compares keys by: `1` and `0x1` are one, and so are `1` and `yes`.
    private enum Identity: Hashable {
        case text(ExactText)
        case value(String)
    }

    private var places: [Identity: (index: Int, mark: YAMLMark)] = [:]
    private var count = 0

    /// The first key that is the same, and its index among the different ones; `nil` for a new key, which is then one.
    mutating func first(like key: YAMLNode) -> (index: Int, mark: YAMLMark)? {
        // To Python `1` and `'1'` are two, but a map of limiq's has room for one of them.
        var identities: [Identity] = [.text(ExactText(key.text ?? ""))]
        if let value = Self.value(of: key) { identities.append(.value(value)) }
        let first = identities.compactMap { places[$0] }.first
        for identity in identities { places[identity] = first ?? (count, key.mark) }
        if first == nil { count += 1 }
        return first
    }

    private static func value(of key: YAMLNode) -> String? {
        switch key.content {
        case .scalar(.null, _): "null"
        case .scalar(.bool(let flag), _): flag ? "1" : "0"
        case .scalar(.int(let number), _): "\(number)"
        case .scalar(.double(let number), _): Int64(exactly: number).map { "\($0)" } ?? "\(number)"
        default: nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// The text without a line break at its end, as `$` of Python's expressions passes over one.
    fileprivate var trimmedLine: ArraySlice<UInt8> { last == UInt8(ascii: "\n") ? dropLast() : self }
}
