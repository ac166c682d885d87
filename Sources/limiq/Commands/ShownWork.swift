import Basics
import Steps

/// Runs work that takes its time and can be interrupted, shows its steps, and prints the path it answers with.
func showingWork(
    _ work: (Cancellation, _ progress: @escaping @Sendable (Progress) -> Void) throws -> String?
) throws {
    let cancellation = Cancellation()
    try Signals.forward { _ in cancellation.cancel() }
    let display = makeDisplay(json: false, RunRecorder()) { _ in nil }
    defer { display.finish() }
    if let path = try work(cancellation, { display.progress($0) }) {
        display.output(.standard, Array("\(path)\n".utf8))
    }
}
