/// The evaluator of a template's expressions: of those that are common in cloud-init's templates. The value of another is
/// `unknown`.
struct JinjaEvaluator {
    private typealias Stop = JinjaRenderer.Stop

    /// The prefix of what cloud-init writes for a name that stands for nothing (`MISSING_JINJA_PREFIX`).
    static let missingPrefix = "CI_MISSING_JINJA_VAR/"
    private static let globals: Set<String> = ["range", "dict", "lipsum", "cycler", "joiner", "namespace"]
    private static let sizeLimit = 1 << 20
    /// The attributes that Python's maps and texts have beside what is in them.
    private static let mapMethods: Set<String> = [
        "items", "keys", "values", "get", "pop", "popitem", "update", "copy", "clear", "setdefault",
        "fromkeys",
    ]

    private let variables: JinjaValue
    private var scopes: [[String: JinjaValue]] = [[:]]
    private(set) var missing: [JinjaTemplate.Missing] = []
    private var line = 1

    init(_ variables: JinjaValue) { self.variables = variables }

    // MARK: - Names

    mutating func open() { scopes.append([:]) }
    mutating func close() { scopes.removeLast() }
    mutating func set(_ name: String, _ value: JinjaValue) { scopes[scopes.count - 1][name] = value }

    mutating func assign(_ value: JinjaValue, to names: [String]) throws(JinjaRenderer.Stop) {
        if names.count == 1 { return set(names[0], value) }
        guard let members = members(of: value), members.count == names.count else { throw .unknown }
        for (name, member) in zip(names, members) { set(name, member) }
    }

    private func lookUp(_ name: String) -> JinjaValue {
        if let value = scopes.last(where: { $0[name] != nil })?[name] { return value }
        if let value = variables[name] { return value }
        return Self.globals.contains(name) ? .unknown : .undefined(name)
    }

    // MARK: - Texts

    /// The text that a value is written as; `nil` where only the guest knows.
    mutating func text(of value: JinjaValue, line: Int) -> String? {
        self.line = line
        return text(value)
    }

    private mutating func text(_ value: JinjaValue) -> String? {
        switch value {
        case .text(let text): return text
        case .undefined(""): return ""
        case .undefined(let name):
            missing.append(.init(name: name, line: line))
            return Self.missingPrefix + name
        default: return Self.representation(value, isInner: false)
        }
    }

    /// Python's `repr`.
    private static func representation(_ value: JinjaValue, isInner: Bool = true) -> String? {
        switch value {
        case .none: return "None"
        case .bool(let flag): return flag ? "True" : "False"
        case .int(let number): return "\(number)"
        case .text(let text):
            let isPlain = text.unicodeScalars.allSatisfy {
                (0x20..<0x7F).contains($0.value) && $0 != "'" && $0 != "\\"
            }
            return isPlain ? "'\(text)'" : nil
        case .list(let members):
            let texts = members.compactMap { representation($0) }
            return texts.count == members.count ? "[\(texts.joined(separator: ", "))]" : nil
        case .map(let entries):
            let texts = entries.compactMap { entry -> String? in
                guard let key = representation(.text(entry.key)), let value = representation(entry.value)
                else { return nil }
                return "\(key): \(value)"
            }
            return texts.count == entries.count ? "{\(texts.joined(separator: ", "))}" : nil
        case .tuple, .undefined, .word, .unknown: return nil
        }
    }

    /// The members that a loop goes through; `nil` where only the guest knows.
    func members(of value: JinjaValue) -> [JinjaValue]? {
        switch value {
        case .list(let members), .tuple(let members): members
        case .map(let entries): entries.map { .text($0.key) }
        case .text(let text): text.unicodeScalars.map { .text(String($0)) }
        case .undefined: []
        default: nil
        }
    }

    // MARK: - Expressions

    mutating func value(of expression: JinjaExpression, line: Int) throws(JinjaRenderer.Stop) -> JinjaValue {
        self.line = line
        return try value(expression)
    }

