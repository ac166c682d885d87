import Basics
import Glibc
import Primitives
import Provisioning

/// Where a run shows what it does: a terminal, a pipe, or a stream of JSON events.
///
/// What a script prints is its result and goes to standard output; all else goes to standard error, so that
/// `limiq run … > file` keeps what the script said and shows the rest.
protocol Display: Sendable {
    /// What the script printed, byte for byte.
    func output(_ bytes: [UInt8])
    /// A machine or image came to another step.
    func progress(_ progress: Progress)
    func log(_ level: LogLevel, _ text: String)
    /// The run is over: leaves the terminal as a shell expects it.
    func finish()
}

/// The display that suits where the output goes.
func makeDisplay(json: Bool, console: @escaping @Sendable (String) -> String?) -> any Display {
    if json { return JSONDisplay() }
    let term = getenv("TERM").map { String(cString: $0) } ?? "dumb"
    guard isatty(STDERR_FILENO) == 1, term != "dumb" else { return PlainDisplay() }
    return LiveDisplay(console: console)
}

/// Writes all bytes to a descriptor, through interruptions and full pipes. A reader that has gone is no error of the script.
func writeAll(_ bytes: some Sequence<UInt8>, to descriptor: Int32) {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR || errno == EAGAIN { continue }
            return
        }
        rest = rest.dropFirst(count)
    }
}

/// A duration as a person reads it: `0.3 s`, `12 s`, `2m 05s`.
func readable(_ duration: Duration) -> String {
    let tenths = Int((duration / .milliseconds(100)).rounded())
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10) s" }
    let seconds = (tenths + 5) / 10
    if seconds < 120 { return "\(seconds) s" }
    return "\(seconds / 60)m \(seconds % 60 < 10 ? "0" : "")\(seconds % 60)s"
}
