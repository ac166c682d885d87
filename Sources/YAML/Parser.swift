/// Makes events of tokens, as PyYAML does (`parser.py`): a machine with a stack of states, so that no text makes it deep.
struct Parser {
    private enum State {
        case streamStart, implicitDocumentStart, documentStart, documentContent, documentEnd, blockNode, end
        case blockListEntry, indentlessListEntry, blockMapKey, blockMapValue
        case flowListEntry(isFirst: Bool), pairKey, pairValue, pairEnd
        case flowMapKey(isFirst: Bool), flowMapValue, flowMapEmptyValue
    }

    private static let defaultTags = ["!": "!", "!!": "tag:yaml.org,2002:"]

    private var scanner: Scanner
    private var state = State.streamStart
    private var states: [State] = []
    /// The beginnings of the lists and maps that are open, for messages.
    private var marks: [YAMLMark] = []
    private var tagHandles: [String: String] = [:]
    private var peeked: Event?

    init(_ text: String) throws(YAMLProblem) { scanner = try Scanner(text) }

    /// The next event, which stays the next.
    mutating func peek() throws(YAMLProblem) -> Event {
        if let peeked { return peeked }
        let event = try parse()
        peeked = event
        return event
    }

    mutating func take() throws(YAMLProblem) -> Event {
        let event = try peek()
        peeked = nil
        return event
    }

    private mutating func parse() throws(YAMLProblem) -> Event {
        switch state {
        case .streamStart:
            state = .implicitDocumentStart
            return Event(kind: .streamStart, mark: try scanner.take().start)
        case .implicitDocumentStart: return try implicitDocumentStart()
        case .documentStart: return try documentStart()
        case .documentContent: return try documentContent()
        case .documentEnd: return try documentEnd()
        case .blockNode: return try node(isBlock: true)
        case .end: return Event(kind: .streamEnd, mark: scanner.cursor.mark)
        case .blockListEntry: return try blockListEntry()
        case .indentlessListEntry: return try indentlessListEntry()
        case .blockMapKey: return try blockMapKey()
        case .blockMapValue: return try blockMapValue()
        case .flowListEntry(let isFirst): return try flowListEntry(isFirst)
        case .pairKey: return try pairKey()
        case .pairValue: return try flowValue([.flowEntry, .flowListEnd], then: .pairEnd)
        case .pairEnd:
            state = .flowListEntry(isFirst: false)
            return Event(kind: .mapEnd, mark: try scanner.next().start)
        case .flowMapKey(let isFirst): return try flowMapKey(isFirst)
        case .flowMapValue:
            return try flowValue([.flowEntry, .flowMapEnd], then: .flowMapKey(isFirst: false))
        case .flowMapEmptyValue: return empty(try scanner.next().start, then: .flowMapKey(isFirst: false))
        }
    }

    // MARK: - Documents

    private mutating func implicitDocumentStart() throws(YAMLProblem) -> Event {
        switch try scanner.peek() {
        case .directive, .documentStart, .streamEnd: return try documentStart()
        default:
            tagHandles = Self.defaultTags
            states.append(.documentEnd)
            state = .blockNode
            return Event(kind: .documentStart, mark: try scanner.next().start)
        }
    }

    private mutating func documentStart() throws(YAMLProblem) -> Event {
        while try scanner.peek() == .documentEnd { _ = try scanner.take() }
        let mark = try scanner.next().start
        if try scanner.peek() == .streamEnd {
            state = .end
            return Event(kind: .streamEnd, mark: mark)
        }
        try takeDirectives()
        let token = try scanner.next()
        guard token.kind == .documentStart else {
            throw problem(token, "expected --- or the end of the text but found \(token.kind.words)")
        }
        _ = try scanner.take()
        states.append(.documentEnd)
        state = .documentContent
        return Event(kind: .documentStart, mark: mark)
    }

    private mutating func takeDirectives() throws(YAMLProblem) {
        var hasVersion = false
        tagHandles = [:]
        while try scanner.peek() == .directive {
            let token = try scanner.take()
            switch token.name {
            case "YAML":
                if hasVersion { throw problem(token, "found duplicate YAML directive") }
                guard token.text.drop(while: { $0 == "0" }) == "1" else {
                    throw problem(token, "found incompatible YAML document: version 1.1 is read")
                }
                hasVersion = true
            case "TAG":
                let handle = token.handle ?? "!"
                guard tagHandles.updateValue(token.text, forKey: handle) == nil else {
                    throw problem(token, "duplicate tag handle \(handle)")
                }
            default: break
            }
        }
        tagHandles.merge(Self.defaultTags) { own, _ in own }
    }

