/// Scalars: in quotes, plain, and as blocks.
extension Scanner {
    // MARK: - In quotes

    mutating func quoted() throws(YAMLProblem) -> Token {
        let start = cursor.mark
        let quote = cursor.peek()
        cursor.forward()
        var text = TextBuffer()
        try quotedWord(quote, into: &text)
        while cursor.peek() != quote {
            try quotedSpaces(into: &text)
            try quotedWord(quote, into: &text)
        }
        cursor.forward()
        return Token(kind: .scalar, start: start, end: cursor.mark, text: text.string)
    }

    /// Reads on to white space or the closing quote.
    private mutating func quotedWord(
        _ quote: Unicode.Scalar, into text: inout TextBuffer
    ) throws(YAMLProblem) {
        while true {
            let length = cursor.count { $0 != "'" && $0 != "\"" && $0 != "\\" && !$0.endsWord }
            cursor.take(length, into: &text)
            let scalar = cursor.peek()
            switch (quote, scalar) {
            case ("'", "'") where cursor.peek(1) == "'":
                text.append("'")
                cursor.forward(2)
            case ("\"", "'"), ("'", "\""), ("'", "\\"):
                text.append(scalar)
                cursor.forward()
            case ("\"", "\\"): try escape(into: &text)
            default: return
            }
        }
    }

    /// Reads what a backslash begins (YAML 1.1, section 5.6).
    private mutating func escape(into text: inout TextBuffer) throws(YAMLProblem) {
        cursor.forward()
        let letter = cursor.peek()
        if let scalar = Self.escapes[letter] {
            text.append(scalar)
            cursor.forward()
        } else if let length = Self.escapeLengths[letter] {
            cursor.forward()
            try escapedCode(length, into: &text)
        } else if letter.isBreak {
            _ = cursor.takeBreak()
            try quotedBreaks(into: &text)
        } else {
            throw problem(
                "found unknown escape character '\(letter)'",
                hint: "write \\\\ for a backslash, or quote with '…'")
        }
    }

    private mutating func escapedCode(
        _ length: Int, into text: inout TextBuffer
    ) throws(YAMLProblem) {
        var code: UInt32 = 0
        for distance in 0..<length {
            guard let digit = cursor.peek(distance).hexadecimalValue else {
                throw problem("expected an escape of \(length) hexadecimal digits")
            }
            code = code << 4 | digit
        }
        // PyYAML takes halves of a pair of UTF-16, and then no file and no program can be given the text.
        guard let scalar = Unicode.Scalar(code) else {
            throw problem(
                "the escape U+\(String(code, radix: 16, uppercase: true)) is no character",
                hint: "write the character itself, or \\U and its eight digits")
        }
        text.append(scalar)
        cursor.forward(length)
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "0": "\0", "a": "\u{7}", "b": "\u{8}", "t": "\t", "\t": "\t", "n": "\n", "v": "\u{B}", "f": "\u{C}",
        "r": "\r", "e": "\u{1B}", " ": " ", "\"": "\"", "\\": "\\", "/": "/", "N": "\u{85}", "_": "\u{A0}",
        "L": "\u{2028}", "P": "\u{2029}",
    ]
    private static let escapeLengths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

    private mutating func quotedSpaces(into text: inout TextBuffer) throws(YAMLProblem) {
        var blanks = TextBuffer()
        cursor.take(cursor.count { $0 == " " || $0 == "\t" }, into: &blanks)
        if cursor.peek() == "\0" {
            throw problem("found unexpected end of stream in a text in quotes", hint: "close the quotes")
        }
        guard let end = cursor.takeBreak() else {
            text.append(blanks)
            return
        }
        var breaks = TextBuffer()
        try quotedBreaks(into: &breaks)
        Self.fold(end, breaks, into: &text)
    }

    /// Adds what the end of a line and the empty lines behind it mean: a space, or the line breaks that are left.
    private static func fold(
        _ end: Unicode.Scalar, _ breaks: TextBuffer, into text: inout TextBuffer
    ) {
        if end != "\n" {
            text.append(end)
        } else if breaks.isEmpty {
            text.append(" ")
        }
        text.append(breaks)
    }

    private mutating func quotedBreaks(into text: inout TextBuffer) throws(YAMLProblem) {
        while true {
            // As PyYAML, wherever in the line it stands.
            if cursor.isAtSeparator {
                throw problem(
                    "found unexpected document separator in a text in quotes", hint: "close the quotes")
            }
            cursor.forward(cursor.count { $0 == " " || $0 == "\t" })
            guard let scalar = cursor.takeBreak() else { return }
            text.append(scalar)
        }
    }

    // MARK: - Plain

    mutating func plain() -> Token {
        var token = Token(kind: .scalar, start: cursor.mark, end: cursor.mark, isPlain: true)
        var text = TextBuffer()
        var spaces = TextBuffer()
        while cursor.peek() != "#" {
            let length = plainLength
            guard length > 0 else { break }
            mayBeKey = false
            text.append(spaces)
            cursor.take(length, into: &text)
            token.end = cursor.mark
            spaces = plainSpaces()
            if spaces.isEmpty || (!isInFlow && cursor.column < indent + 1) { break }
        }
        token.text = text.string
        return token
    }

