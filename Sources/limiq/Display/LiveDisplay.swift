import Basics
import Glibc
import LuaRuntime
import Primitives
import Steps
import Synchronization

/// The display on a terminal: below whatever was printed, a frame that is drawn anew as the run goes on.
///
/// Who tells of something never waits for the terminal, which a person may have stopped (Ctrl-S): it is drawn on a thread of
/// its own, ten times a second at most and only where something else is to be seen. A new size is taken up at the next
/// drawing. The cursor stays visible all the time, so there is nothing to give back.
final class LiveDisplay: Display {
    private struct Told {
        /// The lines that stay, to be written above the frame.
        var lines: [String] = []
        /// Whether the process was stopped and goes on: the shell has written below the frame.
        var wasStopped = false
    }

    private struct Drawing {
        var screen = Screen()
        var shown: (lines: [String], size: TerminalSize)?
        var finished = false
    }

    private let recorder: RunRecorder
    private let colours = Colours.errors
    private let console: @Sendable (String) -> String?
    /// The things that were told. They are locked for moments only.
    private let told = Mutex(Told())
    /// The state of the drawing. It is locked as long as the terminal takes to be written to.
    private let drawing = Mutex(Drawing())

    /// - Parameter console: the last line of a machine's serial console.
    init(_ recorder: RunRecorder, console: @escaping @Sendable (String) -> String?) {
        self.recorder = recorder
        self.console = console
        Signals.onResume { [self] in told.withLock { $0.wasStopped = true } }
        startThread { [self] in
            while !tick() { usleep(100_000) }
        }
    }

    func output(_ stream: OutputStream, _ bytes: [UInt8]) {
        guard isatty(stream.descriptor) == 1 else {
            stream.write(bytes)
            return
        }
        drawing.withLock { drawing in
            clear(&drawing)
            drawing.screen.printed(bytes)
            stream.write(bytes)
        }
    }

    func progress(_ progress: Progress) {
        switch progress.event {
        // What failed stays in the frame, and is told of at the end.
        case .finished(.failed, _): break
        case .finished, .warning: tell(colours.paint(TerminalText.visible(progress.line), progress.tone))
        // The frame shows the rest.
        case .begins, .detail, .ended, .console, .changed, .waits, .isLike, .wayIn: break
        }
    }

    func log(_ level: LogLevel, _ text: String) {
        tell(colours.complaint(level.prefix + text, level.tone))
    }

    private func tell(_ line: Painted) { told.withLock { $0.lines.append(line.text) } }

    func finish() {
        drawing.withLock { drawing in
            clear(&drawing)
            drawing.finished = true
        }
    }

    func abandon() {
        // The terminal may not take anything any more: then it is left.
        drawing.withLockIfAvailable { drawing in
            clear(&drawing)
            drawing.finished = true
        }
    }

    /// Draws once where something has changed; true when there is nothing more to draw, ever.
    private func tick() -> Bool {
        drawing.withLock { drawing in
            if drawing.finished { return true }
            // A shell has the terminal: it is for the one in the foreground.
            let group = tcgetpgrp(STDERR_FILENO)
            guard group < 0 || group == getpgrp() else {
                leave(&drawing)
                return false
            }
            let size = TerminalSize.current
            let frame = recorder.use { record, now in Frame(record, at: now, height: size.rows) }
            let lines = frame.lines(width: size.columns, colours: colours, console: console)
            let above = takeTold(&drawing)
            if above.isEmpty, let shown = drawing.shown, shown == (lines, size) { return false }
            write(drawing.screen.draw(lines, above: above, size))
            drawing.shown = (lines, size)
            return false
        }
    }

    private func clear(_ drawing: inout Drawing) {
        let above = takeTold(&drawing)
        write(drawing.screen.draw([], above: above, .current))
        drawing.shown = nil
    }

    private func leave(_ drawing: inout Drawing) {
        drawing.screen.forget()
        drawing.shown = nil
    }

    private func takeTold(_ drawing: inout Drawing) -> [String] {
        let (lines, wasStopped) = told.withLock { told in
            defer { told = Told() }
            return (told.lines, told.wasStopped)
        }
        if wasStopped { leave(&drawing) }
        return lines
    }

    private func write(_ text: String) {
        if !text.isEmpty { writeAll(Array(text.utf8), to: STDERR_FILENO) }
    }
}
