import Basics
import Primitives
import Provisioning

/// A plan as a tree: a line a step, its parts and changes below it.
struct PlanTree {
    private let steps: [PlanStep]
    /// The script's line from which on nothing is known.
    private let end: String?

    init(_ steps: [PlanStep], end: String? = nil) {
        self.steps = steps
        self.end = end
    }

    private typealias Line = (text: String, tone: Tone?)

    /// The tree as text, with a line of sums at its end, which has no line end.
    var text: String { painted(.none).text }

    func painted(_ colours: Colours) -> Painted {
        var lines = steps.flatMap(lines)
        if let end {
            lines.append(
                (
                    "\(end): not planned from here on: that depends on what a guest answers (known after boot)",
                    .caution
                ))
        }
        lines.append((sums, nil))
        return lines.map { colours.paint(TerminalText.visible($0.text), $0.tone) }.joined(separator: "\n")
    }

    private func lines(_ step: PlanStep) -> [Line] {
        func plain(_ text: String) -> Line { (text, nil) }
        // A moment is worth no word.
        let usual = step.usual.flatMap { $0 >= .seconds(1) ? ", about \(readable($0))" : nil } ?? ""
        var lines: [Line] = [
            (
                "\(Self.sign(step.action)) \(step.kind) \(step.name)  \(Self.word(step.action))\(usual)",
                Self.tone(step.action)
            )
        ]
        lines += step.parts.map { part in
            plain("    \(part.name)" + (part.detail.isEmpty ? "" : "  \(part.detail)"))
        }
        lines += step.changes.flatMap { [("    ~ \(Self.text($0))", .caution)] + Self.differences($0) }
        lines += step.pending.flatMap { change in
            let reason = change.reason.map { ": \($0)" } ?? ""
            return [plain("    … \(Self.text(change)), \(Self.wait(change))\(reason)")]
                + Self.differences(change)
        }
        lines += step.afterBoot.map { plain("    \($0)  (known after boot)") }
        lines += step.warnings.map { ("    warning: \($0)", .caution) }
        return lines
    }

    /// The words for when a change is done that is not done now.
    private static func wait(_ change: Change) -> String {
        switch change.kind {
        case .instance: "where a guest has run, with another instance-id only"
        case .replace: "left as it is"
        case .live, .restart: "without { restart = true } at its next start"
        }
    }

    /// The most lines of a document's differences that are shown.
    private static let mostLines = 40

    private static func differences(_ change: Change) -> [Line] {
        let shown: [Line] = change.lines.prefix(mostLines).map { line in
            ("        \(line)", "\(line)".hasPrefix("+") ? .good : "\(line)".hasPrefix("-") ? .bad : nil)
        }
        let left = change.lines.count - shown.count
        return left > 0 ? shown + [("        and \(left) more lines", nil)] : shown
    }

    private static func text(_ change: Change) -> String {
        let cause = change.cause == .drift ? ", changed by hand" : ""
        return
            "\(change.path)  \(change.current?.short ?? "none") → \(change.wanted?.short ?? "none")  \(change.kind.rawValue)\(cause)"
    }

    private static func sign(_ action: PlanStep.Action) -> String {
        switch action {
        case .make, .adopt: "+"
        case .change: "~"
        case .replace: "±"
        case .remove: "-"
        case .start, .restart, .stop, .run: ">"
        case .none: "="
        }
    }

    private static func tone(_ action: PlanStep.Action) -> Tone? {
        switch action {
        case .make, .adopt, .start: .good
        case .change, .restart, .stop: .caution
        case .replace, .remove: .bad
        case .none: .faint
        case .run: nil
        }
    }

    private static func word(_ action: PlanStep.Action) -> String {
        switch action {
        case .none: "as it is"
        case .adopt: "taken up again: its domain is gone, its disks are kept"
        case .replace: "made anew: its disks are thrown away"
        case .run: ""
        default: action.rawValue
        }
    }

    private var sums: String {
        let words: [(PlanStep.Action, String)] = [
            (.make, "to make"), (.adopt, "to take up again"), (.change, "to change"),
            (.restart, "to start anew"),
            (.replace, "to make anew"),
            (.remove, "to remove"), (.start, "to start"), (.stop, "to stop"), (.none, "as it is"),
        ]
        let sums = words.compactMap { action, word -> String? in
            let count = steps.filter { $0.action == action }.count
            return count == 0 ? nil : "\(count) \(word)"
        }
        return sums.isEmpty ? "nothing to do" : sums.joined(separator: ", ")
    }
}
