/// A place in a text, character by character, with its line and column as PyYAML counts them (`reader.py`): NEL and the
/// separators of Unicode end a line too, and a byte order mark has no width.
struct Cursor {
    /// The characters, and a NUL at the end: the text itself can hold none.
    private let scalars: [Unicode.Scalar]
    /// The number of characters before the place.
    private(set) var index = 0
    private(set) var mark = YAMLMark(line: 1, column: 1)

    /// - Throws: the problem of the first character that no YAML text may hold.
    init(_ text: String) throws(YAMLProblem) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count + 1)
        scalars.append(contentsOf: text.unicodeScalars)
        scalars.append("\0")
        self.scalars = scalars
        guard let place = scalars.firstIndex(where: { !$0.isPrintable }), place < scalars.count - 1 else {
            return
        }
        forward(place)
        let digits = String(scalars[place].value, radix: 16, uppercase: true)
        throw YAMLProblem(
            mark: mark,
            message:
                "special characters are not allowed (U+\(String(repeating: "0", count: 4 - digits.count))\(digits))",
            hint:
                "in a text in double quotes it can be written as \\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
        )
    }

    /// The number of characters between the line's beginning and the place.
    var column: Int { mark.column - 1 }

    func peek(_ distance: Int = 0) -> Unicode.Scalar { scalars[index + distance] }

    mutating func forward(_ count: Int = 1) {
        for _ in 0..<count {
            let scalar = scalars[index]
            index += 1
            if scalar.isBreak, scalar != "\r" || scalars[index] != "\n" {
                mark = YAMLMark(line: mark.line + 1, column: 1)
            } else if scalar != "\u{FEFF}" {
                mark.column += 1
            }
        }
    }

    /// The number of characters from here on that are alike.
    func count(while isAlike: (Unicode.Scalar) -> Bool) -> Int {
        var end = index
        while isAlike(scalars[end]) { end += 1 }
        return end - index
    }

    /// Adds the next characters to a text, and passes over them.
    mutating func take(_ count: Int, into text: inout TextBuffer) {
        for scalar in scalars[index..<index + count] { text.append(scalar) }
        forward(count)
    }

    mutating func take(_ count: Int) -> String {
        var text = TextBuffer()
        take(count, into: &text)
        return text.string
    }

    mutating func skipSpaces() {
        while peek() == " " { forward() }
    }

    /// Passes over a comment, to the end of its line.
    mutating func skipComment() {
        if peek() == "#" { forward(count { !$0.endsLine }) }
    }

    /// Passes over the end of a line: `\r\n`, `\r` and NEL mean `\n`, the separators themselves.
    mutating func takeBreak() -> Unicode.Scalar? {
        let scalar = peek()
        guard scalar.isBreak else { return nil }
        forward(scalar == "\r" && peek(1) == "\n" ? 2 : 1)
        return scalar.value < 0x2028 ? "\n" : scalar
    }

    /// Whether `---` or `...` stands here by itself.
    var isAtSeparator: Bool { isAt("-") || isAt(".") }

    /// Whether the character stands here three times, by itself.
    func isAt(_ scalar: Unicode.Scalar) -> Bool {
        peek() == scalar && peek(1) == scalar && peek(2) == scalar && peek(3).endsWord
    }
}

extension Unicode.Scalar {
    var isBreak: Bool {
        switch value {
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Whether a line ends here, or the text.
    var endsLine: Bool { value == 0 || isBreak }
    var endsWord: Bool { value == 0x20 || value == 0x09 || endsLine }
    /// Whether a word ends here where a tab is no white space.
    var endsWordButTab: Bool { value == 0x20 || endsLine }

    /// Whether a YAML text may hold the character (YAML 1.1, section 5.1).
    fileprivate var isPrintable: Bool {
        switch value {
        case 0x20...0x7E, 0x09, 0x0A, 0x0D, 0x85, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    /// Whether the character may stand in the name of an anchor, a directive or a tag's handle.
    var isNameLetter: Bool {
        switch self {
        case "0"..."9", "A"..."Z", "a"..."z", "-", "_": true
        default: false
        }
    }

    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt32? {
        switch self {
        case "0"..."9": value - 0x30
        case "A"..."F": value - 0x41 + 10
        case "a"..."f": value - 0x61 + 10
        default: nil
        }
    }
}
