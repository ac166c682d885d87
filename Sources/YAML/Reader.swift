import Basics
import CYaml

/// Builds the node tree of a text from libyaml's events.
struct Reader {
    /// The most levels: deeper than any document a person writes, shallow enough for a thread's stack.
    private static let depthLimit = 200
    /// The most nodes all aliases together may stand for ("billion laughs"), a node of much text counting as several.
    private static let aliasLimit = 100_000
    private static let bytesPerNode = 1024
    private static let nodeLimit = 2_000_000
    /// The most duplicate keys that are told: to find the line of each takes as long as the text.
    private static let duplicateLimit = 100

    /// A node and how many nodes it stands for, itself included.
    private struct Built {
        var node: YAMLNode
        var weight: Int
    }

    private let text: String
    private var anchors: [String: Built] = [:]
    /// The anchors whose node is still being read: an alias to one would be a circle.
    private var open: Set<String> = []
    private var expanded = 0
    private var nodes = 0
    private var duplicates: [YAMLProblem] = []

    init(_ text: String) { self.text = text }

    mutating func read() throws(YAMLProblem) -> YAMLStream {
        let source = EventSource(text)
        var documents: [YAMLNode] = []
        while true {
            let event = try source.next()
            switch event.kind {
            case .streamEnd: return YAMLStream(documents: documents, duplicateKeys: duplicates)
            case .streamStart, .documentStart:
                anchors = [:]
            case .documentEnd: break
            default: documents.append(try build(event, source, depth: 0).node)
            }
        }
    }

    // MARK: - Nodes

    private mutating func build(
        _ event: Event, _ source: EventSource, depth: Int
    ) throws(YAMLProblem) -> Built {
        guard depth < Self.depthLimit else {
            throw problem(event.mark, "lists and maps are nested more than \(Self.depthLimit) deep")
        }
        nodes += 1
        guard nodes <= Self.nodeLimit else {
            throw problem(event.mark, "it holds more than \(Self.nodeLimit) values")
        }
        if case .alias(let name) = event.kind { return try follow(name, event.mark) }
        if let anchor = event.anchor { open.insert(anchor) }
        let built: Built
        switch event.kind {
        case .scalar(let text, let isPlain):
            built = Built(
                node: try scalar(text, isPlain, event), weight: 1 + text.utf8.count / Self.bytesPerNode)
        case .listStart:
            built = try list(event, source, depth)
        default:
            built = try map(event, source, depth)
        }
        if let anchor = event.anchor {
            open.remove(anchor)
            anchors[anchor] = built
        }
        return built
    }

    private mutating func follow(_ name: String, _ mark: YAMLMark) throws(YAMLProblem) -> Built {
        if open.contains(name) { throw problem(mark, "the alias *\(name) stands inside its own anchor") }
        guard let built = anchors[name] else {
            throw problem(mark, "there is no anchor &\(name) before this alias")
        }
        expanded += built.weight
        guard expanded <= Self.aliasLimit else {
            throw problem(mark, "the aliases expand to more than \(Self.aliasLimit) values")
        }
        return built
    }

    private mutating func list(
        _ start: Event, _ source: EventSource, _ depth: Int
    ) throws(YAMLProblem) -> Built {
        try check(start, allowed: ["seq", "omap", "pairs"])
        var members: [YAMLNode] = []
        var weight = 1
        while true {
            let event = try source.next()
            if event.kind == .listEnd { break }
            let member = try build(event, source, depth: depth + 1)
            members.append(member.node)
            weight += member.weight
        }
        return Built(node: YAMLNode(content: .list(members), mark: start.mark), weight: weight)
    }

    private mutating func map(
        _ start: Event, _ source: EventSource, _ depth: Int
    ) throws(YAMLProblem) -> Built {
        try check(start, allowed: ["map", "set"])
        var own = EntryList()
        var merged = EntryList()
        var weight = 1
        while true {
            let event = try source.next()
            if event.kind == .mapEnd { break }
            let key = try key(event)
            let member = try build(try source.next(), source, depth: depth + 1)
            weight += member.weight + 1
            guard let key else {
                try merge(member.node, into: &merged)
                continue
            }
            let earlier = own.set(YAMLNode.Entry(key: key, mark: event.mark, node: member.node))
            if let earlier, duplicates.count < Self.duplicateLimit {
                duplicates.append(
                    problem(
                        event.mark, "the key \(key) is there twice, first in line \(earlier.line)",
                        hint: "the last one would count: remove one of them"))
            }
        }
        // As PyYAML: what is merged comes first, and the map's own keys win.
        for entry in own.entries { merged.set(entry) }
        return Built(node: YAMLNode(content: .map(merged.entries), mark: start.mark), weight: weight)
    }

