import Basics

/// The expressions of a template, each of which binds more than the one before.
extension JinjaParser {
    /// One expression, or several with commas between them, which are a tuple.
    mutating func tuple(
        withCondition: Bool = true, endsAt word: String? = nil, isInParentheses: Bool = false
    ) throws(JinjaProblem) -> JinjaExpression {
        var members: [JinjaExpression] = []
        var isTuple = false
        while true {
            if case .name(let name) = kind, name == word { break }
            if kind == .variableEnd || kind == .blockEnd || kind == .symbol(")") { break }
            members.append(withCondition ? try expression() : try disjunction())
            guard take(symbol: ",") else { break }
            isTuple = true
        }
        if !isTuple, let only = members.first { return only }
        guard isTuple || isInParentheses else { throw unexpected(wanted: "an expression") }
        return .tuple(members)
    }

    mutating func expression() throws(JinjaProblem) -> JinjaExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw tooDeep() }
        let slipCount = slips.count
        var result = try disjunction()
        guard kind == .name("if") else { return result }
        // What stands before the condition is reached only where that is true.
        slips.removeLast(slips.count - slipCount)
        conditions += 1
        defer { conditions -= 1 }
        while take(word: "if") {
            let condition = try disjunction()
            let otherwise = take(word: "else") ? try expression() : nil
            result = .conditional(condition, then: result, otherwise: otherwise)
        }
        return result
    }

    private mutating func disjunction() throws(JinjaProblem) -> JinjaExpression {
        var left = try conjunction()
        while take(word: "or") {
            // It is read at once, and looked at only where the left one does not tell.
            conditions += 1
            defer { conditions -= 1 }
            left = .or(left, try conjunction())
        }
        return left
    }

    private mutating func conjunction() throws(JinjaProblem) -> JinjaExpression {
        var left = try negation()
        while take(word: "and") {
            conditions += 1
            defer { conditions -= 1 }
            left = .and(left, try negation())
        }
        return left
    }

    private mutating func negation() throws(JinjaProblem) -> JinjaExpression {
        if take(word: "not") {
            depth += 1
            defer { depth -= 1 }
            guard depth < Self.depthLimit else { throw tooDeep() }
            return .not(try negation())
        }
        return try comparison()
    }

    private mutating func comparison() throws(JinjaProblem) -> JinjaExpression {
        let left = try sum()
        var others: [(sign: String, value: JinjaExpression)] = []
        while true {
            if case .symbol(let sign) = kind, ["==", "!=", "<", "<=", ">", ">="].contains(sign) {
                advance()
                others.append((sign, try sum()))
            } else if take(word: "in") {
                others.append(("in", try sum()))
            } else if kind == .name("not"), next == .name("in") {
                advance()
                advance()
                others.append(("not in", try sum()))
            } else {
                return others.isEmpty ? left : .comparison(left, others)
            }
        }
    }

    private mutating func sum() throws(JinjaProblem) -> JinjaExpression {
        var left = try concatenation()
        while case .symbol(let sign) = kind, sign == "+" || sign == "-" {
            advance()
            left = .operation(sign, left, try concatenation())
        }
        return left
    }

    private mutating func concatenation() throws(JinjaProblem) -> JinjaExpression {
        var members = [try product()]
        while take(symbol: "~") { members.append(try product()) }
        return members.count == 1 ? members[0] : .joined(members)
    }

    private mutating func product() throws(JinjaProblem) -> JinjaExpression {
        var left = try power()
        while case .symbol(let sign) = kind, ["*", "/", "//", "%"].contains(sign) {
            advance()
            left = .operation(sign, left, try power())
        }
        return left
    }

    private mutating func power() throws(JinjaProblem) -> JinjaExpression {
        var left = try unary(withFilter: true)
        while take(symbol: "**") { left = .operation("**", left, try unary(withFilter: true)) }
        return left
    }

    private mutating func unary(withFilter: Bool) throws(JinjaProblem) -> JinjaExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.depthLimit else { throw tooDeep() }
        var result: JinjaExpression
        if take(symbol: "-") {
            result = .operation("-", .constant(.int(0)), try unary(withFilter: false))
        } else if take(symbol: "+") {
            result = .operation("+", .constant(.int(0)), try unary(withFilter: false))
        } else {
            result = try primary()
        }
        result = try members(of: result)
        return withFilter ? try filters(result, isStart: false) : result
    }

    private mutating func primary() throws(JinjaProblem) -> JinjaExpression {
        switch kind {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return .constant(.bool(true))
            case "false", "False": return .constant(.bool(false))
            case "none", "None": return .constant(.none)
            default: return .name(name)
            }
        case .string:
            var text = ""
            while case .string(let piece) = kind {
                text += piece
                advance()
            }
            return .constant(.text(text))
        case .integer(let number):
            advance()
            return number.map { .constant(.int($0)) } ?? .opaque
        case .float:
            advance()
            return .opaque
        case .symbol("("):
            advance()
            let result = try tuple(isInParentheses: true)
            try expect(.symbol(")"))
            return result
        case .symbol("["):
            advance()
            var members: [JinjaExpression] = []
            while kind != .symbol("]") {
                if !members.isEmpty { try expect(.symbol(",")) }
                if kind == .symbol("]") { break }
                members.append(try expression())
            }
            advance()
            return .list(members)
        case .symbol("{"):
            advance()
            var entries: [(key: JinjaExpression, value: JinjaExpression)] = []
            while kind != .symbol("}") {
                if !entries.isEmpty { try expect(.symbol(",")) }
                if kind == .symbol("}") { break }
                let key = try expression()
                try expect(.symbol(":"))
                entries.append((key, try expression()))
            }
            advance()
            return .map(entries)
        default: throw unexpected(wanted: "an expression")
        }
    }

    /// What follows an expression: attributes, members, calls.
    private mutating func members(of expression: JinjaExpression) throws(JinjaProblem) -> JinjaExpression {
        var result = expression
        while true {
            if take(symbol: ".") {
                if case .name(let name) = kind {
                    result = .attribute(result, name)
                } else if case .integer(let number) = kind {
                    result = number.map { .item(result, .constant(.int($0))) } ?? .opaque
                } else {
                    throw unexpected(wanted: "a name or a number")
                }
                advance()
            } else if take(symbol: "[") {
                result = try subscripted(result)
            } else if kind == .symbol("(") {
                result = try call(of: result)
            } else {
                return result
            }
        }
    }

    private mutating func subscripted(_ expression: JinjaExpression) throws(JinjaProblem) -> JinjaExpression {
        var indices: [JinjaExpression] = []
        var isSlice = false
        while kind != .symbol("]") {
            if !indices.isEmpty || isSlice { try expect(.symbol(",")) }
            var hasColon = false
            while true {
                if take(symbol: ":") {
                    (hasColon, isSlice) = (true, true)
                } else if kind == .symbol("]") || kind == .symbol(",") {
                    break
                } else {
                    indices.append(try self.expression())
                    if kind != .symbol(":") { break }
                }
            }
            if !hasColon, kind != .symbol("]"), kind != .symbol(",") { throw unexpected(wanted: "\"]\"") }
        }
        advance()
        return isSlice || indices.count != 1 ? .opaque : .item(expression, indices[0])
    }

    private mutating func call(of expression: JinjaExpression) throws(JinjaProblem) -> JinjaExpression {
        guard let arguments = try arguments() else { return .opaque }
        return .call(expression, arguments)
    }

    /// The arguments of a call in parentheses; `nil` where some are not known before it is done.
    private mutating func arguments() throws(JinjaProblem) -> JinjaExpression.Arguments? {
        let line = token.line
        try expect(.symbol("("))
        var arguments: JinjaExpression.Arguments = ([], [])
        var isKnown = true
        var isFirst = true
        while kind != .symbol(")") {
            if !isFirst { try expect(.symbol(",")) }
            if kind == .symbol(")") { break }
            isFirst = false
            if take(symbol: "*") || take(symbol: "**") {
                _ = try expression()
                isKnown = false
            } else if case .name(let name) = kind, next == .symbol("=") {
                advance()
                advance()
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.named.isEmpty else {
                    throw JinjaProblem(line, "an argument without a name stands behind one with a name")
                }
                arguments.plain.append(try expression())
            }
        }
        advance()
        return isKnown ? arguments : nil
    }

    /// - Parameter isStart: a filter's name comes first, without the `|`.
    mutating func filters(
        _ expression: JinjaExpression, isStart: Bool
    ) throws(JinjaProblem) -> JinjaExpression {
        var result = expression
        var isFirst = isStart
        while true {
            if isFirst || take(symbol: "|") {
                isFirst = false
                let (name, line) = try dottedName()
                if conditions == 0, !Self.filters.contains(name) {
                    slips.append(Self.slip(name, "filter", Self.filters, line))
                }
                if kind == .symbol("(") {
                    result = try arguments().map { .filter(result, name, $0) } ?? .opaque
                } else {
                    result = .filter(result, name, ([], []))
                }
            } else if take(word: "is") {
                result = try test(of: result)
            } else if kind == .symbol("(") {
                result = try call(of: result)
            } else {
                return result
            }
        }
    }

    private static func slip(_ name: String, _ kind: String, _ known: Set<String>, _ line: Int)
        -> JinjaProblem
    {
        JinjaProblem(
            line, "\(name) is no \(kind) of Jinja's",
            hint: nearestName(to: name, in: known.sorted()).map { "did you mean \($0)?" })
    }

    private mutating func dottedName() throws(JinjaProblem) -> (String, Int) {
        let line = token.line
        var result = try name()
        while take(symbol: ".") { result += ".\(try name())" }
        return (result, line)
    }

    private mutating func test(of expression: JinjaExpression) throws(JinjaProblem) -> JinjaExpression {
        let isNegated = take(word: "not")
        let (name, line) = try dottedName()
        if conditions == 0, !Self.tests.contains(name) {
            slips.append(Self.slip(name, "test", Self.tests, line))
        }
        var arguments: JinjaExpression.Arguments? = ([], [])
        switch kind {
        case .symbol("("): arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw JinjaProblem(token.line, "one test with is cannot follow another")
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
            arguments = ([try members(of: primary())], [])
        default: break
        }
        guard let arguments else { return .opaque }
        let test = JinjaExpression.test(expression, name, arguments)
        return isNegated ? .not(test) : test
    }
}
