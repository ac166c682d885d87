import Basics
import Glibc
import LuaRuntime
import Synchronization

/// The stream where results go: text made visible by `print`, and by `write` the bytes that are somebody's own, a
/// script's or a live console's. What it could not take is remembered, and told at the end of the command: results that
/// are lost are a failure, whatever else went well.
enum StandardOutput {
    private static let failure = Mutex<Int32>(0)

    static func write(_ bytes: some Sequence<UInt8>) {
        let error = writeAll(bytes, to: STDOUT_FILENO)
        // A reader that has gone wants no more: `limiq list | head`.
        guard error != 0, error != EPIPE else { return }
        failure.withLock { $0 = error }
    }

    /// Writes lines of limiq's own, whatever is quoted in them.
    static func print(_ text: String) { write("\(TerminalText.visibleLines(text))\n".utf8) }

    static func print(_ painted: Painted) { write("\(painted.text)\n".utf8) }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isPipe: Bool {
        var status = stat()
        return fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    static func print(json: String) { write("\(TerminalText.visible(json: json))\n".utf8) }

    /// The reason why results were lost; `nil` where none were.
    static var loss: String? {
        let error = failure.withLock(\.self)
        return error == 0 ? nil : String(cString: strerror(error))
    }
}

extension OutputStream {
    func write(_ bytes: [UInt8]) {
        switch self {
        case .standard: StandardOutput.write(bytes)
        case .error: writeAll(bytes, to: STDERR_FILENO)
        }
    }
}
