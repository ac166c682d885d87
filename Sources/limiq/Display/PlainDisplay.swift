import Basics
import Glibc
import LuaRuntime
import Primitives
import Provisioning

/// One plain line a step, for pipes and logs.
struct PlainDisplay: Display {
    var showsProgress = true

    func output(_ stream: OutputStream, _ bytes: [UInt8]) {
        stream.write(bytes)
    }

    func progress(_ progress: Progress) {
        guard showsProgress else { return }
        // The guest's own lines are for a terminal; here they would bury the steps.
        if progress.phase == "console" { return }
        // The end of a step shows by the next one's beginning.
        if progress.took != nil, !progress.isLast { return }
        StandardError.tell(TerminalText.visible(progress.line))
    }

    func log(_ level: LogLevel, _ text: String) {
        StandardError.complain(level.prefix + text)
    }
}

extension Progress {
    /// `web-server-01: seed (0.1 s)`.
    var line: String {
        var text = "\(subject): \(phase)"
        if let detail { text += " \(detail)" }
        if let took { text += " (\(readable(took)))" }
        return text
    }
}

extension LogLevel {
    /// Nothing before what is merely told.
    var prefix: String { self == .info ? "" : "\(rawValue): " }
}
