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
        case .console: break
        // What comes before the work is worth a line where it has taken its time only.
        case .begins(let step, _) where progress.subject.kind == .host || step.kind == .look: break
        case .ended(_, let took, _) where progress.subject.kind == .host && took >= .seconds(1):
            tell(progress)
        case .ended: break
        // It is told at the end.
        case .wayIn, .isLike: break
        // A warning says it in a sentence.
        case .waits: break
        default: tell(progress)
        }
    }

    private func tell(_ progress: Progress) {
        StandardError.tell(Colours.errors.paint(TerminalText.visible(progress.line), progress.tone))
    }

    func happened(_ event: RunEvent) {
        guard showsProgress, case .slow(let subject, let slowness) = event else { return }
        let line =
            "\(subject.name): slow: \(running(slowness.elapsed)) in \(slowness.step.word), \(slowness.words)"
        StandardError.tell(Colours.errors.paint(TerminalText.visible(line), .caution))
    }

    func log(_ level: LogLevel, _ text: String) {
        StandardError.complain(level.prefix + text, level.tone)
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
            case .isLike(let likeness): "like \(likeness.image ?? "none")"
            case .waits(let path, _): "waits \(path)"
            case .wayIn(let words): words
            case .finished(let outcome, let took): "\(outcome.rawValue) (\(readable(took)))"
            }
        return "\(subject.name): \(text)"
    }
}

extension Progress {
    /// The tone of its line.
    var tone: Tone? {
        switch event {
        case .finished(.failed, _), .ended(_, _, ok: false): .bad
        case .finished(.up, _), .finished(.image, _): .good
        case .warning: .caution
        default: nil
        }
    }
}

extension LogLevel {
    /// The tone of its first line: none of what is merely told.
    var tone: Tone? {
        switch self {
        case .info: nil
        case .warn: .caution
        case .error: .bad
        }
    }

    /// The word before a line: none before what is merely told.
    var prefix: String { self == .info ? "" : "\(rawValue): " }
}
