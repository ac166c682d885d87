import Basics
import Glibc
import LuaRuntime
import Primitives
import Steps

/// The display that writes one plain line a step, for pipes and logs.
struct PlainDisplay: Display {
    var showsProgress = true

    func output(_ stream: OutputStream, _ bytes: [UInt8]) {
        stream.write(bytes)
    }

    func progress(_ progress: Progress) {
        guard showsProgress else { return }
        switch progress.event {
        // The guest's own lines are for a terminal; here they would bury the steps. The end of a step shows by the next
        // one's beginning.
        case .console, .ended: break
        // It is told at the end.
        case .wayIn: break
        // A warning says it in a sentence.
        case .waits: break
        default: StandardError.tell(TerminalText.visible(progress.line))
        }
    }

    func log(_ level: LogLevel, _ text: String) {
        StandardError.complain(level.prefix + text)
    }
}

extension Progress {
    /// The line of the news: `web-server-01: up (12 s)`.
    var line: String {
        let text =
            switch event {
            case .begins(let step, let detail): step.word + (detail.map { " " + $0 } ?? "")
            case .detail(let step, let detail): "\(step.word) \(detail)"
            case .ended(let step, let took, _): "\(step.word) (\(readable(took)))"
            case .warning(let text): "warning \(text)"
            case .console(let text): "console \(text)"
            case .changed(let path): "changed \(path)"
            case .waits(let path, _): "waits \(path)"
            case .wayIn(let words): words
            case .finished(let outcome, let took): "\(outcome.rawValue) (\(readable(took)))"
            }
        return "\(subject.name): \(text)"
    }
}

extension LogLevel {
    /// The word before a line: none before what is merely told.
    var prefix: String { self == .info ? "" : "\(rawValue): " }
}
