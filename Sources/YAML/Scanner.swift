/// Divides a text into tokens, where PyYAML does (`scanner.py`): its reader is the guest's, and libyaml's is another.
///
/// Where PyYAML is more lenient or stricter than YAML 1.1, so is this: no tab separates words outside of quotes, a `?` in
/// braces is always a key, a bracket too many makes the nesting negative until the parser comes to it.
struct Scanner {
    /// A token that turns out to be a key where a colon comes behind it on the same line, within 1024 characters.
    private struct SimpleKey {
        var level: Int
        var token: Int
        /// Whether nothing but a key can stand there.
        var isRequired: Bool
        var index: Int
        var mark: YAMLMark
    }

    var cursor: Cursor
    private var tokens: [Token] = []
    private var taken = 0
    private var isDone = false

    private var level = 0
    private(set) var indent = -1
    private var indents: [Int] = []
    var mayBeKey = true
    /// The keys that may still be ones, the outermost first: at most one a level.
    private var keys: [SimpleKey] = []

    init(_ text: String) throws(YAMLProblem) {
        cursor = try Cursor(text)
        append(.streamStart)
    }

    var isInFlow: Bool { level != 0 }

    // MARK: - Tokens

    /// The kind of the next token.
    mutating func peek() throws(YAMLProblem) -> Token.Kind { try next().kind }

    /// The next token, which stays the next.
    mutating func next() throws(YAMLProblem) -> Token {
        while try needsMore() { try fetch() }
        // Nothing is asked for beyond the end.
        return tokens.first ?? Token(kind: .streamEnd, start: cursor.mark, end: cursor.mark)
    }

    mutating func take() throws(YAMLProblem) -> Token {
        let token = try next()
        if !tokens.isEmpty { tokens.removeFirst() }
        taken += 1
        return token
    }

    /// Whether the next token is not known yet, or may become a key.
    private mutating func needsMore() throws(YAMLProblem) -> Bool {
        if isDone { return false }
        if tokens.isEmpty { return true }
        try dropStaleKeys()
        return keys.first?.token == taken
    }

    private mutating func fetch() throws(YAMLProblem) {
        skipToToken()
        try dropStaleKeys()
        unwind(to: cursor.column)
        let scalar = cursor.peek()
        switch scalar {
        case "\0": try fetchEnd()
        case "%" where cursor.column == 0:
            try leaveBlocks()
            tokens.append(try directive())
        case "-" where cursor.column == 0 && cursor.isAt("-"): try fetchSeparator(.documentStart)
        case "." where cursor.column == 0 && cursor.isAt("."): try fetchSeparator(.documentEnd)
        case "[": try open(.flowListStart)
        case "{": try open(.flowMapStart)
        case "]": try close(.flowListEnd)
        case "}": try close(.flowMapEnd)
        case ",":
            mayBeKey = true
            try dropKey()
            append(.flowEntry, 1)
        case "-" where cursor.peek(1).endsWord: try fetchBlockEntry()
        case "?" where isInFlow || cursor.peek(1).endsWord: try fetchKey()
        case ":" where isInFlow || cursor.peek(1).endsWord: try fetchValue()
        case "|" where !isInFlow, ">" where !isInFlow:
            mayBeKey = true
            try dropKey()
            tokens.append(try blockScalar(isFolded: scalar == ">"))
        case "*": try fetchWord { (scanner) throws(YAMLProblem) in try scanner.anchor(.alias) }
        case "&": try fetchWord { (scanner) throws(YAMLProblem) in try scanner.anchor(.anchor) }
        case "!": try fetchWord { (scanner) throws(YAMLProblem) in try scanner.tag() }
        case "'", "\"": try fetchWord { (scanner) throws(YAMLProblem) in try scanner.quoted() }
        default:
            guard canBeginPlain else { throw stray(scalar) }
            try fetchWord { (scanner) in scanner.plain() }
        }
    }

