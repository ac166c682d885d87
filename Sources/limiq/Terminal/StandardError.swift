import Basics
import Glibc

/// The stream where all goes that is no result, as lines of text.
enum StandardError {
    /// Writes lines of limiq's own, whatever is quoted in them.
    static func tell(_ text: String) {
        writeAll(Array("\(TerminalText.visibleLines(text))\n".utf8), to: STDERR_FILENO)
    }

    /// Passes on what a program has written, byte for byte.
    static func pass(_ bytes: [UInt8]) { writeAll(bytes, to: STDERR_FILENO) }

    /// Takes back a line that a program has left without an end, where it is a terminal's.
    static func clearLine() {
        if isatty(STDERR_FILENO) == 1 { writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
    }

    static func tell(_ painted: Painted) { writeAll(Array("\(painted.text)\n".utf8), to: STDERR_FILENO) }

    /// Writes what went wrong, or may.
    static func complain(_ text: String, _ tone: Tone? = .bad) {
        tell(Colours.errors.complaint(text, tone))
    }
}

extension Colours {
    /// What went wrong, as lines: the first, which says it, has the colour.
    func complaint(_ text: String, _ tone: Tone? = .bad) -> Painted {
        let lines = TerminalText.complaint(text).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { index, line in paint(line, index == 0 ? tone : nil) }
            .joined(separator: "\n")
    }
}