    private mutating func documentContent() throws(YAMLProblem) -> Event {
        switch try scanner.peek() {
        case .directive, .documentStart, .documentEnd, .streamEnd:
            return empty(try scanner.next().start, then: leave())
        default: return try node(isBlock: true)
        }
    }

    private mutating func documentEnd() throws(YAMLProblem) -> Event {
        let mark = try scanner.next().start
        if try scanner.peek() == .documentEnd { _ = try scanner.take() }
        state = .documentStart
        return Event(kind: .documentEnd, mark: mark)
    }

    // MARK: - Nodes

    private mutating func node(isBlock: Bool, mayBeIndentless: Bool = false) throws(YAMLProblem) -> Event {
        if try scanner.peek() == .alias {
            let token = try scanner.take()
            state = leave()
            return Event(kind: .alias, mark: token.start, anchor: token.text)
        }
        var event = Event(kind: .scalar, mark: try scanner.next().start)
        try takeProperties(into: &event)
        let token = try scanner.next()
        switch token.kind {
        case .blockEntry where mayBeIndentless:
            event.kind = .listStart
            state = .indentlessListEntry
        case .scalar:
            _ = try scanner.take()
            event.text = token.text
            event.isImplicit = token.isPlain && event.tag == nil || event.tag == "!"
            state = leave()
        case .flowListStart: try open(&event, .listStart, .flowListEntry(isFirst: true))
        case .flowMapStart: try open(&event, .mapStart, .flowMapKey(isFirst: true))
        case .blockListStart where isBlock: try open(&event, .listStart, .blockListEntry)
        case .blockMapStart where isBlock: try open(&event, .mapStart, .blockMapKey)
        default:
            guard event.anchor != nil || event.tag != nil else {
                throw problem(token, "expected a value but found \(token.kind.words)")
            }
            event.isImplicit = event.tag == nil || event.tag == "!"
            state = leave()
        }
        return event
    }

    private mutating func open(
        _ event: inout Event, _ kind: Event.Kind, _ first: State
    ) throws(YAMLProblem) {
        event.kind = kind
        marks.append(try scanner.take().start)
        state = first
    }

    /// Takes the anchor and the tag before a node, in either order.
    private mutating func takeProperties(into event: inout Event) throws(YAMLProblem) {
        var tag: Token?
        for _ in 0..<2 {
            switch try scanner.peek() {
            case .anchor where event.anchor == nil: event.anchor = try scanner.take().text
            case .tag where tag == nil: tag = try scanner.take()
            default: break
            }
        }
        guard let tag else { return }
        guard let handle = tag.handle else {
            event.tag = tag.text
            return
        }
        guard let prefix = tagHandles[handle] else {
            throw problem(
                tag, "found undefined tag handle \(handle)", hint: "quote a text that begins with !")
        }
        event.tag = prefix + tag.text
    }

    // MARK: - Lists and maps in block style

    private mutating func blockListEntry() throws(YAMLProblem) -> Event {
        if try scanner.peek() == .blockEntry {
            let token = try scanner.take()
            switch try scanner.peek() {
            case .blockEntry, .blockEnd: return empty(token.end, then: .blockListEntry)
            default:
                states.append(.blockListEntry)
                return try node(isBlock: true)
            }
        }
        return try blockEnd(.listEnd, "list")
    }

    private mutating func indentlessListEntry() throws(YAMLProblem) -> Event {
        guard try scanner.peek() == .blockEntry else {
            state = leave()
            return Event(kind: .listEnd, mark: try scanner.next().start)
        }
        let token = try scanner.take()
        switch try scanner.peek() {
        case .blockEntry, .key, .value, .blockEnd: return empty(token.end, then: .indentlessListEntry)
        default:
            states.append(.indentlessListEntry)
            return try node(isBlock: true)
        }
    }

    private mutating func blockMapKey() throws(YAMLProblem) -> Event {
        if try scanner.peek() == .key { return try blockMapMember(then: .blockMapValue) }
        return try blockEnd(.mapEnd, "map")
    }