    private mutating func value(_ expression: JinjaExpression) throws(JinjaRenderer.Stop) -> JinjaValue {
        switch expression {
        case .constant(let value): return value
        case .name(let name): return lookUp(name)
        case .list(let members): return .list(try values(members))
        case .tuple(let members): return .tuple(try values(members))
        case .map(let entries):
            var result: [JinjaValue.Entry] = []
            for entry in entries {
                guard case .text(let key) = try value(entry.key) else { return .unknown }
                result.append(.init(key: key, value: try value(entry.value)))
            }
            return .map(result)
        case .attribute(let owner, let name): return try attribute(name, of: try value(owner))
        case .item(let owner, let index): return try item(try value(index), of: try value(owner))
        case .call(let function, let arguments): return try call(function, arguments)
        case .filter(let value, let name, let arguments):
            return try filter(name, try self.value(value), arguments)
        case .test(let value, let name, let arguments):
            return try test(name, try self.value(value), arguments)
        case .not(let value):
            return try self.value(value).truth.map { .bool(!$0) } ?? .unknown
        case .and(let left, let right):
            let left = try value(left)
            guard let truth = left.truth else { return .unknown }
            return truth ? try value(right) : left
        case .or(let left, let right):
            let left = try value(left)
            guard let truth = left.truth else { return .unknown }
            return truth ? left : try value(right)
        case .comparison(let left, let others): return try comparison(left, others)
        case .operation(let sign, let left, let right):
            return try operation(sign, left, right)
        case .joined(let members):
            var result = ""
            for member in try values(members) {
                guard let text = text(member) else { return .unknown }
                result += text
            }
            return bounded(result)
        case .conditional(let condition, let then, let otherwise):
            guard let truth = try value(condition).truth else { return .unknown }
            if truth { return try value(then) }
            return try otherwise.map { (other) throws(JinjaRenderer.Stop) in try value(other) }
                ?? .undefined("")
        case .opaque: return .unknown
        }
    }

    private mutating func values(_ expressions: [JinjaExpression]) throws(JinjaRenderer.Stop) -> [JinjaValue]
    {
        var result: [JinjaValue] = []
        for expression in expressions { result.append(try value(expression)) }
        return result
    }

    private func bounded(_ text: String) -> JinjaValue {
        text.utf8.count <= Self.sizeLimit ? .text(text) : .unknown
    }

    /// The failure of a name that stands for nothing, where more than its text is wanted.
    private func undefined(_ name: String, hint: String? = nil) -> JinjaRenderer.Stop {
        .problem(
            JinjaProblem(
                line, "\(name) stands for nothing that cloud-init has, and it leaves the whole template out",
                hint: hint ?? "{{ … | default('') }} stands in for what may not be there"))
    }

    private func attribute(_ name: String, of owner: JinjaValue) throws(JinjaRenderer.Stop) -> JinjaValue {
        switch owner {
        case .undefined(let owner): throw undefined(owner)
        case .map:
            if Self.mapMethods.contains(name) || name.hasPrefix("__") { return .unknown }
            return owner[name] ?? .undefined(name)
        case .none: return name.hasPrefix("__") ? .unknown : .undefined(name)
        default: return .unknown
        }
    }

    private func item(_ index: JinjaValue, of owner: JinjaValue) throws(JinjaRenderer.Stop) -> JinjaValue {
        switch (owner, index) {
        case (.undefined(let name), _): throw undefined(name)
        case (.map, .text(let key)):
            if let value = owner[key] { return value }
            return Self.mapMethods.contains(key) || key.hasPrefix("__") ? .unknown : .undefined(key)
        case (.list(let members), .int(let number)):
            let place = number < 0 ? number + members.count : number
            return members.indices.contains(place) ? members[place] : .undefined("\(number)")
        case (.text(let text), .int(let number)):
            let scalars = Array(text.unicodeScalars)
            let place = number < 0 ? number + scalars.count : number
            return scalars.indices.contains(place) ? .text(String(scalars[place])) : .undefined("\(number)")
        default: return .unknown
        }
    }