    /// The number of characters to the next white space, or to what ends the scalar.
    private var plainLength: Int {
        var length = 0
        while true {
            let scalar = cursor.peek(length)
            if scalar.endsWord { return length }
            switch scalar {
            case ":":
                let next = cursor.peek(length + 1)
                if next.endsWord { return length }
                if isInFlow, [",", "[", "]", "{", "}"].contains(next) { return length }
            case ",", "?", "[", "]", "{", "}": if isInFlow { return length }
            default: break
            }
            length += 1
        }
    }

    /// The white space behind a word of a plain scalar, as what it means between two words; empty where the scalar ends.
    private mutating func plainSpaces() -> TextBuffer {
        var spaces = TextBuffer()
        cursor.take(cursor.count { $0 == " " }, into: &spaces)
        guard let end = cursor.takeBreak() else { return spaces }
        spaces = TextBuffer()
        mayBeKey = true
        if cursor.isAtSeparator { return spaces }
        var breaks = TextBuffer()
        while cursor.peek() == " " || cursor.peek().isBreak {
            guard let scalar = cursor.takeBreak() else {
                cursor.forward()
                continue
            }
            breaks.append(scalar)
            if cursor.isAtSeparator { return spaces }
        }
        Self.fold(end, breaks, into: &spaces)
        return spaces
    }

    // MARK: - Blocks

    private enum Chomping { case strip, clip, keep }

    /// Reads what `|` or `>` begins (YAML 1.1, section 9).
    mutating func blockScalar(isFolded: Bool) throws(YAMLProblem) -> Token {
        let start = cursor.mark
        cursor.forward()
        let (chomping, increment) = try blockIndicators()
        try skipRestOfLine()

        let least = max(1, indent + 1)
        var breaks = TextBuffer()
        var end = cursor.mark
        let column: Int
        if let increment {
            column = least + increment - 1
            end = blockBreaks(column, into: &breaks)
        } else {
            column = max(least, blockIndentation(&breaks, &end))
        }

        var text = TextBuffer()
        var lineEnd: Unicode.Scalar?
        while cursor.column == column, cursor.peek() != "\0" {
            text.append(breaks)
            let isIndentedMore = cursor.peek() == " " || cursor.peek() == "\t"
            cursor.take(cursor.count { !$0.endsLine }, into: &text)
            lineEnd = cursor.takeBreak()
            breaks = TextBuffer()
            end = blockBreaks(column, into: &breaks)
            guard cursor.column == column, cursor.peek() != "\0" else { break }
            let next = cursor.peek()
            if isFolded, lineEnd == "\n", !isIndentedMore, next != " ", next != "\t" {
                if breaks.isEmpty { text.append(" ") }
            } else if let lineEnd {
                text.append(lineEnd)
            }
        }
        if chomping != .strip, let lineEnd { text.append(lineEnd) }
        if chomping == .keep { text.append(breaks) }
        return Token(kind: .scalar, start: start, end: end, text: text.string)
    }

    private mutating func blockIndicators() throws(YAMLProblem) -> (Chomping, increment: Int?) {
        var chomping = takeChomping()
        var increment: Int?
        if ("0"..."9").contains(cursor.peek()), let digit = cursor.peek().hexadecimalValue {
            guard digit > 0 else { throw problem("the indentation of a block is 1 to 9, not 0") }
            increment = Int(digit)
            cursor.forward()
            chomping = chomping ?? takeChomping()
        }
        guard cursor.peek().endsWordButTab else { throw unexpected("a line break") }
        return (chomping ?? .clip, increment)
    }

    private mutating func takeChomping() -> Chomping? {
        let scalar = cursor.peek()
        guard scalar == "+" || scalar == "-" else { return nil }
        cursor.forward()
        return scalar == "+" ? .keep : .strip
    }

    /// Passes over the empty lines before a block, and answers how far the most indented line of them, or the block's
    /// first one, is indented.
    private mutating func blockIndentation(
        _ breaks: inout TextBuffer, _ end: inout YAMLMark
    ) -> Int {
        var column = 0
        while cursor.peek() == " " || cursor.peek().isBreak {
            if let scalar = cursor.takeBreak() {
                breaks.append(scalar)
                end = cursor.mark
            } else {
                cursor.forward()
                column = max(column, cursor.column)
            }
        }
        return column
    }

    /// Passes over the indentation of a block's line, and over the empty lines before it.
    private mutating func blockBreaks(_ column: Int, into breaks: inout TextBuffer) -> YAMLMark {
        var end = cursor.mark
        func skipIndentation(_ cursor: inout Cursor) {
            while cursor.column < column, cursor.peek() == " " { cursor.forward() }
        }
        skipIndentation(&cursor)
        while let scalar = cursor.takeBreak() {
            breaks.append(scalar)
            end = cursor.mark
            skipIndentation(&cursor)
        }
        return end
    }
}
