import Basics
import Glibc

/// The stream where all goes that is no result, as lines of text.
enum StandardError {
    /// Writes lines of limiq's own, whatever is quoted in them.
    static func tell(_ text: String) {
        writeAll(Array("\(TerminalText.visibleLines(text))\n".utf8), to: STDERR_FILENO)
    }

    /// Writes what went wrong.
    static func complain(_ text: String) { tell(TerminalText.complaint(text)) }
}
