import Support

/// Makes texts that are YAML, or nearly so.
struct YAMLGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    mutating func next() -> String {
        switch int(0..<4) {
        case 0: return text { $0.spoilt(YAMLDocuments.kinds.randomElement(using: &$0.random) ?? "") }
        case 1: return soup()
        case 2: return node(indent: 0, depth: 0)
        default: return spoilt(node(indent: 0, depth: 0))
        }
    }

    private mutating func text(_ make: (inout Self) -> String) -> String { make(&self) }

    private mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }

    // MARK: - Words

    private static let fragments = [
        "a", "b", "key", "x y", "1", "0644", "yes", "~", "1.5", "2024-01-01", "-", "- ", "? ", "?", ": ", ":",
        ",", ", ", "[", "]", "{", "}", "#", " #", "'", "\"", "''", "\\", "\\n", "\\x41", "|", ">", "|-", ">+",
        "|2", "&a", "&a ", "*a", "*a ", "!", "!!str ", "!!int ",
        "!<x>", "%", "%YAML 1.1\n", "---", "--- ", "\n---\n", "...", "\n...\n", "\n", "\n", "\n\n", "\n ",
        "\n  ", "\n   ", "\n- ", "\n  - ", "\n    ", "\t", "\n\t", "\r\n", "\r", " ", "  ", "<<", "<<: ", "=",
        "@", "`", "\u{e9}", "e\u{301}", "\u{1f600}", "\u{85}", "\u{2028}", "\u{feff}",
        "\u{a0}", "\u{1}", "k: v", "\nk: ", "\n  k: ", "[a, b]", "{a: b}", "'q'", "\"q\"", "*b", "&b ",
        "<<: *a", "!!set ", "!!omap ", "!!binary ",
    ]

    /// A row of what means something.
    private mutating func soup() -> String {
        (0..<int(1..<14)).reduce(into: "") { text, _ in text += pick(Self.fragments) }
    }

    /// A text with a few changes.
    private mutating func spoilt(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<int(1..<4) {
            let place = int(0..<scalars.count + 1)
            switch int(0..<6) {
            case 0, 1: scalars.insert(contentsOf: Array(pick(Self.fragments).unicodeScalars), at: place)
            case 2: if place < scalars.count { scalars.remove(at: place) }
            case 3: scalars.removeSubrange(place..<min(scalars.count, place + int(1..<6)))
            case 4:
                let end = min(scalars.count, place + int(1..<20))
                scalars.insert(contentsOf: scalars[place..<end], at: int(0..<scalars.count + 1))
            default:
                // An indentation that is one more or less.
                let breaks = scalars.indices.filter { scalars[$0] == "\n" }
                guard let line = breaks.randomElement(using: &random) else { continue }
                if int(0..<2) == 0 {
                    scalars.insert(" ", at: line + 1)
                } else if line + 1 < scalars.count, scalars[line + 1] == " " {
                    scalars.remove(at: line + 1)
                }
            }
        }
        return scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
    }

    // MARK: - Documents

    private mutating func node(indent: Int, depth: Int) -> String {
        let isDeep = depth > 3
        switch int(0..<(isDeep ? 4 : 10)) {
        case 0: return " " + scalar() + "\n"
        case 1: return " " + flow(depth: depth) + "\n"
        case 2: return block(indent: indent)
        case 3:
            return " " + pick(["&a ", "&b ", "!!str ", "! ", ""]) + scalar() + pick(["", " # c", "\t", " "])
                + "\n"
        case 4, 5, 6: return map(indent: indent, depth: depth)
        default: return list(indent: indent, depth: depth)
        }
    }

    private mutating func map(indent: Int, depth: Int) -> String {
        var text = depth == 0 ? "" : pick(["", "", "", " &a", " &b", " !!map", " # c"]) + "\n"
        let inner = depth == 0 ? indent : indent + int(1..<4)
        for _ in 0..<int(1..<4) {
            let spaces = String(repeating: " ", count: inner)
            switch int(0..<12) {
            case 0: text += "\(spaces)? \(scalar())\n\(spaces):" + node(indent: inner, depth: depth + 1)
            case 1: text += "\(spaces)<<: *a\n"
            case 2: text += "\(spaces)# c\n"
            case 3: text += "\(spaces)\(scalar()) :" + node(indent: inner, depth: depth + 1)
            case 4: text += "\(spaces)*a :" + node(indent: inner, depth: depth + 1)
            default:
                text +=
                    "\(spaces)\(pick(["a", "b", "c", "k1", "'q'", "\"d\"", "x y", "7"])):"
                    + node(indent: inner, depth: depth + 1)
            }
        }
        return text
    }

    private mutating func list(indent: Int, depth: Int) -> String {
        var text = depth == 0 ? "" : pick(["", "", "", " &a", " !!seq", " # c"]) + "\n"
        let inner = depth == 0 ? indent : indent + int(0..<3)
        for _ in 0..<int(1..<4) {
            text += String(repeating: " ", count: inner) + "-" + node(indent: inner + 1, depth: depth + 1)
        }
        return text
    }

    private mutating func block(indent: Int) -> String {
        var text =
            " " + pick(["|", ">", "|-", ">-", "|+", ">+", "|1", ">2"]) + pick(["", "", " # c", " "]) + "\n"
        let spaces = String(repeating: " ", count: indent + int(1..<4))
        for _ in 0..<int(0..<5) {
            text +=
                pick([spaces, spaces, spaces, spaces + " ", spaces + "\t", "", " "])
                + pick(["a", "b c", "# d", "- e", "k: v", "", "\u{e9}", "f "])
                + pick(["\n", "\n", "\n", "\r\n", "\n\n"])
        }
        return text
    }

    private mutating func flow(depth: Int) -> String {
        if depth > 4 { return scalar() }
        let gap = pick([" ", " ", "", "\n ", "\n\t", " # c\n  "])
        switch int(0..<5) {
        case 0, 1:
            return "[" + (0..<int(0..<4)).map { _ in flow(depth: depth + 1) }.joined(separator: "," + gap)
                + pick(["", "", ","]) + "]"
        case 2, 3:
            let pairs = (0..<int(0..<4)).map { _ in
                pick(["", "", "", "? "]) + scalar() + pick([": ", ": ", ":", " : ", ""])
                    + flow(depth: depth + 1)
            }
            return "{" + pairs.joined(separator: "," + gap) + "}"
        default: return pick(["", "", "&a ", "!!str ", "*a "]) + scalar()
        }
    }

    private mutating func scalar() -> String {
        switch int(0..<8) {
        case 0: return "'\(pick(["a", "it''s", "a: b", "x\n  y", " # ", ""]))'"
        case 1: return "\"\(pick(["a", "\\n", "\\x41\\u00e9", "x\n  y", "\\\n z", "b\\\"c", "\\N"]))\""
        case 2:
            return pick([
                "0", "7", "-1", "0644", "08", "0x1F", "0b11", "1_0", "12:30", "1.5", ".5", "1e3", "1.0e+3",
                ".inf", "yes", "No", "~", "null", "2024-01-01", "2024-1-1 1:02:03", "99999999999999999999",
                "=", "<<",
            ])
        case 3:
            return pick(["*a", "*b", "&a a", "&b b", "!!int 3", "!!float 2", "!!bool on", "!!binary aGk="])
        case 4:
            return pick([
                "a b", "a\n   b", "http://h/x?y=1", "a:b", "-x", "?x", ":x", "a#b", "a,b", "x\ty", "a@b",
                "\u{e9}", "e\u{301}", "$x", "a'b",
            ])
        default: return pick(["a", "b", "c", "foo", "bar", "eth0"])
        }
    }
}