    private var canBeginPlain: Bool {
        let scalar = cursor.peek()
        switch scalar {
        case "-": return !cursor.peek(1).endsWord
        case "?", ":": return !isInFlow && !cursor.peek(1).endsWord
        case ",", "[", "]", "{", "}", "#", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`": return false
        default: return !scalar.endsWord
        }
    }

    private func stray(_ scalar: Unicode.Scalar) -> YAMLProblem {
        if scalar == "\t" {
            return problem("found a tab, which cannot start any token", hint: "indent with spaces, not tabs")
        }
        return problem(
            "found character '\(scalar)' that cannot start any token",
            hint: "quote a text that begins with \(scalar)")
    }

    private mutating func skipToToken() {
        if cursor.index == 0, cursor.peek() == "\u{FEFF}" { cursor.forward() }
        while true {
            cursor.skipSpaces()
            cursor.skipComment()
            guard cursor.takeBreak() != nil else { return }
            if !isInFlow { mayBeKey = true }
        }
    }

    // MARK: - Keys and indentation

    private mutating func dropStaleKeys() throws(YAMLProblem) {
        while let key = keys.first, key.mark.line != cursor.mark.line || cursor.index - key.index > 1024 {
            if key.isRequired { throw missingColon(key) }
            keys.removeFirst()
        }
    }

    /// Gives up the key of this level.
    private mutating func dropKey() throws(YAMLProblem) {
        guard let place = keys.lastIndex(where: { $0.level == level }) else { return }
        if keys[place].isRequired { throw missingColon(keys[place]) }
        keys.remove(at: place)
    }

    private func missingColon(_ key: SimpleKey) -> YAMLProblem {
        problem(
            "could not find expected ':' after the key in line \(key.mark.line)",
            hint: "write \"key: value\", or indent a text that goes on by more than its key")
    }

    /// Remembers that the token to come may be a key.
    private mutating func saveKey() throws(YAMLProblem) {
        guard mayBeKey else { return }
        try dropKey()
        keys.append(
            SimpleKey(
                level: level, token: taken + tokens.count, isRequired: !isInFlow && indent == cursor.column,
                index: cursor.index, mark: cursor.mark))
    }

    private mutating func unwind(to column: Int) {
        guard !isInFlow else { return }
        while indent > column {
            indent = indents.removeLast()
            append(.blockEnd)
        }
    }

    private mutating func addIndent(_ column: Int) -> Bool {
        guard indent < column else { return false }
        indents.append(indent)
        indent = column
        return true
    }

    // MARK: - Kinds of tokens

    private mutating func append(_ kind: Token.Kind, _ length: Int = 0) {
        let start = cursor.mark
        cursor.forward(length)
        tokens.append(Token(kind: kind, start: start, end: cursor.mark))
    }

    private mutating func leaveBlocks() throws(YAMLProblem) {
        unwind(to: -1)
        try dropKey()
        mayBeKey = false
    }

    private mutating func fetchEnd() throws(YAMLProblem) {
        try leaveBlocks()
        keys = []
        append(.streamEnd)
        isDone = true
    }

    private mutating func fetchSeparator(_ kind: Token.Kind) throws(YAMLProblem) {
        try leaveBlocks()
        append(kind, 3)
    }

    private mutating func open(_ kind: Token.Kind) throws(YAMLProblem) {
        try saveKey()
        level += 1
        mayBeKey = true
        append(kind, 1)
    }

    private mutating func close(_ kind: Token.Kind) throws(YAMLProblem) {
        try dropKey()
        level -= 1
        mayBeKey = false
        append(kind, 1)
    }

    private mutating func fetchWord(
        _ scan: (inout Scanner) throws(YAMLProblem) -> Token
    ) throws(YAMLProblem) {
        try saveKey()
        mayBeKey = false
        tokens.append(try scan(&self))
    }

    private mutating func fetchBlockEntry() throws(YAMLProblem) {
        if !isInFlow {
            guard mayBeKey else { throw problem("sequence entries are not allowed here") }
            if addIndent(cursor.column) { append(.blockListStart) }
        }
        mayBeKey = true
        try dropKey()
        append(.blockEntry, 1)
    }

    private mutating func fetchKey() throws(YAMLProblem) {
        if !isInFlow {
            guard mayBeKey else { throw problem("mapping keys are not allowed here") }
            if addIndent(cursor.column) { append(.blockMapStart) }
        }
        mayBeKey = !isInFlow
        try dropKey()
        append(.key, 1)
    }

    private mutating func fetchValue() throws(YAMLProblem) {
        if let place = keys.lastIndex(where: { $0.level == level }) {
            let key = keys.remove(at: place)
            tokens.insert(Token(kind: .key, start: key.mark, end: key.mark), at: key.token - taken)
            if !isInFlow, addIndent(key.mark.column - 1) {
                tokens.insert(
                    Token(kind: .blockMapStart, start: key.mark, end: key.mark), at: key.token - taken)
            }
            mayBeKey = false
        } else {
            if !isInFlow {
                guard mayBeKey else {
                    throw problem(
                        "mapping values are not allowed here",
                        hint: "quote a text that has a colon before a space")
                }
                if addIndent(cursor.column) { append(.blockMapStart) }
            }
            mayBeKey = !isInFlow
            try dropKey()
        }
        append(.value, 1)
    }

    func problem(_ message: String, hint: String? = nil) -> YAMLProblem {
        YAMLProblem(mark: cursor.mark, message: message, hint: hint)
    }
}
