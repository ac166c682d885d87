import Basics

/// The text on a terminal whose characters are of equal width.
///
/// Guests, servers and file names say what they like. Whatever moves the cursor, changes the terminal's state or the
/// direction of writing is shown by a sign in its place: `^[` for an escape, `\u{202e}` for what has no letter. A secret is
/// shown as one.
enum TerminalText {
    /// The visible form of a part of a line: an end of a line is shown too, and a tab is a blank.
    static func visible(_ text: some StringProtocol) -> String {
        shown(text) { $0 == "\t" ? " " : sign(of: $0) }
    }

    /// The visible form of lines of limiq's own: their ends and tabs stay.
    static func visibleLines(_ text: some StringProtocol) -> String {
        shown(text) { $0 == "\n" || $0 == "\t" ? nil : sign(of: $0) }
    }

    /// The visible form of what went wrong: lines, of which the further ones are set in. What somebody else has put
    /// into a message cannot pass for a line of limiq's own.
    static func complaint(_ text: some StringProtocol) -> String {
        let lines = visibleLines(text).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { index, line in
            index == 0 || line.isEmpty || line.first == " " || line.first == "\t" ? line : "  \(line)"
        }.joined(separator: "\n")
    }

    /// The visible form of JSON: its texts hold nothing that is not visible, and are the same texts.
    static func visible(json: String) -> String {
        shown(json) { scalar in
            guard !scalar.isASCII || scalar == "\u{7F}", sign(of: scalar) != nil else { return nil }
            return String(scalar).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }

    /// - Parameter sign: what stands in a character's place; `nil` for itself.
    private static func shown(
        _ text: some StringProtocol, _ sign: (Unicode.Scalar) -> String?
    ) -> String {
        var result = String.UnicodeScalarView()
        for scalar in Secrets.masked(String(text)).unicodeScalars {
            // Most of all text.
            if (0x20..<0x7F).contains(scalar.value) {
                result.append(scalar)
            } else if let sign = sign(scalar) {
                result.append(contentsOf: sign.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    private static func sign(of scalar: Unicode.Scalar) -> String? {
        switch scalar.properties.generalCategory {
        case .control where scalar.isASCII:
            // As terminals and editors write them: the letter of the key that makes it.
            return "^" + String(UnicodeScalar(UInt8(scalar.value) ^ 0x40))
        // Joiners and the like steer how neighbours are drawn; terminals differ in what they make of them.
        case .control, .format, .lineSeparator, .paragraphSeparator:
            return "\\u{\(String(scalar.value, radix: 16))}"
        default: return nil
        }
    }

    /// The number of columns a text takes.
    static func columns(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// The text cut to `width` columns, with an ellipsis where something is missing.
    static func fit(_ text: String, _ width: Int) -> String {
        if columns(text) <= width { return text }
        guard width > 0 else { return "" }
        var result = String.UnicodeScalarView()
        var used = 0
        for scalar in text.unicodeScalars {
            let next = columns(scalar)
            if used + next > width - 1 { break }
            used += next
            result.append(scalar)
        }
        return String(result) + "…"
    }

    /// The text cut to `width` columns in its middle: what tells names apart is often their end.
    static func fitMiddle(_ text: String, _ width: Int) -> String {
        guard columns(text) > width, width > 2 else { return fit(text, width) }
        let ending = Array(text.unicodeScalars.reversed())
        var tail = String.UnicodeScalarView()
        var used = 0
        for scalar in ending {
            let next = columns(scalar)
            if used + next > (width - 1) / 2 { break }
            used += next
            tail.insert(scalar, at: tail.startIndex)
        }
        // A mark belongs to the character before it, which is not there.
        while let first = tail.first, columns(first) == 0 { tail.removeFirst() }
        return fit(text, width - used) + String(tail)
    }

    /// The text fitted, and filled up with blanks.
    static func pad(_ text: String, _ width: Int) -> String {
        let fitted = fit(text, width)
        return fitted + String(repeating: " ", count: max(0, width - columns(fitted)))
    }

    /// The number of columns a character takes. Those of East Asian Width (UAX #11) `W` and `F`, by blocks, and the
    /// emoji, take two; marks that are drawn over the character before them take none.
    static func columns(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
            0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.isEmojiPresentation ? 2 : 1
        }
    }
}

/// The text of a time that runs, in whole seconds: `5 s`, `1m 05s`, `2h 03m`.
func running(_ duration: Duration) -> String {
    let seconds = max(0, Int(duration / .seconds(1)))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60)m \(two(seconds % 60))s" }
    return "\(seconds / 3600)h \(two(seconds / 60 % 60))m"
}
