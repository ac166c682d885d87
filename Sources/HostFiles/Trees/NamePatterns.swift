import Basics

/// The patterns of what is left out where a folder is kept in step, the same for each way it is done. They are rsync's:
///
/// - `node_modules` is a name, at any depth; `a/b` the end of a path, at any depth; `/build` one from the top.
/// - A slash at the end says that only a folder is meant. With a folder all that is in it is left out.
/// - `*` is any text without a slash, `**` any text, `?` one character, `[a-z]` one of those, `[!a-z]` one of the others; a
///   backslash takes the meaning from what follows.
package struct NamePatterns: Sendable {
    private struct Pattern: Sendable {
        var tokens: [Token] = []
        var isFromTop = false
        var isFolder = false
        /// The bytes, of a pattern that is a plain text.
        var plain: TreePath?
    }

    private enum Token: Sendable {
        case scalar(UInt32)
        case anyScalar
        case anyName
        case anyPath
        case oneOf([ClosedRange<UInt32>], isNegated: Bool)
    }

    private let patterns: [Pattern]

    /// - Parameter field: the name of the list, for messages.
    /// - Throws: `Failure` with code `bad_field` for what can be no pattern.
    package init(_ patterns: [String], field: String = "exclude") throws(Failure) {
        var read: [Pattern] = []
        for (index, text) in patterns.enumerated() {
            read.append(try Self.pattern(text, "\(field)[\(index + 1)]"))
        }
        self.patterns = read
    }

    /// Whether a path of the folder is left out, by itself or with a folder that it lies in.
    package func leaveOut(_ path: TreePath, isFolder: Bool) -> Bool {
        guard !patterns.isEmpty else { return false }
        for (index, byte) in path.enumerated() where byte == slash {
            if match(Array(path[..<index]), isFolder: true) { return true }
        }
        return match(path, isFolder: isFolder)
    }

    /// Whether a path is left out by itself, where the folders that it lies in are not.
    package func match(_ path: TreePath, isFolder: Bool) -> Bool {
        var scalars: [UInt32]?
        return patterns.contains { pattern in
            if pattern.isFolder, !isFolder { return false }
            if let plain = pattern.plain {
                guard path.count >= plain.count, path.suffix(plain.count) == plain[...] else { return false }
                let before = path.count - plain.count
                return before == 0 || !pattern.isFromTop && path[before - 1] == slash
            }
            let text = scalars ?? Self.scalars(path)
            scalars = text
            return Self.match(text, pattern)
        }
    }

    /// Goes through the path once, with every place of the pattern that is reached so far: no pattern takes long.
    private static func match(_ path: [UInt32], _ pattern: Pattern) -> Bool {
        let tokens = pattern.tokens
        var reached = [Bool](repeating: false, count: tokens.count + 1)
        for index in 0...path.count {
            if index == 0 || !pattern.isFromTop && path[index - 1] == UInt32(slash) { reached[0] = true }
            for (place, token) in tokens.enumerated() where reached[place] {
                switch token {
                case .anyName, .anyPath: reached[place + 1] = true
                default: break
                }
            }
            guard index < path.count else { break }
            let scalar = path[index]
            var next = [Bool](repeating: false, count: tokens.count + 1)
            for (place, token) in tokens.enumerated() where reached[place] {
                switch token {
                case .scalar(let wanted): if scalar == wanted { next[place + 1] = true }
                case .anyScalar: if scalar != UInt32(slash) { next[place + 1] = true }
                case .anyName: if scalar != UInt32(slash) { next[place] = true }
                case .anyPath: next[place] = true
                case .oneOf(let ranges, let isNegated):
                    if scalar != UInt32(slash), ranges.contains(where: { $0.contains(scalar) }) != isNegated {
                        next[place + 1] = true
                    }
                }
            }
            reached = next
        }
        return reached[tokens.count]
    }

    /// The characters of a name. A byte that is of none counts as one that no pattern can name.
    private static func scalars(_ bytes: TreePath) -> [UInt32] {
        var scalars: [UInt32] = []
        var decoder = UTF8()
        var rest = bytes.makeIterator()
        while true {
            switch decoder.decode(&rest) {
            case .scalarValue(let scalar): scalars.append(scalar.value)
            case .emptyInput: return scalars
            case .error: scalars.append(0x11_0000)
            }
        }
    }

    // MARK: reading

    private static func pattern(_ text: String, _ path: String) throws(Failure) -> Pattern {
        func refused(_ why: String, hint: String? = nil) -> Failure {
            Failure(.badField, "\(path) \"\(text)\" \(why)", hint: hint)
        }
        guard !text.utf8.contains(0) else { throw refused("cannot hold a NUL byte") }
        guard !text.hasPrefix("!") else {
            throw refused(
                "would be an exception, of which there are none", hint: "\\! begins a name with that sign")
        }
        var rest = text.unicodeScalars.map(\.value)[...]
        var pattern = Pattern()
        if rest.starts(with: [0x2E, 0x2F]) { rest = rest.dropFirst() }
        while rest.first == UInt32(slash) {
            pattern.isFromTop = true
            rest = rest.dropFirst()
        }
        while rest.last == UInt32(slash) {
            pattern.isFolder = true
            rest = rest.dropLast()
        }
        // At any depth, which the top is too.
        if !pattern.isFromTop, rest.count > 3, rest.starts(with: [0x2A, 0x2A, UInt32(slash)]) {
            rest = rest.dropFirst(3)
        }
        guard !rest.isEmpty else {
            throw refused("leaves out all, or nothing", hint: "write a name: \"*.log\"")
        }
        while let scalar = rest.popFirst() {
            switch UnicodeScalar(scalar) {
            case "?": pattern.tokens.append(.anyScalar)
            case "*":
                var isPath = false
                while rest.first == 0x2A {
                    isPath = true
                    rest = rest.dropFirst()
                }
                pattern.tokens.append(isPath ? .anyPath : .anyName)
            case "[":
                guard let set = set(&rest) else {
                    throw refused("has a [ without its ]", hint: "\\[ is the sign itself")
                }
                pattern.tokens.append(set)
            case "\\":
                guard let next = rest.popFirst() else {
                    throw refused("ends in a backslash", hint: "\\\\ is the sign itself")
                }
                pattern.tokens.append(.scalar(next))
            default: pattern.tokens.append(.scalar(scalar))
            }
        }
        pattern.plain = plain(pattern.tokens)
        return pattern
    }

    private static func plain(_ tokens: [Token]) -> TreePath? {
        var text = String.UnicodeScalarView()
        for token in tokens {
            guard case .scalar(let value) = token, let scalar = UnicodeScalar(value) else { return nil }
            text.append(scalar)
        }
        return Array(String(text).utf8)
    }

    private static func set(_ rest: inout ArraySlice<UInt32>) -> Token? {
        var isNegated = false
        if rest.first == 0x21 || rest.first == 0x5E {
            isNegated = true
            rest = rest.dropFirst()
        }
        var ranges: [ClosedRange<UInt32>] = []
        func one(_ rest: inout ArraySlice<UInt32>) -> UInt32? {
            guard let scalar = rest.popFirst() else { return nil }
            return scalar == 0x5C ? rest.popFirst() : scalar
        }
        // A ] that is the first is one of them.
        while let first = rest.first, first != 0x5D || ranges.isEmpty {
            guard let low = one(&rest) else { return nil }
            guard rest.first == 0x2D, let end = rest.dropFirst().first, end != 0x5D else {
                ranges.append(low...low)
                continue
            }
            rest = rest.dropFirst()
            guard let high = one(&rest), low <= high else { return nil }
            ranges.append(low...high)
        }
        return rest.popFirst() == nil ? nil : .oneOf(ranges, isNegated: isNegated)
    }
}

private let slash = UInt8(ascii: "/")
