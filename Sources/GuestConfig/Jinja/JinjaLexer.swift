/// A token of a Jinja template, and the line it begins in.
struct JinjaToken: Equatable {
    enum Kind: Equatable {
        /// Text outside of any tag.
        case data(String)
        case variableBegin, variableEnd, blockBegin, blockEnd
        case name(String)
        /// A whole number; `nil` beyond 64 bits.
        case integer(Int?)
        case float
        case string(String)
        case symbol(String)
        case end
    }

    var kind: Kind
    var line: Int
}

/// The lexer of Jinja templates (`jinja2/lexer.py`), with the settings that cloud-init has: the line end behind a block goes.
struct JinjaLexer {
    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">",
        "<", "=", ".", ":", "|", ",", ";",
    ].map { Array($0.unicodeScalars) }

    private let text: [Unicode.Scalar]
    private var position = 0
    private var line: Int
    private var tokens: [JinjaToken] = []

    /// - Parameter line: the number of the text's first line.
    static func tokens(_ text: String, line: Int) throws(JinjaProblem) -> [JinjaToken] {
        var lexer = JinjaLexer(text, line: line)
        try lexer.read()
        lexer.add(.end)
        return lexer.tokens
    }

    private init(_ text: String, line: Int) {
        // A last line end is none of the template's.
        var scalars = Array(text.unicodeScalars.normalisedLineEnds)
        if scalars.last == "\n" { scalars.removeLast() }
        self.text = scalars
        self.line = line
    }

    private mutating func add(_ kind: JinjaToken.Kind) { tokens.append(JinjaToken(kind: kind, line: line)) }

    private func at(_ index: Int) -> Unicode.Scalar? { index < text.count ? text[index] : nil }

    private func isAt(_ word: String, _ index: Int) -> Bool {
        var index = index
        for scalar in word.unicodeScalars {
            guard at(index) == scalar else { return false }
            index += 1
        }
        return true
    }

    private mutating func move(to end: Int) {
        line += text[position..<min(end, text.count)].count { $0 == "\n" }
        position = min(end, text.count)
    }

    private func skippingSpace(_ index: Int) -> Int {
        var index = index
        while let scalar = at(index), scalar.properties.isWhitespace { index += 1 }
        return index
    }

    // MARK: - Outside of tags

    private mutating func read() throws(JinjaProblem) {
        while position < text.count {
            let start = tagStart(from: position)
            let sign = start.flatMap { at($0 + 2) }
            let end = start ?? text.count
            addData(until: end, trimmed: sign == "-")
            guard let start else { return }
            var inner = start + 2
            if sign == "-" || sign == "+" { inner += 1 }
            switch text[start + 1] {
            case "#": try skipComment(from: inner)
            case "%":
                if let raw = rawStart(inner) {
                    try readRaw(from: raw)
                } else {
                    add(.blockBegin)
                    move(to: inner)
                    try readTag(isBlock: true)
                }
            default:
                add(.variableBegin)
                move(to: inner)
                try readTag(isBlock: false)
            }
        }
    }

    private func tagStart(from index: Int) -> Int? {
        var index = index
        while index + 1 < text.count {
            if text[index] == "{", ["%", "{", "#"].contains(text[index + 1]) { return index }
            index += 1
        }
        return nil
    }

    private mutating func addData(until end: Int, trimmed: Bool) {
        var last = end
        if trimmed { while last > position, text[last - 1].properties.isWhitespace { last -= 1 } }
        if last > position { add(.data(String(String.UnicodeScalarView(text[position..<last])))) }
        move(to: end)
    }

    /// The place behind the end of a tag at an index, which has a sign or none, and what goes with it.
    private func afterEnd(_ end: String, _ index: Int, trimsLine: Bool) -> Int? {
        if isAt("-" + end, index) { return skippingSpace(index + 1 + end.count) }
        if trimsLine, isAt("+" + end, index) { return index + 1 + end.count }
        guard isAt(end, index) else { return nil }
        let next = index + end.count
        return trimsLine && at(next) == "\n" ? next + 1 : next
    }

    private mutating func skipComment(from index: Int) throws(JinjaProblem) {
        // One that begins at the very end is none to Jinja.
        guard index < text.count else { return move(to: index) }
        var index = index
        while index < text.count {
            if let next = afterEnd("#}", index, trimsLine: true) { return move(to: next) }
            index += 1
        }
        throw JinjaProblem(line, "a comment begins here, with {#, and does not end", hint: "end it with #}")
    }

    /// The place behind `{% raw %}`, where a tag is that.
    private func rawStart(_ index: Int) -> Int? {
        var index = skippingSpace(index)
        guard isAt("raw", index) else { return nil }
        index = skippingSpace(index + 3)
        return afterEnd("%}", index, trimsLine: false)
    }

    private mutating func readRaw(from start: Int) throws(JinjaProblem) {
        let first = line
        move(to: start)
        guard start < text.count else { return }
        var index = start
        while index < text.count {
            guard isAt("{%", index) else {
                index += 1
                continue
            }
            let sign = at(index + 2)
            let word = skippingSpace(index + (sign == "-" || sign == "+" ? 3 : 2))
            if isAt("endraw", word),
                let next = afterEnd("%}", skippingSpace(word + 6), trimsLine: true)
            {
                addData(until: index, trimmed: sign == "-")
                return move(to: next)
            }
            index += 1
        }
        throw JinjaProblem(
            first, "{% raw %} is here, and {% endraw %} nowhere", hint: "end it with {% endraw %}")
    }

    // MARK: - Inside of tags

    private mutating func readTag(isBlock: Bool) throws(JinjaProblem) {
        let first = line
        var open: [(opening: Unicode.Scalar, closing: Unicode.Scalar)] = []
        while position < text.count {
            if open.isEmpty,
                let next = afterEnd(isBlock ? "%}" : "}}", position, trimsLine: isBlock)
            {
                add(isBlock ? .blockEnd : .variableEnd)
                return move(to: next)
            }
            let scalar = text[position]
            if scalar.properties.isWhitespace {
                move(to: position + 1)
            } else if Self.isDigit(scalar) {
                readNumber()
            } else if Self.isWord(scalar) {
                var end = position
                while let next = at(end), Self.isWord(next) { end += 1 }
                add(.name(String(String.UnicodeScalarView(text[position..<end]))))
                move(to: end)
            } else if scalar == "\"" || scalar == "'" {
                try readString(scalar)
            } else if let symbol = Self.symbols.first(where: { text[position...].starts(with: $0) }) {
                switch scalar {
                case "{": open.append(("{", "}"))
                case "(": open.append(("(", ")"))
                case "[": open.append(("[", "]"))
                case "}", ")", "]":
                    guard open.popLast()?.closing == scalar else {
                        throw unexpected(scalar, isBlock: isBlock)
                    }
                default: break
                }
                add(.symbol(String(String.UnicodeScalarView(symbol))))
                move(to: position + symbol.count)
            } else {
                throw unexpected(scalar, isBlock: isBlock)
            }
        }
        let (begin, end) = isBlock ? ("{%", "%}") : ("{{", "}}")
        throw JinjaProblem(first, "\(begin) is here, and \(end) nowhere", hint: "end it with \(end)")
    }

    private func unexpected(_ scalar: Unicode.Scalar, isBlock: Bool) -> JinjaProblem {
        JinjaProblem(
            line, "\"\(scalar)\" cannot stand here, in \(isBlock ? "{% … %}" : "{{ … }}")",
            hint: scalar == "}" ? "end it with \(isBlock ? "%}" : "}}")" : nil)
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private mutating func readNumber() {
        var end = position
        func digits(_ from: Int, _ isDigit: (Unicode.Scalar) -> Bool) -> Int {
            var index = from
            while let scalar = at(index),
                isDigit(scalar) || scalar == "_" && at(index + 1).map(isDigit) ?? false
            {
                index += 1
            }
            return index
        }
        let radixes: [Unicode.Scalar: Int] = ["b": 2, "B": 2, "o": 8, "O": 8, "x": 16, "X": 16]
        if text[position] == "0", let letter = at(position + 1), let radix = radixes[letter] {
            let last = digits(position + 2) { Character($0).hexDigitValue.map { $0 < radix } ?? false }
            if last > position + 2 {
                let word = String(String.UnicodeScalarView(text[(position + 2)..<last]))
                add(.integer(Int(word.filter { $0 != "_" }, radix: radix)))
                return move(to: last)
            }
        }
        end = digits(position, Self.isDigit)
        var isFloat = false
        let isMember = position > 0 && text[position - 1] == "."
        if !isMember {
            if at(end) == ".", let next = at(end + 1), Self.isDigit(next) {
                end = digits(end + 1, Self.isDigit)
                isFloat = true
            }
            if at(end) == "e" || at(end) == "E" {
                let sign = at(end + 1)
                let start = sign == "+" || sign == "-" ? end + 2 : end + 1
                let last = digits(start, Self.isDigit)
                if last > start { (end, isFloat) = (last, true) }
            }
        }
        if isFloat {
            add(.float)
        } else {
            let word = String(String.UnicodeScalarView(text[position..<end])).filter { $0 != "_" }
            // `012` is 0 and 12 to Jinja, which then misses an operator between them.
            if word.hasPrefix("0"), word.contains(where: { $0 != "0" }) {
                end = position + 1
                add(.integer(0))
            } else {
                add(.integer(Int(word)))
            }
        }
        move(to: end)
    }

    private mutating func readString(_ quote: Unicode.Scalar) throws(JinjaProblem) {
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}",
            "f": "\u{C}", "v": "\u{B}",
        ]
        var content = String.UnicodeScalarView()
        var index = position + 1
        while let scalar = at(index), scalar != quote {
            index += 1
            guard scalar == "\\", let next = at(index) else {
                content.append(scalar)
                continue
            }
            index += 1
            if let plain = simple[next] {
                content.append(plain)
            } else if let width = ["x": 2, "u": 4, "U": 8][next] {
                let digits = text[index..<min(index + width, text.count)]
                    .prefix { Character($0).isHexDigit }
                guard digits.count == width else {
                    throw JinjaProblem(line, "\\\(next) wants \(width) hexadecimal digits")
                }
                let word = String(String.UnicodeScalarView(digits))
                content.append(UInt32(word, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{FFFD}")
                index += width
            } else if next != "\n" {
                content.append("\\")
                content.append(next)
            }
        }
        guard index < text.count else {
            throw JinjaProblem(line, "a text begins here, with \(quote), and does not end")
        }
        add(.string(String(content)))
        move(to: index + 1)
    }
}

extension String.UnicodeScalarView {
    /// The text with `\n` for every end of a line.
    fileprivate var normalisedLineEnds: [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var isAfterReturn = false
        for scalar in self {
            if scalar == "\r" {
                result.append("\n")
            } else if !(scalar == "\n" && isAfterReturn) {
                result.append(scalar)
            }
            isAfterReturn = scalar == "\r"
        }
        return result
    }
}
