import Basics

/// The meaning of a plain scalar: the implicit resolvers and constructors of PyYAML's `SafeLoader` (YAML 1.1, not 1.2:
/// `yes` is true, `0644` is 420, `12:30:00` is 45000, `1e3` and `0o17` are texts). A timestamp stays its text.
enum Scalar {
    enum Reading: Equatable {
        case value(Value)
        /// The key `<<`, which merges.
        case merge
        /// The text `=`, which `SafeLoader` refuses unless it is a key.
        case valueKey
        /// A whole number beyond 64 bits.
        case tooLarge
        /// The text `0b` or `0x` without a digit, which PyYAML takes for a number and then cannot read.
        case malformed
    }

    static func read(_ text: String) -> Reading {
        switch text {
        case "", "~", "null", "Null", "NULL": return .value(.null)
        case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .value(.bool(true))
        case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .value(.bool(false))
        case "<<": return .merge
        case "=": return .valueKey
        default: return number(text) ?? .value(.string(text))
        }
    }

    private static func number(_ text: String) -> Reading? {
        guard let first = text.utf8.first, isDigit(first) || "+-.".utf8.contains(first) else { return nil }
        return integer(text) ?? double(text).map { .value(.double($0)) }
    }

    /// Whether a text is `yyyy-mm-dd`, or `yyyy-m-d` with a time behind `t` or blanks: `[Tt]|[ \t]+`, `h:mm:ss`,
    /// `(\.[0-9]*)?`, `([ \t]*(Z|[-+]h(:mm)?))?`, an hour of one or two digits.
    static func isTimestamp(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits(_ range: ClosedRange<Int>) -> Int? {
            let count = rest.prefix { isDigit($0) }.count
            guard range.contains(count) else { return nil }
            rest = rest.dropFirst(count)
            return count
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        func blanks() -> Bool {
            let count = rest.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        guard digits(4...4) != nil, take("-"), let month = digits(1...2), take("-"), let day = digits(1...2)
        else { return false }
        if rest.isEmpty { return month == 2 && day == 2 }
        guard take("Tt") || blanks(), digits(1...2) != nil, take(":"), digits(2...2) != nil, take(":"),
            digits(2...2) != nil
        else { return false }
        if take(".") { _ = digits(0...text.utf8.count) }
        _ = blanks()
        if rest.isEmpty { return text.utf8.last.map { isDigit($0) || $0 == UInt8(ascii: ".") } ?? false }
        if take("Z") { return rest.isEmpty }
        guard take("-+"), digits(1...2) != nil else { return false }
        if rest.isEmpty { return true }
        return take(":") && digits(2...2) != nil && rest.isEmpty
    }

    // MARK: - Whole numbers

    /// The whole number of a text: `[-+]?0b[0-1_]+`, `[-+]?0[0-7_]+`, `[-+]?(0|[1-9][0-9_]*)`, `[-+]?0x[0-9a-fA-F_]+`,
    /// `[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+`
    static func integer(_ text: String) -> Reading? {
        var body = text[...].utf8
        let isNegative = body.first == UInt8(ascii: "-")
        if isNegative || body.first == UInt8(ascii: "+") { body = body.dropFirst() }
        guard let first = body.first, isDigit(first) else { return nil }
        let second = body.dropFirst().first
        if first == UInt8(ascii: "0") {
            switch second {
            case nil: return .value(.int(0))
            case UInt8(ascii: "b"): return whole(body.dropFirst(2), radix: 2, isNegative)
            case UInt8(ascii: "x"): return whole(body.dropFirst(2), radix: 16, isNegative)
            default: return whole(body, radix: 8, isNegative)
            }
        }
        let parts = body.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count > 1 { return sexagesimal(parts, isNegative) }
        return whole(body, radix: 10, isNegative)
    }

    /// The number of some digits; `nil` where they are not of this radix, so not a number. `_` is allowed anywhere and
    /// means nothing.
    private static func whole(_ digits: Substring.UTF8View, radix: Int, _ isNegative: Bool) -> Reading? {
        guard !digits.isEmpty else { return nil }
        let bare = digits.filter { $0 != UInt8(ascii: "_") }
        guard bare.allSatisfy({ isDigit($0, radix: radix) }) else { return nil }
        if bare.isEmpty { return .malformed }
        let text = (isNegative ? "-" : "") + String(decoding: bare, as: UTF8.self)
        return Int64(text, radix: radix).map { .value(.int($0)) } ?? .tooLarge
    }

    private static func sexagesimal(_ parts: [Substring.UTF8View], _ isNegative: Bool) -> Reading? {
        guard case .value(.int(var total))? = whole(parts[0], radix: 10, isNegative) else { return nil }
        for part in parts.dropFirst() {
            guard let digit = base60(part) else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: 60)
            let (sum, carry) = product.addingReportingOverflow(isNegative ? -digit : digit)
            if overflow || carry { return .tooLarge }
            total = sum
        }
        return .value(.int(total))
    }

    /// The number of a part to the base 60: `[0-5]?[0-9]`
    private static func base60(_ part: Substring.UTF8View) -> Int64? {
        guard (1...2).contains(part.count), part.allSatisfy({ isDigit($0) }),
            let digit = Int64(String(decoding: part, as: UTF8.self)), digit < 60
        else { return nil }
        return digit
    }

    // MARK: - Numbers with a point

    /// The number with a point of a text: `[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?`,
    /// `\.[0-9][0-9_]*([eE][-+][0-9]+)?`, `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*`, `[-+]?\.(inf|Inf|INF)`,
    /// `\.(nan|NaN|NAN)`
    static func double(_ text: String) -> Double? {
        let sign = text.first == "-" || text.first == "+" ? text.prefix(1) : ""
        let body = text.dropFirst(sign.count)
        let factor = sign == "-" ? -1.0 : 1.0
        switch body {
        case ".inf", ".Inf", ".INF": return factor * .infinity
        case ".nan", ".NaN", ".NAN": return sign.isEmpty ? .nan : nil
        default: break
        }
        guard let point = body.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        let whole = body[..<point]
        var fraction = body[body.index(after: point)...]
        if whole.isEmpty, !sign.isEmpty || fraction.utf8.first.map({ !isDigit($0) }) ?? true { return nil }

        var exponent: Substring = ""
        if let mark = fraction.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            exponent = fraction[fraction.index(after: mark)...]
            fraction = fraction[..<mark]
            guard let sign = exponent.first, sign == "-" || sign == "+", exponent.count > 1,
                exponent.dropFirst().utf8.allSatisfy({ isDigit($0) })
            else { return nil }
        }
        guard fraction.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else { return nil }
        let decimals = fraction.filter { $0 != "_" } + "0"

        let parts = whole.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        if parts.count > 1 {
            guard exponent.isEmpty, var total = digits(parts[0]) else { return nil }
            for part in parts.dropFirst() {
                guard let digit = base60(part) else { return nil }
                total = total * 60 + Double(digit)
            }
            return Double("0.\(decimals)").map { factor * (total + $0) }
        }
        guard whole.isEmpty || digits(parts[0]) != nil else { return nil }
        let number = "0\(whole.filter { $0 != "_" }).\(decimals)" + (exponent.isEmpty ? "" : "e\(exponent)")
        return Double(number).map { factor * $0 }
    }

    /// The number of some digits: `[0-9][0-9_]*`
    private static func digits(_ part: Substring.UTF8View) -> Double? {
        guard let first = part.first, isDigit(first),
            part.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        return Double(String(decoding: part.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self))
    }

    private static func isDigit(_ byte: UInt8, radix: Int = 10) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0")) < radix
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): radix == 16
        default: false
        }
    }
}