    /// The key of an entry; `nil` for a merge key.
    private mutating func key(_ event: Event) throws(YAMLProblem) -> String? {
        switch event.kind {
        case .scalar(let text, let isPlain):
            if isPlain, event.tag == nil, Scalar.read(text) == .merge { return nil }
            if let anchor = event.anchor {
                let node = YAMLNode(content: .scalar(.string(text), text: text), mark: event.mark)
                anchors[anchor] = Built(node: node, weight: 1 + text.utf8.count / Self.bytesPerNode)
            }
            return text
        case .alias(let name):
            if let text = try follow(name, event.mark).node.text { return text }
        default: break
        }
        throw problem(
            event.mark, "a list or a map cannot be a key", hint: "quote a text that begins with { or [")
    }

    private func merge(_ node: YAMLNode, into merged: inout EntryList) throws(YAMLProblem) {
        switch node.content {
        case .map(let entries):
            for entry in entries { merged.set(entry) }
        case .list(let maps):
            // The first of several counts most.
            for map in maps.reversed() {
                guard case .map(let entries) = map.content else {
                    throw problem(map.mark, "only a map can be merged by <<")
                }
                for entry in entries { merged.set(entry) }
            }
        case .scalar, .timestamp:
            throw problem(node.mark, "only a map or a list of maps can be merged by <<")
        }
    }

    // MARK: - Scalars

    private func scalar(_ text: String, _ isPlain: Bool, _ event: Event) throws(YAMLProblem) -> YAMLNode {
        let value: Value
        switch event.tag {
        case nil, "!":
            if isPlain, Scalar.isTimestamp(text) { return timestamp(text, event.mark) }
            value = isPlain ? try plain(text, event.mark) : .string(text)
        case "tag:yaml.org,2002:timestamp": return timestamp(text, event.mark)
        case "tag:yaml.org,2002:str", "tag:yaml.org,2002:python/unicode": value = .string(text)
        case "tag:yaml.org,2002:binary":
            // As Python does, what is no character of base64 is passed over.
            let digits = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "+/=".contains($0)) }
            guard let bytes = Base64.decode(digits) else {
                throw problem(event.mark, "!!binary is not base64")
            }
            value = .bytes(bytes)
        case "tag:yaml.org,2002:null": value = .null
        case "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float":
            value = try converted(text, event)
        case let tag?:
            throw unknown(tag, event.mark)
        }
        return YAMLNode(content: .scalar(value, text: text), mark: event.mark)
    }

    private func timestamp(_ text: String, _ mark: YAMLMark) -> YAMLNode {
        YAMLNode(content: .timestamp(text), mark: mark)
    }

    private func plain(_ text: String, _ mark: YAMLMark) throws(YAMLProblem) -> Value {
        switch Scalar.read(text) {
        case .value(let value): return value
        case .merge, .valueKey:
            throw problem(mark, "\(text) has a meaning of its own in YAML", hint: "quote it: '\(text)'")
        case .tooLarge:
            throw problem(mark, "\(text) does not fit into 64 bits", hint: "quote it: '\(text)'")
        case .malformed:
            throw problem(mark, "\(text) is not a number", hint: "quote it: '\(text)'")
        }
    }

    /// The value of a scalar whose tag says what it is to be.
    private func converted(_ text: String, _ event: Event) throws(YAMLProblem) -> Value {
        let value = try plain(text, event.mark)
        switch (event.tag, value) {
        case ("tag:yaml.org,2002:bool", .bool), ("tag:yaml.org,2002:int", .int),
            ("tag:yaml.org,2002:float", .double):
            return value
        case ("tag:yaml.org,2002:float", .int(let number)): return .double(Double(number))
        default:
            throw problem(event.mark, "\"\(text)\" is not of the type its tag says")
        }
    }

    private func check(_ event: Event, allowed: [String]) throws(YAMLProblem) {
        guard let tag = event.tag, tag != "!", !allowed.contains(where: { tag == "tag:yaml.org,2002:\($0)" })
        else {
            return
        }
        throw unknown(tag, event.mark)
    }

    private func unknown(_ tag: String, _ mark: YAMLMark) -> YAMLProblem {
        problem(
            mark, "the tag \(tag) is unknown or does not fit its value",
            hint: "quote a text that begins with !")
    }

    private func problem(_ mark: YAMLMark, _ message: String, hint: String? = nil) -> YAMLProblem {
        YAMLProblem(mark: mark, message: message, lineText: line(mark.line, of: text), hint: hint)
    }
}

/// The entries of a map in the order their keys first came, with constant-time look-up.
private struct EntryList {
    private(set) var entries: [YAMLNode.Entry] = []
    private var positions: [String: Int] = [:]

    /// Adds an entry or replaces the one with its key, whose place it returns.
    @discardableResult
    mutating func set(_ entry: YAMLNode.Entry) -> YAMLMark? {
        if let position = positions[entry.key] {
            defer { entries[position] = entry }
            return entries[position].mark
        }
        positions[entry.key] = entries.count
        entries.append(entry)
        return nil
    }
}

/// A line of a text by its number from 1, without what ends it; empty beyond the end.
func line(_ number: Int, of text: String) -> String {
    let lines = text.unicodeScalars.split(
        maxSplits: number, omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" })
    guard number >= 1, number <= lines.count else { return "" }
    var line = lines[number - 1]
    if line.last == "\r" { line.removeLast() }
    return String(line)
}
