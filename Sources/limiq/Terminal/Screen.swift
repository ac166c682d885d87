/// The lines that stand on the terminal below what was printed, and the control sequences (ECMA-48) that replace them.
///
/// A terminal whose size has changed has moved what stands there before anybody can ask it: one that has become narrower has
/// wrapped the lines, one that has become lower has pushed the upper ones out, and one that becomes higher gives those back.
struct Screen {
    /// The lines that stand there, without colours.
    private var drawn: [String] = []
    private var size: TerminalSize?
    /// The lines of earlier frames, right above, that a terminal which has become smaller has pushed out.
    private var pushedOut: [String] = []
    /// The beginning of one whose end was still there: the terminal takes the frame's first line for its end.
    private var pushedOutHead = ""
    /// A line of output that has no end yet; the frame begins below it.
    private(set) var unfinished: [UInt8] = []

    /// Puts lines in the place of those that stand there.
    ///
    /// - Parameters:
    ///   - above: lines that stay, written above them.
    ///   - size: the terminal's now.
    mutating func draw(_ lines: [String], above: [String] = [], _ size: TerminalSize) -> String {
        var text = ""
        var isNew = drawn.isEmpty
        if !above.isEmpty || lines.isEmpty {
            text += erase(size)
            isNew = true
            // A line of its own, after which the output goes on at the left edge.
            if !above.isEmpty {
                text += endUnfinished() + above.map { $0 + "\n" }.joined()
                forgetPushedOut()
            }
        } else if let old = self.size, old != size {
            // What it was wrapped into is no line of its own.
            text += up(size) + takeAway()
        } else if !drawn.isEmpty {
            text += "\r\u{1B}[\(drawn.count)A"
        }
        self.size = size
        if isNew, !lines.isEmpty, !unfinished.isEmpty { text += "\n" }
        // Each line is written over the old one, which needs no erasing first and does not flicker, where it is not shorter:
        // what is erased behind it would count when a terminal wraps it (tmux). To the next row that is there the cursor goes
        // without a line feed: in a terminal that has just become lower that would push rows out.
        let shown = lines.map { Self.plain($0) }
        for (index, line) in lines.enumerated() {
            guard index < drawn.count else {
                text += line + "\u{1B}[K\n"
                continue
            }
            let isShorter = TerminalText.columns(shown[index]) < TerminalText.columns(drawn[index])
            text += (isShorter ? "\u{1B}[2K" : "") + line + "\u{1B}[K\r\u{1B}[B"
        }
        if !lines.isEmpty { text += "\u{1B}[J" }
        drawn = shown
        return text
    }

    /// Takes away what stands there; the cursor is then behind what was printed.
    mutating func erase(_ size: TerminalSize) -> String {
        guard !drawn.isEmpty else { return "" }
        var text = (size == self.size ? "\r\u{1B}[\(drawn.count)A" : up(size)) + takeAway()
        self.size = size
        if !unfinished.isEmpty {
            let rows = Self.rows(of: Self.plain(String(decoding: unfinished, as: UTF8.self)), size.columns)
            text += "\u{1B}[\(rows.count)A" + takeAway() + String(decoding: unfinished, as: UTF8.self)
        }
        return text
    }

    /// Takes away what is at the cursor and below. Not in one go: a terminal that is asked to erase its whole screen may
    /// keep what stood there in its history (tmux), and give it back when it becomes larger.
    private mutating func takeAway() -> String {
        drawn = []
        return "\u{1B}[2K\n\u{1B}[J\u{1B}[A"
    }

    /// Forgets what stands there, and leaves it: something else may have written to the terminal.
    mutating func forget() {
        drawn = []
        unfinished = []
        forgetPushedOut()
    }

    private mutating func forgetPushedOut() { (pushedOut, pushedOutHead) = ([], "") }

    /// Takes note of what is printed after `erase`.
    mutating func printed(_ bytes: [UInt8]) {
        forgetPushedOut()
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            unfinished += bytes
            return
        }
        unfinished = Array(bytes[bytes.index(after: end)...])
    }

    private mutating func endUnfinished() -> String {
        defer { unfinished = [] }
        return unfinished.isEmpty ? "" : "\n"
    }

    /// The sequence that leads to the first row that stands there, or comes back there, in a terminal of another size: where
    /// it does not give back what it has pushed out, the frame begins in its first row, and the cursor goes no further up
    /// than that.
    private mutating func up(_ size: TerminalSize) -> String {
        guard let first = drawn.first else { return "" }
        let lines = pushedOut + [pushedOutHead + first] + drawn.dropFirst()
        let rows = lines.map { Self.rows(of: $0, size.columns) }
        let count = rows.reduce(0) { $0 + $1.count }
        forgetPushedOut()
        // The cursor stands in a row of its own.
        var out = min(count + 1 - size.rows, 4096)
        for (line, rows) in zip(lines, rows) where out > 0 {
            if rows.count > out { pushedOutHead = rows.prefix(out).joined() } else { pushedOut.append(line) }
            out -= rows.count
        }
        return "\r\u{1B}[\(count)A"
    }

    /// The rows that a line takes in a terminal of so many columns.
    private static func rows(of line: String, _ width: Int) -> [String] {
        var rows: [String.UnicodeScalarView] = [.init()]
        var column = 0
        for scalar in line.unicodeScalars {
            let next = TerminalText.columns(scalar)
            // A wide character that does not fit goes to the next row whole.
            if column + next > max(1, width) {
                rows.append(.init())
                column = 0
            }
            column += next
            rows[rows.count - 1].append(scalar)
        }
        return rows.map { String($0) }
    }

    /// The text without colours.
    private static func plain(_ text: String) -> String {
        var result = ""
        var isSequence = false
        for character in text.unicodeScalars {
            if character == "\u{1B}" {
                isSequence = true
            } else if isSequence {
                if character.properties.isAlphabetic { isSequence = false }
            } else {
                result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
