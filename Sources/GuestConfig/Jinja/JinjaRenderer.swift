/// The renderer of a template: its statements.
struct JinjaRenderer {
    /// The end of a rendering.
    enum Stop: Error {
        case problem(JinjaProblem)
        /// What follows depends on what only the guest knows.
        case unknown
    }

    private static let stepLimit = 200_000
    private static let sizeLimit = 4 << 20

    private var evaluator: JinjaEvaluator
    private var result = JinjaTemplate.Rendered()
    private var isAtLineStart = true
    private var size = 0
    private var steps = 0

    init(_ variables: JinjaValue) { evaluator = JinjaEvaluator(variables) }

    mutating func render(_ nodes: [JinjaNode], endsLine: Bool) throws(JinjaProblem) -> JinjaTemplate.Rendered
    {
        do throws(Stop) { try run(nodes) } catch {
            if case .problem(let problem) = error { throw problem }
            result.isComplete = false
        }
        if endsLine, result.isComplete { write("\n", from: result.lines.last ?? 1, isData: false) }
        result.missing = evaluator.missing
        return result
    }

    private mutating func run(_ nodes: [JinjaNode]) throws(Stop) {
        for node in nodes {
            steps += 1
            guard steps < Self.stepLimit, size < Self.sizeLimit else { throw .unknown }
            try run(node)
        }
    }

    private mutating func run(_ node: JinjaNode) throws(Stop) {
        switch node {
        case .data(let text, let line): write(text, from: line, isData: true)
        case .print(let expression, let line):
            let value = try evaluator.value(of: expression, line: line)
            if value == .word {
                result.uncertainLines.insert(line)
                return write("word", from: line, isData: false)
            }
            guard let text = evaluator.text(of: value, line: line) else {
                result.isComplete = false
                return
            }
            write(text, from: line, isData: false)
        case .choice(let branches, let line):
            for branch in branches {
                guard let condition = branch.condition else { return try run(branch.body) }
                guard let truth = try evaluator.value(of: condition, line: line).truth else { throw .unknown }
                if truth { return try run(branch.body) }
            }
        case .loop(let loop): try run(loop)
        case .set(let names, let expression, let line):
            let value = try evaluator.value(of: expression, line: line)
            try evaluator.assign(value, to: names)
        case .act, .opaque: throw .unknown
        case .scope(let nodes):
            evaluator.open()
            try run(nodes)
            evaluator.close()
        case .definition(let names): for name in names { evaluator.set(name, .unknown) }
        }
    }

    private mutating func run(_ loop: JinjaNode.Loop) throws(Stop) {
        guard var members = evaluator.members(of: try evaluator.value(of: loop.members, line: loop.line))
        else { throw .unknown }
        if let test = loop.test {
            var kept: [JinjaValue] = []
            for member in members {
                evaluator.open()
                try evaluator.assign(member, to: loop.names)
                guard let truth = try evaluator.value(of: test, line: loop.line).truth else { throw .unknown }
                evaluator.close()
                if truth { kept.append(member) }
            }
            members = kept
        }
        if members.isEmpty { return try run(loop.otherwise) }
        for (index, member) in members.enumerated() {
            evaluator.open()
            try evaluator.assign(member, to: loop.names)
            evaluator.set("loop", Self.state(index, of: members))
            try run(loop.body)
            evaluator.close()
        }
    }

    /// The variable `loop`, as far as it is known here.
    private static func state(_ index: Int, of members: [JinjaValue]) -> JinjaValue {
        let count = members.count
        return .map([
            .init(key: "index", value: .int(index + 1)), .init(key: "index0", value: .int(index)),
            .init(key: "revindex", value: .int(count - index)),
            .init(key: "revindex0", value: .int(count - index - 1)),
            .init(key: "first", value: .bool(index == 0)),
            .init(key: "last", value: .bool(index == count - 1)),
            .init(key: "length", value: .int(count)), .init(key: "depth", value: .int(1)),
            .init(key: "depth0", value: .int(0)), .init(key: "cycle", value: .unknown),
            .init(key: "changed", value: .unknown), .init(key: "previtem", value: .unknown),
            .init(key: "nextitem", value: .unknown),
        ])
    }

    /// - Parameter isData: it is text of the template, in which its lines are counted on.
    private mutating func write(_ text: String, from line: Int, isData: Bool) {
        // Behind what is not known nothing is in its place.
        guard result.isComplete else { return }
        var line = line
        for scalar in text.unicodeScalars {
            if isAtLineStart {
                result.lines.append(line)
                isAtLineStart = false
            }
            if scalar == "\n" {
                isAtLineStart = true
                if isData { line += 1 }
            }
        }
        result.text += text
        size += text.utf8.count
    }
}
