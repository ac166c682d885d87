import Basics
import Glibc

/// A regular expression of a schema, as Python's `re.search` takes it.
///
/// It is matched by the C library as an extended one (POSIX), which is the same for what schemas of this kind use, but
/// for two things that are made so: `.` is no line break, and `$` is before a last one too. Swift's own need 25 ms
/// for the first expression of a process.
struct SchemaPattern: Sendable {
    let text: String
    private let expression: String

    /// - Throws: `Failure` with code `bad_schema` for what is no such expression.
    init(_ text: String) throws(Failure) {
        self.text = text
        expression = Self.withoutLineBreaks(text)
        var compiled = regex_t()
        // Classes such as \d, lookaround and groups that do not capture are none of POSIX's.
        let isForeign =
            text.contains("(?") || zip(text, text.dropFirst()).contains { $0 == "\\" && $1.isLetter }
        guard !isForeign, regcomp(&compiled, expression, Self.flags) == 0 else {
            throw Failure(.internal, "the pattern \(text) is not known")
        }
        regfree(&compiled)
    }

    private static let flags = REG_EXTENDED | REG_NOSUB

    /// Whether the expression is found somewhere in a text.
    func matches(_ subject: String) -> Bool {
        // Compiled at each use: a few microseconds, and nothing to share between threads.
        var compiled = regex_t()
        guard regcomp(&compiled, expression, Self.flags) == 0 else { return false }
        defer { regfree(&compiled) }
        let bytes = Array(subject.utf8)
        if Self.isFound(&compiled, bytes[...]) { return true }
        return text.hasSuffix("$") && bytes.last == UInt8(ascii: "\n")
            && Self.isFound(&compiled, bytes.dropLast())
    }

    private static func isFound(_ compiled: inout regex_t, _ bytes: ArraySlice<UInt8>) -> Bool {
        // By its length, as a text may hold a NUL.
        var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(bytes.count))
        return (Array(bytes) + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else { return false }
                return regexec(&compiled, start, 0, &range, REG_STARTEND) == 0
            }
        }
    }

    /// The expression with each `.` that stands for any character made `[^\n]`.
    private static func withoutLineBreaks(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        var isInBrackets = false
        for character in text {
            if !isEscaped, !isInBrackets, character == "." {
                result += "[^\n]"
            } else {
                result.append(character)
            }
            if isInBrackets {
                isInBrackets = character != "]"
            } else if !isEscaped {
                isInBrackets = character == "["
            }
            isEscaped = !isEscaped && character == "\\" && !isInBrackets
        }
        return result
    }
}
