/// A Jinja template as cloud-init renders it (`cloudinit/templater.py`).
///
/// What the evaluator does not know, a filter or a value that only the guest has, it says so of: then nothing is claimed of the
/// result.
struct JinjaTemplate {
    /// The result of a template.
    struct Rendered: Equatable {
        var text = ""
        /// The template's line that each line of the text comes from.
        var lines: [Int] = []
        /// Whether the text is all that the guest will have; else it ends where that is not known.
        var isComplete = true
        /// The template's lines that hold a word which only the guest knows: another stands in its place.
        var uncertainLines: Set<Int> = []
        /// The names that stand for nothing, and their lines: cloud-init writes something else in their place.
        var missing: [Missing] = []
    }

    struct Missing: Equatable {
        var name: String
        var line: Int
    }

    private let nodes: [JinjaNode]
    private let endsLine: Bool

    /// - Parameter line: the number of the text's first line.
    /// - Throws: `JinjaProblem` where it is no template.
    init(_ text: String, line: Int) throws(JinjaProblem) {
        nodes = try JinjaParser.nodes(text, line: line)
        endsLine = text.hasSuffix("\n") || text.hasSuffix("\r\n")
    }

    /// - Parameter variables: a map.
    /// - Throws: `JinjaProblem` where the guest would render nothing.
    func rendered(_ variables: JinjaValue) throws(JinjaProblem) -> Rendered {
        var renderer = JinjaRenderer(variables)
        return try renderer.render(nodes, endsLine: endsLine)
    }
}
