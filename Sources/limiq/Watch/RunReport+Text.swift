import Basics
import LuaRuntime
import Steps

extension RunReport {
    /// The text that a person reads at the end, empty where there is nothing to say: the phases where there are several
    /// machines, what ended the script, and a line for each machine that failed, whatever the script did with the
    /// errors.
    var text: String { painted(.none).text }

    func painted(_ colours: Colours) -> Painted {
        var parts: [Painted] = []
        if (showsPhases || machines > 1) && !phases.isEmpty { parts.append(colours.paint(phaseTable)) }
        let complaint = complaint
        if let complaint { parts.append(colours.complaint("limiq: \(complaint)")) }
        // One machine whose error is the script's has been told of.
        if problems.count > 1 || problems.contains(where: { complaint?.contains($0.failure.message) != true })
        {
            parts.append(colours.complaint(failureList))
        }
        if !cancelled.isEmpty {
            parts.append(colours.paint("cancelled: \(Self.list(cancelled))", .caution))
        }
        if !unfinished.isEmpty {
            parts.append(colours.paint("not finished: \(Self.list(unfinished))", .caution))
        }
        parts += waysIn.prefix(10).map { colours.paint("ssh: \($0)") }
        if waysIn.count > 10 { parts.append(colours.paint("… and \(waysIn.count - 10) more")) }
        return parts.joined(separator: "\n")
    }

    /// The table with a row a machine, the slowest first, and a column a phase; the rows of a long list fold.
    private var phaseTable: String {
        func row(_ name: String, _ time: (Phase) -> Duration?) -> [String] {
            [name] + phases.map { time($0).map(Self.short) ?? "" }
        }
        var sums: [String: Duration] = [:]
        for phase in phases where phase.name != "total" {
            sums.merge(phase.times) { $0 + $1 }
        }
        let names = sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        var rows = [["TIMES"] + phases.map(\.name)]
        rows += names.prefix(10).map { name in row(name) { $0.times[name] } }
        if names.count > 10 { rows.append(row("… and \(names.count - 10) more") { _ in nil }) }
        rows += [row("minimum", \.minimum), row("median", \.median), row("maximum", \.maximum)]
        return table(rows)
    }

    private static func short(_ duration: Duration) -> String {
        duration < .seconds(1) ? "\(Int(duration / .milliseconds(1))) ms" : readable(duration)
    }

    private var failureList: String {
        let images = problems.count - failed
        var counts: [String] = []
        if failed > 0 { counts.append("\(failed) of \(machines) machine\(machines == 1 ? "" : "s")") }
        if images > 0 { counts.append("\(images) image\(images == 1 ? "" : "s")") }
        let lines = problems.map { problem in
            let name = problem.work.subject.name
            return problem.line.hasPrefix("\(name) ") ? "  \(problem.line)" : "  \(name): \(problem.line)"
        }
        let parts = ["failed: \(counts.joined(separator: " and "))"] + lines + hints
        return parts.map { TerminalText.visible($0) }.joined(separator: "\n")
    }

    /// The ways out, each once: those that differ in the machine's name only are one, with NAME in its place.
    private var hints: [String] {
        var forms: [(general: String, hints: Set<String>)] = []
        for problem in problems {
            guard let hint = problem.failure.hint else { continue }
            let name = problem.work.subject.name
            let general = hint.split(separator: " ").map { $0 == name ? "NAME" : String($0) }.joined(
                separator: " ")
            if let known = forms.firstIndex(where: { $0.general == general || $0.hints.contains(hint) }) {
                forms[known].hints.insert(hint)
            } else {
                forms.append((general, [hint]))
            }
        }
        return forms.prefix(3).map { "  hint: " + ($0.hints.count == 1 ? $0.hints.first ?? "" : $0.general) }
    }

    /// The error that ended the script. Of an error of `limiq.each` it is only what the list of failures does not say.
    private var complaint: String? {
        guard let error else { return nil }
        guard error.failure.code == .each, problems.count > 1 else { return error.description }
        var rest = error
        let items = Self.items(of: error.failure.message)
        let untold = items.dropFirst().filter { item in
            !problems.contains { item.contains($0.failure.message) }
        }
        let message = ([items[0]] + untold).joined(separator: "\n  ")
        rest = ScriptError(
            Failure(error.failure.code, message), location: error.location, traceback: error.traceback)
        return rest.description
    }

    /// The items of a message: `2 of 3 failed:`, and one for each of them: it begins two blanks in, and its further
    /// lines deeper.
    private static func items(of message: String) -> [String] {
        var items: [String] = [""]
        for (index, line) in message.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if index == 0 {
                items[0] = String(line)
            } else if line.hasPrefix("  "), !line.hasPrefix("   ") {
                items.append(String(line.dropFirst(2)))
            } else {
                items[items.count - 1] += "\n\(line)"
            }
        }
        return items
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(10).joined(separator: ", ")
        return names.count > 10 ? "\(shown) … (\(names.count))" : shown
    }
}

extension Track.Problem {
    /// The problem on one line: what went wrong, and where in the script.
    var line: String {
        var text = failure.message
        if let cause = failure.cause, !cause.contains("\n"), !text.contains(cause) { text += ": \(cause)" }
        if let end = text.firstIndex(of: "\n") { text = String(text[..<end]) }
        return work.location.map { "\(text) (\($0))" } ?? text
    }
}
