import Basics
import JSONSchema

/// The rules of sudoers(5), as far as they can be judged without being sudo: a rule that is not understood here is
/// taken.
enum SudoRule {
    struct Problem: Equatable {
        var message: String
        var hint: String
    }

    private static let example = "such as ALL=(ALL) NOPASSWD:ALL"
    private static let tags: Set<String> = [
        "EXEC", "NOEXEC", "FOLLOW", "NOFOLLOW", "INTERCEPT", "NOINTERCEPT", "LOG_INPUT", "NOLOG_INPUT",
        "LOG_OUTPUT",
        "NOLOG_OUTPUT", "MAIL", "NOMAIL", "PASSWD", "NOPASSWD", "SETENV", "NOSETENV",
    ]
    private static let options = [
        "ROLE", "TYPE", "PRIVS", "LIMITPRIVS", "APPARMOR_PROFILE", "NOTBEFORE", "NOTAFTER", "TIMEOUT", "CWD",
        "CHROOT",
    ]

    /// - Parameter rule: what follows the user's name.
    static func problem(_ rule: String) -> Problem? {
        // An empty one makes no rule at all.
        guard !rule.isEmpty else { return nil }
        let line = withoutComment(
            rule.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[0]
        ).trimmed()
        guard let equals = line.firstIndex(of: "=") else {
            return Problem(message: "it names no host", hint: example)
        }
        if let problem = ofHosts(line[..<equals]) { return problem }
        // Quotes and escapes are for who knows what they do.
        guard !line.contains(where: { "\"\\".contains($0) }) else { return nil }
        let rest = line[line.index(after: equals)...].trimmed()
        if rest.hasPrefix("=") { return Problem(message: "it has = twice", hint: example) }
        guard let commands = parts(rest) else {
            return Problem(message: "its parentheses do not match", hint: example)
        }
        for command in commands {
            switch ofCommand(command) {
            case .taken: continue
            case .unknown: return nil
            case .problem(let message, let hint): return Problem(message: message, hint: hint)
            }
        }
        return nil
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        var depth = 0
        for index in line.indices {
            if line[index] == "(" { depth += 1 }
            if line[index] == ")" { depth -= 1 }
            // A number behind it is an id.
            let next = line.index(after: index)
            if line[index] == "#", depth == 0, next == line.endIndex || !line[next].isNumber {
                return line[..<index]
            }
        }
        return line
    }

    private static func ofHosts(_ text: Substring) -> Problem? {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let host = String(part.trimmed().drop { $0 == "!" }).trimmed()
            if host.isEmpty { return Problem(message: "it names no host", hint: example) }
            if host.hasPrefix("(") {
                return Problem(message: "it names no host", hint: "begin with ALL=(ALL)")
            }
            if !host.contains("\""), host.contains(where: \.isWhitespace) {
                return Problem(
                    message: "it names more than a host before =",
                    hint: "leave the user's name out: cloud-init writes it before the rule")
            }
        }
        return nil
    }

    /// The text between the commas that are outside parentheses; `nil` where these do not match.
    private static func parts(_ text: String) -> [String]? {
        var result = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                result.append("")
            } else {
                result[result.count - 1].append(character)
            }
            if depth < 0 { return nil }
        }
        return depth == 0 ? result : nil
    }

    private enum Verdict {
        case taken, unknown
        case problem(String, String)
    }

    private static func ofCommand(_ text: String) -> Verdict {
        var rest = text.trimmed()
        if rest.hasPrefix("("), let end = rest.firstIndex(of: ")") {
            if let verdict = ofRunAs(rest[rest.index(after: rest.startIndex)..<end]) { return verdict }
            rest = rest[rest.index(after: end)...].trimmed()
        }
        while let option = options.first(where: { rest.hasPrefix($0 + "=") }) {
            // Dates and the like are sudo's own affair.
            if option.hasPrefix("NOT") { return .unknown }
            rest = rest.drop { !$0.isWhitespace }.trimmed()
        }
        while let colon = rest.firstIndex(of: ":"), tags.contains(rest[..<colon].trimmed()) {
            rest = rest[rest.index(after: colon)...].trimmed()
        }
        while rest.hasPrefix("!") { rest = rest.dropFirst().trimmed() }
        return ofPlainCommand(rest)
    }

    private static func ofRunAs(_ text: Substring) -> Verdict? {
        let sides = text.split(separator: ":", omittingEmptySubsequences: false)
        if sides.count > 2 || sides.count == 2 && sides[1].trimmed().isEmpty {
            return .problem("\(shown("(\(text))")) names no group behind its colon", "such as (ALL:ALL)")
        }
        let names = sides.flatMap { $0.split(separator: ",") }.map { $0.trimmed() }
        let hasBlank = names.contains {
            String($0.drop { $0 == "!" }).trimmed().contains(where: \.isWhitespace)
        }
        return hasBlank
            ? .problem("\(shown("(\(text))")) has a blank in a name", "divide names by commas") : nil
    }

    private static func ofPlainCommand(_ text: String) -> Verdict {
        let word = String(text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        let rest = text.dropFirst(word.count).trimmed()
        let isUpper = !word.isEmpty && word.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
        if text.isEmpty || tags.contains(word) && rest.isEmpty {
            return .problem("it names no command", "end with ALL, or with the path of a program")
        }
        if text.hasPrefix("/") {
            // A colon begins the next host.
            let path = text.prefix { !$0.isWhitespace }
            return path.contains(":") ? .unknown : .taken
        }
        if text.hasPrefix("^") || ["sudoedit", "list"].contains(word)
            || word.hasPrefix("sha2") && rest.hasPrefix(":")
        {
            return .unknown
        }
        if isUpper, rest.isEmpty { return .taken }
        if isUpper, rest.hasPrefix(":"), word != "ALL" {
            // `ALIAS : host = …` goes on with another host.
            if rest.contains("=") { return .unknown }
            let nearest = nearestName(to: word, in: tags.sorted())
            return .problem(
                "\(shown(word)) is no tag of sudo's",
                nearest.map { "did you mean \($0)?" } ?? "such as NOPASSWD:")
        }
        if isUpper, rest.hasPrefix(":") {
            return rest.contains("=") ? .unknown : .problem("it goes on behind ALL", example)
        }
        if isUpper { return .problem("\(shown(word)) has something behind it", example) }
        return .problem(
            "\(shown(text)) is no absolute path", "give the program's whole path, such as /usr/bin/apt")
    }
}