    private mutating func comparison(
        _ left: JinjaExpression, _ others: [(sign: String, value: JinjaExpression)]
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        var left = try value(left)
        for other in others {
            let right = try value(other.value)
            guard let result = try compare(left, other.sign, right) else { return .unknown }
            if !result { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private func compare(
        _ left: JinjaValue, _ sign: String, _ right: JinjaValue
    ) throws(JinjaRenderer.Stop) -> Bool? {
        switch sign {
        case "in", "not in":
            if case .undefined = right { return sign == "not in" }
            if case .text(let whole) = right {
                guard case .text(let part) = left else { return nil }
                return part.isEmpty || whole.contains(part) ? sign == "in" : sign == "not in"
            }
            guard !left.isUnknown, !right.isUnknown, let members = members(of: right) else { return nil }
            return members.contains { Self.same($0, left) } == (sign == "in")
        case "==", "!=":
            guard !left.isUnknown, !right.isUnknown else { return nil }
            return Self.same(left, right) == (sign == "==")
        default:
            if case .undefined(let name) = left { throw undefined(name) }
            if case .undefined(let name) = right { throw undefined(name) }
            guard case .int(let first) = left, case .int(let second) = right else { return nil }
            switch sign {
            case "<": return first < second
            case "<=": return first <= second
            case ">": return first > second
            default: return first >= second
            }
        }
    }

    private static func same(_ left: JinjaValue, _ right: JinjaValue) -> Bool {
        switch (left, right) {
        case (.bool(let flag), .int(let number)), (.int(let number), .bool(let flag)):
            number == (flag ? 1 : 0)
        case (.undefined, .undefined): true
        default: left == right
        }
    }

    private mutating func operation(
        _ sign: String, _ left: JinjaExpression, _ right: JinjaExpression
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        let (first, second) = (try value(left), try value(right))
        // Python puts what is on the right into the text.
        if sign == "%", case .text = first { return .unknown }
        if first.isUnknown { return .unknown }
        if case .undefined(let name) = first {
            var hint: String?
            // `v1.instance-id`: to Jinja a subtraction.
            if sign == "-", case .name(let other) = right, case .undefined = second {
                hint = "did you mean \(name)_\(other)? To Jinja a hyphen subtracts"
            }
            throw undefined(name, hint: hint)
        }
        if case .undefined(let name) = second { throw undefined(name) }
        switch (sign, first, second) {
        case ("+", .text(let left), .text(let right)): return bounded(left + right)
        case ("+", .list(let left), .list(let right)): return .list(left + right)
        case (_, .int(let left), .int(let right)):
            let result: (partialValue: Int, overflow: Bool)
            switch sign {
            case "+": result = left.addingReportingOverflow(right)
            case "-": result = left.subtractingReportingOverflow(right)
            case "*": result = left.multipliedReportingOverflow(by: right)
            case "//" where right > 0 && left >= 0: result = left.dividedReportingOverflow(by: right)
            case "%" where right > 0 && left >= 0: result = left.remainderReportingOverflow(dividingBy: right)
            default: return .unknown
            }
            return result.overflow ? .unknown : .int(result.partialValue)
        default: return .unknown
        }
    }

    // MARK: - Calls

    private mutating func call(
        _ function: JinjaExpression, _ arguments: JinjaExpression.Arguments
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        let values = try values(arguments.plain)
        for argument in arguments.named { _ = try value(argument.value) }
        guard arguments.named.isEmpty else { return .unknown }
        if case .name("range") = function, lookUp("range") == .unknown { return Self.range(values) }
        guard case .attribute(let owner, let name) = function else {
            if case .undefined(let name) = try value(function) { throw undefined(name) }
            return .unknown
        }
        let receiver = try value(owner)
        switch receiver {
        case .text(let text): return textMethod(name, text, values)
        case .map(let entries):
            switch (name, values.count) {
            case ("items", 0): return .list(entries.map { .tuple([.text($0.key), $0.value]) })
            case ("keys", 0): return .list(entries.map { .text($0.key) })
            case ("values", 0): return .list(entries.map(\.value))
            case ("get", 1...2):
                guard case .text(let key) = values[0] else { return .unknown }
                return receiver[key] ?? (values.count == 2 ? values[1] : .none)
            default:
                if case .undefined(let name) = try attribute(name, of: receiver) { throw undefined(name) }
                return .unknown
            }
        case .undefined(let name): throw undefined(name)
        default: return .unknown
        }
    }

    private static func range(_ values: [JinjaValue]) -> JinjaValue {
        let numbers = values.compactMap { if case .int(let number) = $0 { number } else { Int?.none } }
        guard numbers.count == values.count, (1...2).contains(numbers.count) else { return .unknown }
        let (first, end) = numbers.count == 1 ? (0, numbers[0]) : (numbers[0], numbers[1])
        guard first < end else { return .list([]) }
        let (count, overflow) = end.subtractingReportingOverflow(first)
        return overflow || count > 10_000 ? .unknown : .list((first..<end).map { .int($0) })
    }

    private func textMethod(_ name: String, _ text: String, _ values: [JinjaValue]) -> JinjaValue {
        let texts = values.compactMap { if case .text(let text) = $0 { text } else { String?.none } }
        guard texts.count == values.count else { return .unknown }
        switch (name, texts.count) {
        case ("upper", 0): return .text(text.uppercased())
        case ("lower", 0): return .text(text.lowercased())
        case ("strip", 0): return .text(text.stripped)
        case ("startswith", 1): return .bool(texts[0].isEmpty || text.hasPrefix(texts[0]))
        case ("endswith", 1): return .bool(texts[0].isEmpty || text.hasSuffix(texts[0]))
        case ("replace", 2) where !texts[0].isEmpty:
            return bounded(text.replacing(texts[0], with: texts[1]))
        case ("split", 0): return .list(text.split(whereSeparator: \.isWhitespace).map { .text(String($0)) })
        case ("split", 1) where !texts[0].isEmpty:
            return .list(
                text.split(separator: texts[0], omittingEmptySubsequences: false).map { .text(String($0)) })
        default: return .unknown
        }
    }

    // MARK: - Filters and tests

    private mutating func filter(
        _ name: String, _ input: JinjaValue, _ arguments: JinjaExpression.Arguments
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        let values = try values(arguments.plain)
        var named: [String: JinjaValue] = [:]
        for argument in arguments.named { named[argument.name] = try value(argument.value) }
        if name == "default" || name == "d" { return try substitute(input, values, named) }
        guard named.isEmpty, !input.isUnknown else { return .unknown }
        let texts = values.compactMap { if case .text(let text) = $0 { text } else { String?.none } }
        guard texts.count == values.count else { return .unknown }
        switch (name, texts.count) {
        case ("upper", 0): return text(input).map { .text($0.uppercased()) } ?? .unknown
        case ("lower", 0): return text(input).map { .text($0.lowercased()) } ?? .unknown
        case ("trim", 0): return text(input).map { .text($0.stripped) } ?? .unknown
        case ("string", 0), ("safe", 0): return text(input).map { .text($0) } ?? .unknown
        case ("capitalize", 0):
            return text(input).map { .text($0.prefix(1).uppercased() + $0.dropFirst().lowercased()) }
                ?? .unknown
        case ("replace", 2) where !texts[0].isEmpty:
            return text(input).map { bounded($0.replacing(texts[0], with: texts[1])) } ?? .unknown
        case ("length", 0), ("count", 0):
            return members(of: input).map { .int($0.count) } ?? .unknown
        case ("first", 0): return members(of: input).map { $0.first ?? .unknown } ?? .unknown
        case ("last", 0):
            if case .map = input { return .unknown }
            return members(of: input).map { $0.last ?? .unknown } ?? .unknown
        case ("list", 0): return members(of: input).map { .list($0) } ?? .unknown
        case ("join", 0...1):
            guard let members = members(of: input) else { return .unknown }
            var pieces: [String] = []
            for member in members {
                guard let piece = text(member) else { return .unknown }
                pieces.append(piece)
            }
            return bounded(pieces.joined(separator: texts.first ?? ""))
        case ("int", 0):
            switch input {
            case .undefined(let name): throw undefined(name)
            case .int: return input
            case .text(let text): return Int(text).map { .int($0) } ?? .unknown
            default: return .unknown
            }
        default: return .unknown
        }
    }

    /// The filter `default`.
    private mutating func substitute(
        _ input: JinjaValue, _ values: [JinjaValue], _ named: [String: JinjaValue]
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        let other = values.first ?? named["default_value"] ?? .text("")
        if case .undefined = input { return other }
        let isBroad = values.count > 1 ? values[1] : named["boolean"] ?? .bool(false)
        guard let isBroad = isBroad.truth else { return .unknown }
        guard isBroad else { return input }
        return input.truth.map { $0 ? input : other } ?? .unknown
    }

    private mutating func test(
        _ name: String, _ input: JinjaValue, _ arguments: JinjaExpression.Arguments
    ) throws(JinjaRenderer.Stop) -> JinjaValue {
        let values = try values(arguments.plain)
        if name == "defined" || name == "undefined" {
            if input.isUnknown { return .unknown }
            if case .undefined = input { return .bool(name == "undefined") }
            return .bool(name == "defined")
        }
        guard !input.isUnknown else { return .unknown }
        switch (name, values.count) {
        case ("none", 0): return .bool(input == .none)
        case ("string", 0): if case .text = input { return .bool(true) } else { return .bool(false) }
        case ("mapping", 0): if case .map = input { return .bool(true) } else { return .bool(false) }
        case ("eq", 1), ("equalto", 1):
            return try compare(input, "==", values[0]).map { .bool($0) } ?? .unknown
        case ("ne", 1): return try compare(input, "!=", values[0]).map { .bool($0) } ?? .unknown
        case ("in", 1): return try compare(input, "in", values[0]).map { .bool($0) } ?? .unknown
        default: return .unknown
        }
    }
}

extension String {
    /// The text without white space at either side, as Python's `strip` does it.
    fileprivate var stripped: String {
        var scalars = unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars = scalars.dropFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars = scalars.dropLast() }
        return String(scalars)
    }
}
