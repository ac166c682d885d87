import Basics
import Glibc
import LuaRuntime
import Primitives
import Steps

/// The place where a run shows what it does: a terminal, a pipe, or a stream of JSON events.
///
/// What a script prints is its result and goes to standard output; all else goes to standard error, so that
/// `limiq run … > file` keeps what the script said and shows the rest.
protocol Display: Sendable {
    /// Shows that the run of a script begins.
    func begin(script: String)
    /// Shows what the script wrote, byte for byte.
    func output(_ stream: OutputStream, _ bytes: [UInt8])
    /// Shows news of the work on a machine or an image, as the work tells them.
    func progress(_ progress: Progress)
    func log(_ level: LogLevel, _ text: String)
    /// Shows what the run's record made of a call or of news. Called one at a time, in order; it must not wait for
    /// anything.
    func happened(_ event: RunEvent)
    /// Leaves the terminal as a shell expects it: nothing more comes.
    func finish()
    /// Gives up the terminal: the process ends at once, whatever is under way.
    func abandon()
    /// Shows the report of a run that is over. Called after `finish`.
    func end(_ report: RunReport)
}

extension Display {
    func begin(script: String) {}
    func happened(_ event: RunEvent) {}
    func finish() {}
    func abandon() {}

    func end(_ report: RunReport) {
        let text = report.painted(.errors)
        if !text.text.isEmpty { StandardError.tell(text) }
    }
}

/// The display that suits where the output goes.
func makeDisplay(
    json: Bool, _ recorder: RunRecorder, console: @escaping @Sendable (String) -> String?
) -> RunWatcher {
    if json { return RunWatcher(recorder: recorder, display: JSONDisplay(recorder)) }
    let term = getenv("TERM").map { String(cString: $0) } ?? "dumb"
    guard isatty(STDERR_FILENO) == 1, term != "dumb", !term.isEmpty else {
        return RunWatcher(recorder: recorder, display: PlainDisplay())
    }
    return RunWatcher(recorder: recorder, display: LiveDisplay(recorder, console: console))
}
