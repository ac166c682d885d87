import ArgumentParser
import Basics
import Primitives
import Provisioning
import Records

struct GC: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract:
            "List and remove what killed runs have left: all that no finished machine owns, nothing else.")

    @Flag(help: "List, and remove nothing.")
    var dryRun = false

    @Flag(help: "The listing as a JSON document, with --dry-run.")
    var json = false

    @OptionGroup var host: HostOptions

    func validate() throws {
        if json, !dryRun { throw ValidationError("--json is for --dry-run, which lists") }
    }

    func run() throws {
        let session = try Session(connect: host.connect)
        // Between two of them an interrupted one has left nothing half-removed that the next would not find.
        let cancellation = Cancellation()
        try Signals.forward { _ in cancellation.cancel() }
        let leftovers = try Leftovers(state: session.state, on: try session.hosts.hypervisor(nil))
        let survey = try leftovers.survey()
        if json { return StandardOutput.print(json: try jsonText(Self.value(of: survey), pretty: true)) }
        for item in survey.spared { tell("left alone: \(item.path): \(item.reason)") }
        var failures: [Failure] = []
        var removed = 0
        for item in survey.left {
            try cancellation.check()
            guard !dryRun else {
                StandardOutput.print(TerminalText.visible("\(item.path): \(item.reason)"))
                continue
            }
            do throws(Failure) {
                if let reason = try leftovers.remove(item) {
                    tell("left alone: \(item.path): \(reason)")
                } else {
                    StandardOutput.print(TerminalText.visible("\(item.path): \(item.reason)"))
                    removed += 1
                }
            } catch {
                // One that cannot be removed keeps none of the others.
                failures.append(error)
            }
        }
        tell(
            dryRun
                ? (survey.left.isEmpty
                    ? "nothing is left over" : "\(survey.left.count) left over; limiq gc removes them")
                : (removed == 0 ? "nothing was removed" : "removed \(removed)"))
        for failure in failures.dropLast() { tell("\(failure)") }
        if let last = failures.last { throw last }
    }

    private static func value(of survey: Leftovers.Survey) -> Value {
        func items(_ items: [Leftovers.Item]) -> Value {
            .list(items.map { ["path": .string($0.path), "reason": .string($0.reason)] })
        }
        return ["left": items(survey.left), "spared": items(survey.spared)]
    }

    private func tell(_ text: String) { StandardError.complain(text) }
}
