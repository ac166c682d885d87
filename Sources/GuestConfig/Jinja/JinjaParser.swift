import Basics

/// The parser of Jinja templates (`jinja2/parser.py`), with the one extension that cloud-init turns on, `do`.
struct JinjaParser {
    static let depthLimit = 200
    /// The most tokens of one tag that are read: a chain of very many would be one of calls too.
    private static let tagLimit = 2000
    /// Jinja's own filters: cloud-init adds none.
    static let filters: Set<String> = [
        "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
        "filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items",
        "join", "last", "length", "list", "lower", "map", "max", "min", "pprint", "random", "reject",
        "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort",
        "string", "striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode",
        "urlize", "wordcount", "wordwrap", "xmlattr",
    ]
    static let tests: Set<String> = [
        "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false",
        "filter", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower",
        "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true",
        "undefined", "upper",
    ]
    private static let tags = [
        "for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with",
        "autoescape", "call", "filter", "do", "raw",
    ]

    private let tokens: [JinjaToken]
    private var position = 0
    var depth = 0
    private var isTooDeep = false
    /// How many conditions stand around: a filter that there is not is an error in one only where it is reached.
    var conditions = 0
    /// The filters and tests that there are not.
    var slips: [JinjaProblem] = []

    /// - Parameter line: the number of the text's first line.
    static func nodes(_ text: String, line: Int) throws(JinjaProblem) -> [JinjaNode] {
        let tokens = try JinjaLexer.tokens(text, line: line)
        let tags = tokens.split { token in
            if case .data = token.kind { true } else { token.kind == .variableEnd || token.kind == .blockEnd }
        }
        guard tags.allSatisfy({ $0.count <= tagLimit }) else { return [.opaque] }
        var parser = JinjaParser(tokens: tokens)
        let nodes: [JinjaNode]
        do throws(JinjaProblem) { nodes = try parser.body(until: [], of: nil) } catch {
            // Jinja's own reader goes deeper, and how deep depends on Python.
            if parser.isTooDeep { return [.opaque] }
            throw error
        }
        if let slip = parser.slips.first { throw slip }
        return nodes
    }

    private init(tokens: [JinjaToken]) { self.tokens = tokens }

    // MARK: - Tokens

