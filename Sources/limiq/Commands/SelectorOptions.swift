import ArgumentParser
import Basics
import Provisioning

/// The machines a verb is for: names, patterns of names, labels, or all.
struct SelectorOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Machines by name, or by a pattern of names in quotes: 'web-*'.", valueName: "vm"),
        completion: CompletionKind.machine)
    var words: [String] = []

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("Only machines that have this label; may be given again.", valueName: "key=value"),
        completion: CompletionKind.label)
    var labels: [String] = []

    @Flag(help: "All machines.")
    var all = false

    var isEmpty: Bool { words.isEmpty && labels.isEmpty && !all }

    /// - Parameter orAll: whether nothing said means all of them.
    /// - Throws: `ValidationError` for what names no machines, or contradicts itself.
    func selector(orAll: Bool = false) throws -> MachineSelector {
        if all, !words.isEmpty { throw ValidationError("--all is all machines: name none beside it") }
        if isEmpty, !orAll {
            throw ValidationError("name machines: NAME, a pattern such as 'web-*', -l key=value, or --all")
        }
        var wanted: [String: String] = [:]
        for label in labels {
            guard let equals = label.firstIndex(of: "="), equals != label.startIndex else {
                throw ValidationError("-l \(label): write -l key=value")
            }
            let (key, value) = (String(label[..<equals]), String(label[label.index(after: equals)...]))
            if let other = wanted[key], other != value {
                throw ValidationError("-l \(label): no machine has \(key)=\(other) as well")
            }
            wanted[key] = value
        }
        return MachineSelector(words: words, labels: wanted)
    }
}
