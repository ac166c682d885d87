/// The types of scalars: the implicit resolvers of PyYAML's `SafeLoader` (`resolver.py`), of YAML 1.1, not 1.2. `yes` is a
/// bool, `0644` and `12:30:00` are whole numbers, `1e3` and `0o17` are texts.
enum Scalar {
    /// The type a scalar without quotes has by its text.
    static func tag(of text: String) -> Tag {
        var bytes = Array(text.utf8)
        // `$` of Python's expressions is before a last line break too, which `! "12\n"` has.
        if bytes.count > 1, bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        guard let first = bytes.first else { return .null }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            if isFloat(bytes[...]) { return .float }
            if first != UInt8(ascii: "."), isInteger(bytes[...]) { return .int }
            return isTimestamp(bytes[...]) ? .timestamp : .text
        default: break
        }
        guard bytes.count <= 5 else { return .text }
        switch String(decoding: bytes, as: UTF8.self) {
        case "~", "null", "Null", "NULL": return .null
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool
        case "<<": return .merge
        case "=": return .value
        default: return .text
        }
    }

    // MARK: - Expressions

    /// Takes the bytes at the beginning that are alike.
    private static func take(_ rest: inout ArraySlice<UInt8>, while isAlike: (UInt8) -> Bool) -> Int {
        let count = rest.prefix(while: isAlike).count
        rest = rest.dropFirst(count)
        return count
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ characters: StaticString) -> Bool {
        guard let first = rest.first,
            UnsafeBufferPointer(start: characters.utf8Start, count: characters.utf8CodeUnitCount).contains(
                first)
        else { return false }
        rest = rest.dropFirst()
        return true
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isDigitOrLine(_ byte: UInt8) -> Bool { isDigit(byte) || byte == UInt8(ascii: "_") }

    /// Whether a text is `[-+]?0b[0-1_]+`, `[-+]?0[0-7_]+`, `[-+]?(0|[1-9][0-9_]*)`, `[-+]?0x[0-9a-fA-F_]+` or
    /// `[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+`.
    private static func isInteger(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        _ = take(&rest, "+-")
        guard let first = rest.first, isDigit(first) else { return false }
        if take(&rest, "0") {
            if rest.isEmpty { return true }
            if take(&rest, "b") {
                return take(&rest) { "01_".utf8.contains($0) } > 0 && rest.isEmpty
            }
            if take(&rest, "x") {
                return take(&rest) { "0123456789abcdefABCDEF_".utf8.contains($0) } > 0 && rest.isEmpty
            }
            _ = take(&rest) { "01234567_".utf8.contains($0) }
            return rest.isEmpty
        }
        _ = take(&rest, while: isDigitOrLine)
        return rest.isEmpty || (takeSixties(&rest) && rest.isEmpty)
    }

    /// Takes `(:[0-5]?[0-9])+`.
    private static func takeSixties(_ rest: inout ArraySlice<UInt8>) -> Bool {
        var count = 0
        while take(&rest, ":") {
            let digits = rest.prefix(while: isDigit)
            guard
                digits.count == 1
                    || (digits.count == 2 && digits.first.map { $0 < UInt8(ascii: "6") } ?? false)
            else { return false }
            rest = rest.dropFirst(digits.count)
            count += 1
        }
        return count > 0
    }

    /// Whether a text is `[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?`, `\.[0-9][0-9_]*([eE][-+][0-9]+)?`,
    /// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*`, `[-+]?\.(inf|Inf|INF)` or `\.(nan|NaN|NAN)`.
    private static func isFloat(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        let hasSign = take(&rest, "+-")
        if take(&rest, ".") {
            switch String(decoding: rest, as: UTF8.self) {
            case "inf", "Inf", "INF": return true
            case "nan", "NaN", "NAN": return !hasSign
            default: break
            }
            guard !hasSign, let first = rest.first, isDigit(first) else { return false }
            _ = take(&rest, while: isDigitOrLine)
            return isExponent(rest)
        }
        guard let first = rest.first, isDigit(first) else { return false }
        _ = take(&rest, while: isDigitOrLine)
        let isSexagesimal = rest.first == UInt8(ascii: ":")
        if isSexagesimal, !takeSixties(&rest) { return false }
        guard take(&rest, ".") else { return false }
        _ = take(&rest, while: isDigitOrLine)
        return isSexagesimal ? rest.isEmpty : isExponent(rest)
    }

    /// Whether a text is `([eE][-+][0-9]+)?`.
    private static func isExponent(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        if rest.isEmpty { return true }
        return take(&rest, "eE") && take(&rest, "+-") && take(&rest, while: isDigit) > 0 && rest.isEmpty
    }

    /// Whether a text is `yyyy-mm-dd`, or `yyyy-m-d` with a time behind it.
    private static func isTimestamp(_ text: ArraySlice<UInt8>) -> Bool {
        guard let timestamp = Timestamp(text) else { return false }
        return timestamp.hasTime || timestamp.hasFullDate
    }
}
