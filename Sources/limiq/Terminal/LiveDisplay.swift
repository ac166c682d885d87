import Basics
import Glibc
import Primitives
import Provisioning
import Synchronization

/// A terminal: one line for each machine that is being worked on, redrawn in place below whatever was printed.
final class LiveDisplay: Display {
    private struct Line {
        var phase: String
        var detail: String?
        let since: ContinuousClock.Instant
    }

    private struct State {
        var order: [String] = []
        var lines: [String: Line] = [:]
        /// How many lines of the terminal the last drawing took.
        var drawn = 0
        var finished = false
    }

    private let state = Mutex(State())
    private let console: @Sendable (String) -> String?

    /// - Parameter console: the last line of a machine's serial console.
    init(console: @escaping @Sendable (String) -> String?) {
        self.console = console
        startThread { [self] in
            while !tick() { usleep(125_000) }
        }
    }

    func output(_ bytes: [UInt8]) {
        state.withLock { state in
            erase(&state)
            writeAll(bytes, to: STDOUT_FILENO)
        }
    }

    func progress(_ progress: Progress) {
        state.withLock { state in
            if progress.took != nil, progress.isLast {
                state.lines[progress.subject] = nil
                state.order.removeAll { $0 == progress.subject }
                erase(&state)
                writeAll(Array("\(progress.line)\n".utf8), to: STDERR_FILENO)
                return
            }
            if progress.phase == "warning" {
                erase(&state)
                writeAll(Array("\(progress.line)\n".utf8), to: STDERR_FILENO)
                return
            }
            // A line of the guest's console shows beside the step it is in.
            if progress.phase == "console", state.lines[progress.subject] != nil {
                state.lines[progress.subject]?.detail = progress.detail
                return
            }
            if state.lines[progress.subject] == nil { state.order.append(progress.subject) }
            let since = state.lines[progress.subject]?.since ?? .now
            state.lines[progress.subject] = Line(phase: progress.phase, detail: progress.detail, since: since)
        }
    }

    func log(_ level: LogLevel, _ text: String) {
        state.withLock { state in
            erase(&state)
            writeAll(Array("\(level.prefix)\(text)\n".utf8), to: STDERR_FILENO)
        }
    }

    func finish() {
        state.withLock { state in
            erase(&state)
            state.finished = true
        }
    }

    /// Draws once; true when there is nothing more to draw, ever.
    private func tick() -> Bool {
        state.withLock { state in
            if state.finished { return true }
            let width = terminalWidth()
            var text = ""
            for name in state.order {
                guard let line = state.lines[name] else { continue }
                let elapsed = readable(line.since.duration(to: .now))
                var row = "\(name)  \(line.phase)  \(elapsed)"
                if let tail = line.detail ?? console(name) { row += "  \(tail)" }
                text += "\u{1B}[2K" + fit(row, width) + "\n"
            }
            if state.drawn > 0 { text = "\u{1B}[\(state.drawn)A\u{1B}[J" + text }
            state.drawn = state.order.count
            if !text.isEmpty { writeAll(Array(text.utf8), to: STDERR_FILENO) }
            return false
        }
    }

    private func erase(_ state: inout State) {
        if state.drawn > 0 { writeAll(Array("\u{1B}[\(state.drawn)A\u{1B}[J".utf8), to: STDERR_FILENO) }
        state.drawn = 0
    }
}

private func terminalWidth() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
}

/// The row cut to the terminal's width, without anything that moves the cursor.
private func fit(_ row: String, _ width: Int) -> String {
    let visible = row.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
    guard visible.count >= width else { return String(String.UnicodeScalarView(visible)) }
    return String(String.UnicodeScalarView(visible.prefix(width - 2))) + "…"
}
