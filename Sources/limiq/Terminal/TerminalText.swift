/// Text on a terminal whose characters are of equal width.
enum TerminalText {
    /// Without anything that moves the cursor, changes the terminal's state or the direction of writing: a guest's console
    /// says what it likes. A tab is a blank.
    static func visible(_ text: some StringProtocol) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\t" {
                result.append(" ")
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: continue
            // Joiners and the like steer how neighbours are drawn; terminals differ in what they make of them.
            case .format, .surrogate: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// How many columns it takes.
    static func columns(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// Cut to `width` columns, with an ellipsis where something is missing.
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

    /// Fitted, and filled up with blanks.
    static func pad(_ text: String, _ width: Int) -> String {
        let fitted = fit(text, width)
        return fitted + String(repeating: " ", count: max(0, width - columns(fitted)))
    }

    /// East Asian Width (UAX #11) `W` and `F`, by blocks, and the emoji, take two columns; marks that are drawn over the
    /// character before them take none.
    private static func columns(_ scalar: Unicode.Scalar) -> Int {
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

/// Time that runs, in whole seconds: `5 s`, `1m 05s`, `2h 03m`.
func running(_ duration: Duration) -> String {
    let seconds = max(0, Int(duration / .seconds(1)))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60)m \(two(seconds % 60))s" }
    return "\(seconds / 3600)h \(two(seconds / 60 % 60))m"
}
