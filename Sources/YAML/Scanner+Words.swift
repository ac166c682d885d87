/// Directives, anchors and tags.
extension Scanner {
    /// The directive that begins here: `%YAML 1.1`, `%TAG ! prefix`, or one that says nothing to this reader.
    mutating func directive() throws(YAMLProblem) -> Token {
        var token = Token(kind: .directive, start: cursor.mark, end: cursor.mark)
        cursor.forward()
        token.name = try name("a directive")
        guard cursor.peek().endsWordButTab else { throw unexpected("a letter or a digit") }
        switch token.name {
        case "YAML":
            cursor.skipSpaces()
            token.text = try number()
            guard cursor.peek() == "." else { throw unexpected("a digit or '.'") }
            cursor.forward()
            _ = try number()
            guard cursor.peek().endsWordButTab else { throw unexpected("a digit or ' '") }
        case "TAG":
            cursor.skipSpaces()
            token.handle = try handle()
            guard cursor.peek() == " " else { throw unexpected("' '") }
            cursor.skipSpaces()
            token.text = try uri()
            guard cursor.peek().endsWordButTab else { throw unexpected("' '") }
        default: cursor.forward(cursor.count { !$0.endsLine })
        }
        token.end = cursor.mark
        try skipRestOfLine()
        return token
    }

    /// Passes over blanks, a comment and the end of the line, where there is nothing else.
    mutating func skipRestOfLine() throws(YAMLProblem) {
        cursor.skipSpaces()
        cursor.skipComment()
        guard cursor.peek().endsLine else { throw unexpected("a comment or a line break") }
        _ = cursor.takeBreak()
    }

    private mutating func number() throws(YAMLProblem) -> String {
        let length = cursor.count { ("0"..."9").contains($0) }
        guard length > 0 else { throw unexpected("a digit") }
        return cursor.take(length)
    }

    /// - Parameter kind: `.anchor` for `&name`, `.alias` for `*name`.
    mutating func anchor(_ kind: Token.Kind) throws(YAMLProblem) -> Token {
        var token = Token(kind: kind, start: cursor.mark, end: cursor.mark)
        cursor.forward()
        token.text = try name(kind.words)
        switch cursor.peek() {
        case "?", ":", ",", "]", "}", "%", "@", "`": break
        case let scalar: guard scalar.endsWord else { throw unexpected("a letter or a digit") }
        }
        token.end = cursor.mark
        return token
    }

    private mutating func name(_ owner: String) throws(YAMLProblem) -> String {
        let length = cursor.count(while: \.isNameLetter)
        guard length > 0 else { throw unexpected("the name of \(owner), of letters and digits,") }
        return cursor.take(length)
    }

    mutating func tag() throws(YAMLProblem) -> Token {
        var token = Token(kind: .tag, start: cursor.mark, end: cursor.mark)
        let second = cursor.peek(1)
        if second == "<" {
            cursor.forward(2)
            token.text = try uri()
            guard cursor.peek() == ">" else { throw unexpected("'>'") }
            cursor.forward()
        } else if second.endsWord {
            token.text = "!"
            cursor.forward()
        } else {
            // Whether a second exclamation mark ends the handle: `!!str`, `!name!tag`.
            var length = 1
            while !cursor.peek(length).endsWordButTab, cursor.peek(length) != "!" { length += 1 }
            if cursor.peek(length) == "!" {
                token.handle = try handle()
            } else {
                token.handle = "!"
                cursor.forward()
            }
            token.text = try uri()
        }
        guard cursor.peek().endsWordButTab else { throw unexpected("' '") }
        token.end = cursor.mark
        return token
    }

    private mutating func handle() throws(YAMLProblem) -> String {
        guard cursor.peek() == "!" else { throw unexpected("'!'") }
        var length = 1
        if cursor.peek(length) != " " {
            while cursor.peek(length).isNameLetter { length += 1 }
            guard cursor.peek(length) == "!" else {
                cursor.forward(length)
                throw unexpected("'!'")
            }
            length += 1
        }
        return cursor.take(length)
    }

    private mutating func uri() throws(YAMLProblem) -> String {
        var text = TextBuffer()
        while true {
            let length = cursor.count { $0.isURILetter }
            cursor.take(length, into: &text)
            guard cursor.peek() == "%" else { break }
            text.append(try escapes())
        }
        guard !text.isEmpty else { throw unexpected("a URI") }
        return text.string
    }

    /// The characters of some `%C3%A9`.
    private mutating func escapes() throws(YAMLProblem) -> TextBuffer {
        let mark = cursor.mark
        var text = TextBuffer()
        while cursor.peek() == "%" {
            cursor.forward()
            guard let high = cursor.peek().hexadecimalValue, let low = cursor.peek(1).hexadecimalValue else {
                throw unexpected("two hexadecimal digits")
            }
            text.append(UInt8(high * 16 + low))
            cursor.forward(2)
        }
        guard text.isUTF8 else {
            throw YAMLProblem(mark: mark, message: "the escapes of a tag are not UTF-8")
        }
        return text
    }

    func unexpected(_ wanted: String) -> YAMLProblem {
        let found: String
        switch cursor.peek() {
        case "\0": found = "the end of the text"
        case "\t": found = "a tab"
        case let scalar: found = scalar.isBreak ? "a line break" : "'\(scalar)'"
        }
        return problem(
            "expected \(wanted) but found \(found)", hint: found == "a tab" ? "write spaces, not tabs" : nil)
    }
}

extension Unicode.Scalar {
    fileprivate var isURILetter: Bool {
        switch self {
        case "-", ";", "/", "?", ":", "@", "&", "=", "+", "$", ",", "_", ".", "!", "~", "*", "'", "(", ")",
            "[", "]":
            true
        default: isNameLetter
        }
    }
}
