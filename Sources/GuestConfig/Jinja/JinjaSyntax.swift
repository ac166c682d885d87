/// The problem of a template, and the line it is in.
struct JinjaProblem: Error, Equatable {
    var line: Int
    /// The message in lower case, without full stop.
    var message: String
    var hint: String?

    init(_ line: Int, _ message: String, hint: String? = nil) {
        self.line = line
        self.message = message
        self.hint = hint
    }
}

/// An expression of Jinja's.
indirect enum JinjaExpression {
    typealias Arguments = (plain: [JinjaExpression], named: [(name: String, value: JinjaExpression)])

    case constant(JinjaValue)
    case name(String)
    case list([JinjaExpression])
    case tuple([JinjaExpression])
    case map([(key: JinjaExpression, value: JinjaExpression)])
    case attribute(JinjaExpression, String)
    case item(JinjaExpression, JinjaExpression)
    case call(JinjaExpression, Arguments)
    case filter(JinjaExpression, String, Arguments)
    case test(JinjaExpression, String, Arguments)
    case not(JinjaExpression)
    case and(JinjaExpression, JinjaExpression)
    case or(JinjaExpression, JinjaExpression)
    case comparison(JinjaExpression, [(sign: String, value: JinjaExpression)])
    case operation(String, JinjaExpression, JinjaExpression)
    case joined([JinjaExpression])
    case conditional(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
    /// What is read and not evaluated: slices, arguments with stars.
    case opaque
}

/// A piece of a template.
indirect enum JinjaNode {
    case data(String, line: Int)
    case print(JinjaExpression, line: Int)
    case choice([(condition: JinjaExpression?, body: [JinjaNode])], line: Int)
    case loop(Loop)
    case set([String], JinjaExpression, line: Int)
    case act(JinjaExpression, line: Int)
    case scope([JinjaNode])
    /// What is read and not evaluated, with the names that it gives something.
    case definition([String])
    case opaque

    struct Loop {
        var names: [String]
        var members: JinjaExpression
        var test: JinjaExpression?
        var body: [JinjaNode]
        var otherwise: [JinjaNode]
        var line: Int
    }
}