    private mutating func blockMapValue() throws(YAMLProblem) -> Event {
        if try scanner.peek() == .value { return try blockMapMember(then: .blockMapKey) }
        return empty(try scanner.next().start, then: .blockMapKey)
    }

    /// The key behind `?`, or the value behind `:`.
    private mutating func blockMapMember(then next: State) throws(YAMLProblem) -> Event {
        let token = try scanner.take()
        switch try scanner.peek() {
        case .key, .value, .blockEnd: return empty(token.end, then: next)
        default:
            states.append(next)
            return try node(isBlock: true, mayBeIndentless: true)
        }
    }

    private mutating func blockEnd(_ kind: Event.Kind, _ owner: String) throws(YAMLProblem) -> Event {
        let token = try scanner.next()
        guard token.kind == .blockEnd else {
            throw problem(
                token, "\(token.kind.words) cannot stand here, in the \(owner)\(beginning(token))",
                hint: "indent what belongs together alike, and quote a text that begins with a quoted word")
        }
        return try close(kind)
    }

    // MARK: - Lists and maps in flow style

    private mutating func flowListEntry(_ isFirst: Bool) throws(YAMLProblem) -> Event {
        if try scanner.peek() == .flowListEnd { return try close(.listEnd) }
        if !isFirst { try takeComma("]", "list") }
        switch try scanner.peek() {
        case .key:
            // A pair without braces: `[a: 1]`.
            state = .pairKey
            return Event(kind: .mapStart, mark: try scanner.next().start)
        case .flowListEnd: return try close(.listEnd)
        default:
            states.append(.flowListEntry(isFirst: false))
            return try node(isBlock: false)
        }
    }

    private mutating func pairKey() throws(YAMLProblem) -> Event {
        try flowMember([.value, .flowEntry, .flowListEnd], then: .pairValue)
    }

    private mutating func flowMapKey(_ isFirst: Bool) throws(YAMLProblem) -> Event {
        if try scanner.peek() == .flowMapEnd { return try close(.mapEnd) }
        if !isFirst { try takeComma("}", "map") }
        switch try scanner.peek() {
        case .key: return try flowMember([.value, .flowEntry, .flowMapEnd], then: .flowMapValue)
        case .flowMapEnd: return try close(.mapEnd)
        default:
            states.append(.flowMapEmptyValue)
            return try node(isBlock: false)
        }
    }

    private mutating func flowValue(
        _ ends: [Token.Kind], then next: State
    ) throws(YAMLProblem) -> Event {
        if try scanner.peek() == .value { return try flowMember(ends, then: next) }
        return empty(try scanner.next().start, then: next)
    }

    /// The key behind `?`, or the value behind `:`; an empty one before one of `ends`.
    private mutating func flowMember(
        _ ends: [Token.Kind], then next: State
    ) throws(YAMLProblem) -> Event {
        let token = try scanner.take()
        if ends.contains(try scanner.peek()) { return empty(token.end, then: next) }
        states.append(next)
        return try node(isBlock: false)
    }

    private mutating func takeComma(_ closing: String, _ owner: String) throws(YAMLProblem) {
        let token = try scanner.next()
        guard token.kind == .flowEntry else {
            throw problem(
                token,
                "expected ',' or '\(closing)' in the \(owner)\(beginning(token)) but found \(token.kind.words)",
                hint: token.kind == .key || token.kind == .scalar
                    ? "quote a text that has , ? [ ] { or } in it" : nil)
        }
        _ = try scanner.take()
    }

    // MARK: - States

    /// Goes back to what the node stands in.
    private mutating func leave() -> State { states.popLast() ?? .end }

    private mutating func close(_ kind: Event.Kind) throws(YAMLProblem) -> Event {
        state = leave()
        _ = marks.popLast()
        return Event(kind: kind, mark: try scanner.take().start)
    }

    private mutating func empty(_ mark: YAMLMark, then next: State) -> Event {
        state = next
        return Event(kind: .scalar, mark: mark, isImplicit: true)
    }

    private func beginning(_ token: Token) -> String {
        guard let mark = marks.last, mark.line != token.start.line else { return "" }
        return " that begins in line \(mark.line)"
    }

    private func problem(_ token: Token, _ message: String, hint: String? = nil) -> YAMLProblem {
        YAMLProblem(mark: token.start, message: message, hint: hint)
    }
}
