import Basics

/// The values PyYAML makes of the texts of scalars (`constructor.py`), by Python's `int` and `float`: these take more than
/// the texts that are numbers without a tag, as in `!!int "+ 7"`.
enum PythonValue {
    enum Whole: Equatable {
        case number(Int64)
        /// The number does not fit into 64 bits.
        case large
    }

    /// The whole number of a text, `nil` where Python knows none: with `_` anywhere, to the base 2, 8 and 16 behind
    /// `0b`, `0` and `0x`, to the base 60 between colons.
    static func whole(_ text: String) -> Whole? {
        var rest = text.unicodeScalars.filter { $0 != "_" }[...]
        var sign: Int128 = 1
        if rest.first == "-" { sign = -1 }
        if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
        guard let first = rest.first else { return nil }
        let number: Number?
        switch (first, rest.dropFirst().first) {
        case ("0", "b"): number = parse(rest.dropFirst(2), base: 2)
        case ("0", "x"): number = parse(rest.dropFirst(2), base: 16)
        case ("0", _): number = parse(rest, base: 8)
        case _ where rest.contains(":"): number = sexagesimal(rest)
        default: number = parse(rest, base: 10)
        }
        switch number {
        case nil: return nil
        case .large: return .large
        case .exact(let number): return Int64(exactly: sign * number).map { .number($0) } ?? .large
        }
    }

    private enum Number {
        case exact(Int128)
        case large
    }

    private typealias Scalars = String.UnicodeScalarView.SubSequence

    private static func sexagesimal(_ text: Scalars) -> Number? {
        var total: Int128 = 0
        var isLarge = false
        for part in text.split(separator: ":", omittingEmptySubsequences: false) {
            guard let number = parse(part, base: 10) else { return nil }
            guard case .exact(let digit) = number else {
                isLarge = true
                continue
            }
            let (product, overflow) = total.multipliedReportingOverflow(by: 60)
            let (sum, carry) = product.addingReportingOverflow(digit)
            isLarge = isLarge || overflow || carry
            total = sum
        }
        // The sign is still to come.
        return isLarge || total == .min ? .large : .exact(total)
    }

    /// Python's `int(text, base)`, of a text without `_`.
    private static func parse(_ text: Scalars, base: Int128) -> Number? {
        var rest = trimmed(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        let letters: [Unicode.Scalar] =
            switch base {
            case 2: ["b", "B"]
            case 8: ["o", "O"]
            case 16: ["x", "X"]
            default: []
            }
        if rest.first == "0", let second = rest.dropFirst().first, letters.contains(second) {
            rest = rest.dropFirst(2)
        }
        // What Python sets a limit to since 3.11, lest a text take minutes.
        guard !rest.isEmpty, base != 10 || rest.count <= 4300 else { return nil }
        var number: Int128 = 0
        var isLarge = false
        for scalar in rest {
            guard let digit = decimal(scalar) ?? (base == 16 ? scalar.hexadecimalValue : nil), digit < base
            else {
                return nil
            }
            let (product, overflow) = number.multipliedReportingOverflow(by: base)
            let (sum, carry) = product.addingReportingOverflow(Int128(digit))
            isLarge = isLarge || overflow || carry
            number = sum
        }
        return isLarge ? .large : .exact(isNegative ? -number : number)
    }

    private static func decimal(_ scalar: Unicode.Scalar) -> UInt32? {
        if scalar.isASCII { return ("0"..."9").contains(scalar) ? scalar.value - 0x30 : nil }
        guard scalar.properties.numericType == .decimal else { return nil }
        return scalar.properties.numericValue.map { UInt32($0) }
    }

    private static func trimmed(_ text: Scalars) -> Scalars {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        var rest = text.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }

    /// The number with a point of a text, `nil` where Python knows none.
    static func float(_ text: String) -> Double? {
        var rest = text.lowercased().unicodeScalars.filter { $0 != "_" }[...]
        let sign = rest.first == "-" ? -1.0 : 1.0
        if rest.first == "-" || rest.first == "+" {
            rest = rest.dropFirst()
        } else if rest.isEmpty {
            return nil
        }
        switch String(rest) {
        case ".inf": return sign * .infinity
        case ".nan": return .nan
        default: break
        }
        guard rest.contains(":") else { return parse(rest).map { sign * $0 } }
        var total = 0.0
        var base = 1.0
        for part in rest.split(separator: ":", omittingEmptySubsequences: false).reversed() {
            guard let digit = parse(part) else { return nil }
            total += digit * base
            base *= 60
        }
        return sign * total
    }

    /// Python's `float(text)`, of a text in lower case without `_`.
    private static func parse(_ text: Scalars) -> Double? {
        var number = ""
        for scalar in trimmed(text) { number += decimal(scalar).map { "\($0)" } ?? String(scalar) }
        var rest = number[...]
        if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
        switch rest {
        case "inf", "infinity", "nan": return Double(number)
        default: break
        }
        func takeDigits() -> Int {
            let count = rest.utf8.prefix { Scalar.isDigit($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        var digits = takeDigits()
        if rest.first == "." {
            rest = rest.dropFirst()
            digits += takeDigits()
        }
        guard digits > 0 else { return nil }
        if rest.first == "e" {
            rest = rest.dropFirst()
            if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
            guard takeDigits() > 0 else { return nil }
        }
        return rest.isEmpty ? Double(number) : nil
    }

    static func bool(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "yes", "true", "on": true
        case "no", "false", "off": false
        default: nil
        }
    }

    /// The bytes of a text of base64, `nil` where Python's `binascii` knows none: characters of another alphabet are
    /// passed over, and what stands behind the end of its padding.
    static func binary(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var (digits, pads) = (0, 0)
        for byte in text.utf8 {
            guard byte < 0x80 else { return nil }
            if byte == UInt8(ascii: "=") {
                pads += digits >= 2 ? 1 : 0
                if digits >= 2, digits + pads >= 4 { return text.utf8.allSatisfy { $0 < 0x80 } ? bytes : nil }
                continue
            }
            guard let value = Base64.value(of: byte) else { continue }
            pads = 0
            bits = bits << 6 | value
            digits = (digits + 1) % 4
            if digits != 1 { bytes.append(UInt8(truncatingIfNeeded: bits >> [0, 0, 4, 2][digits])) }
        }
        return digits == 0 ? bytes : nil
    }
}
