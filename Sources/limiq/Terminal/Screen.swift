/// The lines that stand on the terminal below what was printed, and the control sequences (ECMA-48) that replace them.
struct Screen {
    /// The widths of the lines that stand there.
    private var drawn: [Int] = []
    /// A line of output that has no end yet; the frame begins below it.
    private(set) var unfinished: [UInt8] = []

    /// Puts lines in the place of those that stand there.
    ///
    /// - Parameters:
    ///   - above: lines that stay, written above them.
    ///   - width: the terminal's columns now.
    mutating func draw(_ lines: [String], above: [String] = [], width: Int) -> String {
        var text = ""
        if !above.isEmpty || lines.isEmpty {
            text += erase(width: width)
            // A line of its own, after which the output goes on at the left edge.
            if !above.isEmpty { text += endUnfinished() + above.map { $0 + "\n" }.joined() }
        } else {
            text += up(width: width)
        }
        if drawn.isEmpty, !lines.isEmpty, !unfinished.isEmpty { text += "\n" }
        // Each line is written over the old one, which then needs no erasing first and does not flicker.
        for line in lines { text += line + "\u{1B}[K\n" }
        if !lines.isEmpty { text += "\u{1B}[J" }
        drawn = lines.map { TerminalText.columns(Self.plain($0)) }
        return text
    }

    /// Takes away what stands there; the cursor is then behind what was printed.
    mutating func erase(width: Int) -> String {
        guard !drawn.isEmpty else { return "" }
        var text = up(width: width) + "\u{1B}[J"
        drawn = []
        if !unfinished.isEmpty {
            let column = Self.columns(of: unfinished)
            let rows = max(1, (column + width - 1) / width)
            text += "\u{1B}[\(rows)A" + "\u{1B}[J" + String(decoding: unfinished, as: UTF8.self)
        }
        return text
    }

    /// Forgets what stands there, and leaves it: something else may have written to the terminal.
    mutating func forget() {
        drawn = []
        unfinished = []
    }

    /// Takes note of what is printed after `erase`.
    mutating func printed(_ bytes: [UInt8]) {
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

    /// The sequence that leads to the first line that stands there. A terminal that has become narrower has wrapped
    /// them.
    private func up(width: Int) -> String {
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + width - 1) / max(1, width)) }
        return rows > 0 ? "\r\u{1B}[\(rows)A" : ""
    }

    private static func columns(of bytes: [UInt8]) -> Int {
        TerminalText.columns(plain(String(decoding: bytes, as: UTF8.self)))
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
