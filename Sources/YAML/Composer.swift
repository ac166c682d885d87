/// Makes nodes of events, as PyYAML does (`composer.py`), within bounds of its own.
struct Composer {
    /// The most levels: deeper than any document a person writes, shallow enough for a thread's stack. PyYAML gives up
    /// at some 450, by Python's own limit.
    private static let depthLimit = 200
    /// The most nodes all aliases together may stand for ("billion laughs").
    private static let aliasLimit = 100_000
    private static let nodeLimit = 2_000_000

    private var parser: Parser
    private var anchors: [String: RawNode] = [:]
    /// The anchors whose node is still being read: an alias to one would be a circle.
    private var open: Set<String> = []
    private var expanded = 0
    private var nodes = 0

    init(_ text: String) throws(YAMLProblem) {
        parser = try Parser(text)
        _ = try parser.take()
    }

    /// The place where the next document begins; `nil` where there is none.
    mutating func nextDocument() throws(YAMLProblem) -> YAMLMark? {
        let event = try parser.peek()
        return event.kind == .streamEnd ? nil : event.mark
    }

    /// The root of the next document.
    mutating func document() throws(YAMLProblem) -> RawNode {
        _ = try parser.take()
        anchors = [:]
        let root = try node(depth: 0)
        _ = try parser.take()
        return root
    }

    private mutating func node(depth: Int) throws(YAMLProblem) -> RawNode {
        let event = try parser.take()
        if event.kind == .alias { return try follow(event, depth) }
        if let anchor = event.anchor, let first = anchors[anchor] {
            throw YAMLProblem(
                mark: event.mark,
                message: "the anchor &\(anchor) is there twice, first in line \(first.mark.line)",
                hint: "give one of them another name")
        }
        nodes += 1
        guard nodes <= Self.nodeLimit else {
            throw YAMLProblem(mark: event.mark, message: "it holds more than \(Self.nodeLimit) values")
        }
        let node = RawNode(tag(of: event), event.mark, text: event.text)
        if let anchor = event.anchor { anchors[anchor] = node }
        guard event.kind != .scalar else { return node }
        guard depth < Self.depthLimit else { throw tooDeep(event) }
        if let anchor = event.anchor { open.insert(anchor) }
        if event.kind == .listStart {
            try readList(node, depth: depth + 1)
        } else {
            try readMap(node, depth: depth + 1)
        }
        if let anchor = event.anchor { open.remove(anchor) }
        return node
    }

    private mutating func readList(_ node: RawNode, depth: Int) throws(YAMLProblem) {
        var members: [RawNode] = []
        while try parser.peek().kind != .listEnd {
            members.append(try part(of: node, depth))
        }
        _ = try parser.take()
        node.members = members
    }

    private mutating func readMap(_ node: RawNode, depth: Int) throws(YAMLProblem) {
        var entries: [(key: RawNode, value: RawNode)] = []
        while try parser.peek().kind != .mapEnd {
            let key = try part(of: node, depth)
            entries.append((key, try part(of: node, depth)))
        }
        _ = try parser.take()
        node.entries = entries
    }

    private mutating func part(of node: RawNode, _ depth: Int) throws(YAMLProblem) -> RawNode {
        let part = try self.node(depth: depth)
        node.weight += part.weight
        node.height = max(node.height, part.height + 1)
        return part
    }

    private func tag(of event: Event) -> Tag {
        if let name = event.tag, name != "!" { return Tag(name) }
        switch event.kind {
        case .listStart: return .list
        case .mapStart: return .map
        default: return event.isImplicit ? Scalar.tag(of: event.text) : .text
        }
    }

    private mutating func follow(_ event: Event, _ depth: Int) throws(YAMLProblem) -> RawNode {
        let name = event.anchor ?? ""
        if open.contains(name) {
            throw YAMLProblem(mark: event.mark, message: "the alias *\(name) stands inside its own anchor")
        }
        guard let node = anchors[name] else {
            throw YAMLProblem(
                mark: event.mark, message: "there is no anchor &\(name) before this alias",
                hint: "quote a text that begins with *")
        }
        expanded += node.weight
        guard expanded <= Self.aliasLimit else {
            throw YAMLProblem(
                mark: event.mark, message: "the aliases expand to more than \(Self.aliasLimit) values")
        }
        guard depth + node.height <= Self.depthLimit else { throw tooDeep(event) }
        return node
    }

    private func tooDeep(_ event: Event) -> YAMLProblem {
        YAMLProblem(mark: event.mark, message: "lists and maps are nested more than \(Self.depthLimit) deep")
    }
}