    var token: JinjaToken { tokens[position] }
    var kind: JinjaToken.Kind { tokens[position].kind }
    var next: JinjaToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }

    mutating func advance() { if position + 1 < tokens.count { position += 1 } }

    mutating func take(_ kind: JinjaToken.Kind) -> Bool {
        guard self.kind == kind else { return false }
        advance()
        return true
    }

    mutating func take(symbol: String) -> Bool { take(.symbol(symbol)) }
    mutating func take(word: String) -> Bool { take(.name(word)) }

    mutating func expect(_ wanted: JinjaToken.Kind) throws(JinjaProblem) {
        guard take(wanted) else { throw unexpected(wanted: Self.words(wanted)) }
    }

    mutating func name() throws(JinjaProblem) -> String {
        guard case .name(let name) = kind else { throw unexpected(wanted: "a name") }
        advance()
        return name
    }

    mutating func tooDeep() -> JinjaProblem {
        isTooDeep = true
        return JinjaProblem(token.line, "is nested too deep")
    }

    func unexpected(wanted: String) -> JinjaProblem {
        JinjaProblem(token.line, "\(Self.words(kind)) stands where \(wanted) should be")
    }

    private static func words(_ kind: JinjaToken.Kind) -> String {
        switch kind {
        case .data: "text"
        case .variableBegin: "{{"
        case .variableEnd: "}}"
        case .blockBegin: "{%"
        case .blockEnd: "%}"
        case .name(let name): name
        case .integer, .float: "a number"
        case .string: "a quoted text"
        case .symbol(let symbol): "\"\(symbol)\""
        case .end: "the end of the template"
        }
    }

    // MARK: - Statements

    /// - Parameters:
    ///   - ends: the words of the tags that end it, which are not taken; none for the whole template.
    ///   - opening: the tag that it belongs to.
    private mutating func body(
        until ends: [String], of opening: (word: String, line: Int)?
    ) throws(JinjaProblem) -> [JinjaNode] {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw tooDeep() }
        var nodes: [JinjaNode] = []
        while true {
            let line = token.line
            switch kind {
            case .data(let text):
                advance()
                nodes.append(.data(text, line: line))
            case .variableBegin:
                advance()
                let expression = try tuple()
                try expect(.variableEnd)
                nodes.append(.print(expression, line: line))
            case .blockBegin:
                if case .name(let word) = next, ends.contains(word) {
                    advance()
                    return nodes
                }
                advance()
                nodes += try statement(opening, ends)
                try expect(.blockEnd)
            default:
                if let opening {
                    throw JinjaProblem(
                        opening.line, "{% \(opening.word) %} is here, and {% \(ends.last ?? "") %} nowhere",
                        hint: "end it with {% \(ends.last ?? "") %}")
                }
                return nodes
            }
        }
    }

    /// A body, and the tag that ends it.
    private mutating func closedBody(_ word: String, _ line: Int) throws(JinjaProblem) -> [JinjaNode] {
        try expect(.blockEnd)
        let nodes = try body(until: ["end\(word)"], of: (word, line))
        advance()
        return nodes
    }

    private mutating func statement(
        _ opening: (word: String, line: Int)?, _ ends: [String]
    ) throws(JinjaProblem) -> [JinjaNode] {
        let line = token.line
        guard case .name(let word) = kind else { throw unexpected(wanted: "the name of a tag") }
        guard Self.tags.contains(word) else { throw unknownTag(word, opening, ends) }
        advance()
        switch word {
        case "if": return [try choice(line)]
        case "for": return [try loop(line)]
        case "set": return [try set(line)]
        case "do": return [.act(try tuple(), line: line)]
        case "print": return [try printing(line)]
        case "with": return try with(line)
        case "autoescape":
            _ = try expression()
            return [.opaque] + (try closedBody(word, line))
        case "filter":
            _ = try filters(.opaque, isStart: true)
            _ = try closedBody(word, line)
            return [.opaque]
        case "block":
            let name = try name()
            _ = take(word: "scoped")
            _ = take(word: "required")
            if kind == .symbol("-") { throw unexpected(wanted: "%}") }
            let body = try closedBody(word, line)
            _ = take(word: name)
            return [.scope(body)]
        case "macro":
            let name = try name()
            try signature()
            conditions += 1
            defer { conditions -= 1 }
            _ = try closedBody(word, line)
            return [.definition([name])]
        case "call":
            if kind == .symbol("(") { try signature() }
            switch try expression() {
            case .call, .opaque: break
            default: throw unexpected(wanted: "a call")
            }
            _ = try closedBody(word, line)
            return [.opaque]
        default:
            // Templates that others are taken from: the guest's cloud-init loads none.
            while kind != .blockEnd, kind != .end { advance() }
            return [.opaque]
        }
    }

    private func unknownTag(
        _ word: String, _ opening: (word: String, line: Int)?, _ ends: [String]
    ) -> JinjaProblem {
        if word.hasPrefix("end") || word == "else" || word == "elif" {
            let wanted = ends.map { "{% \($0) %}" }.joined(separator: " or ")
            let place = opening.map { ", and {% \($0.word) %} of line \($0.line) is still open" } ?? ""
            return JinjaProblem(
                token.line, "{% \(word) %} ends nothing that is open\(place)",
                hint: ends.isEmpty ? nil : "write \(wanted)")
        }
        return JinjaProblem(
            token.line, "{% \(word) … %} is no tag of Jinja's",
            hint: nearestName(to: word, in: Self.tags).map { "did you mean \($0)?" })
    }

    private mutating func choice(_ line: Int) throws(JinjaProblem) -> JinjaNode {
        conditions += 1
        defer { conditions -= 1 }
        var branches: [(condition: JinjaExpression?, body: [JinjaNode])] = []
        var condition: JinjaExpression? = try tuple(withCondition: false)
        while true {
            try expect(.blockEnd)
            let ends = condition == nil ? ["endif"] : ["elif", "else", "endif"]
            branches.append((condition, try body(until: ends, of: ("if", line))))
            if take(word: "elif") {
                condition = try tuple(withCondition: false)
            } else if take(word: "else") {
                condition = nil
            } else {
                advance()
                return .choice(branches, line: line)
            }
        }
    }

    private mutating func loop(_ line: Int) throws(JinjaProblem) -> JinjaNode {
        let target = try targets()
        try expect(.name("in"))
        let members = try tuple(withCondition: false, endsAt: "recursive")
        var test: JinjaExpression?
        if take(word: "if") { test = try expression() }
        let isRecursive = take(word: "recursive")
        try expect(.blockEnd)
        let inner = try body(until: ["else", "endfor"], of: ("for", line))
        var otherwise: [JinjaNode] = []
        if take(word: "else") {
            try expect(.blockEnd)
            otherwise = try body(until: ["endfor"], of: ("for", line))
        }
        advance()
        if isRecursive || target.isNested { return .opaque }
        return .loop(
            .init(
                names: target.names, members: members, test: test, body: inner, otherwise: otherwise,
                line: line))
    }

    private mutating func set(_ line: Int) throws(JinjaProblem) -> JinjaNode {
        if case .name = kind, next == .symbol(".") {
            // A member of a namespace.
            _ = try name()
            advance()
            _ = try name()
            if take(symbol: "=") {
                _ = try tuple()
            } else {
                _ = try filters(.opaque, isStart: false)
                _ = try closedBody("set", line)
            }
            return .opaque
        }
        let target = try targets()
        if take(symbol: "=") {
            let value = try tuple()
            return target.isNested ? .definition(target.names) : .set(target.names, value, line: line)
        }
        _ = try filters(.opaque, isStart: false)
        _ = try closedBody("set", line)
        return .definition(target.names)
    }

    private mutating func printing(_ line: Int) throws(JinjaProblem) -> JinjaNode {
        var expressions: [JinjaExpression] = []
        while kind != .blockEnd {
            if !expressions.isEmpty { try expect(.symbol(",")) }
            expressions.append(try expression())
        }
        return .print(.joined(expressions), line: line)
    }

    private mutating func with(_ line: Int) throws(JinjaProblem) -> [JinjaNode] {
        var nodes: [JinjaNode] = []
        while kind != .blockEnd {
            if !nodes.isEmpty { try expect(.symbol(",")) }
            let target = try targets()
            try expect(.symbol("="))
            let value = try expression()
            nodes.append(target.isNested ? .definition(target.names) : .set(target.names, value, line: line))
        }
        return [.scope(nodes + (try closedBody("with", line)))]
    }

    /// The names that are given values: one, or several with commas between them, in parentheses or not.
    private mutating func targets() throws(JinjaProblem) -> (names: [String], isNested: Bool) {
        var names: [String] = []
        var count = 0
        var hasInner = false
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw tooDeep() }
        repeat {
            if kind == .name("in") || kind == .symbol(")") { break }
            count += 1
            if take(symbol: "(") {
                let inner = try targets()
                try expect(.symbol(")"))
                names += inner.names
                hasInner = true
                continue
            }
            let line = token.line
            let name = try name()
            if ["true", "false", "none", "True", "False", "None"].contains(name) {
                throw JinjaProblem(line, "\(name) can be given no other value")
            }
            names.append(name)
        } while take(symbol: ",")
        if names.isEmpty { throw unexpected(wanted: "a name") }
        return (names, hasInner && count > 1)
    }

    private mutating func signature() throws(JinjaProblem) {
        try expect(.symbol("("))
        var isFirst = true
        while kind != .symbol(")") {
            if !isFirst { try expect(.symbol(",")) }
            isFirst = false
            _ = try name()
            if take(symbol: "=") { _ = try expression() }
        }
        advance()
    }
}
