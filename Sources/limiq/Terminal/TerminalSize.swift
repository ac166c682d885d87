import Glibc

struct TerminalSize: Equatable {
    var columns = 80
    var rows = 24

    /// The size of standard error's terminal, 80 × 24 where it does not say.
    static var current: TerminalSize {
        var result = TerminalSize()
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return result }
        if size.ws_col > 0 { result.columns = Int(size.ws_col) }
        if size.ws_row > 0 { result.rows = Int(size.ws_row) }
        return result
    }
}
