import Basics

/// What a plain scalar stands for, as PyYAML's `SafeLoader` resolves it.
///
/// YAML 1.1, https://yaml.org/type/ (bool, float, int, merge, null, timestamp, value).
///
/// - Returns: `nil` for what is no text to PyYAML and nothing of ours either: dates, the merge key and the value key.
func resolveScalar(_ text: String) -> Value? {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
    case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
    case ".nan", ".NaN", ".NAN": return .double(.nan)
    case "=", "<<": return nil
    default: break
    }
    guard let first = text.utf8.first,
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= first || "+-.".utf8.contains(first)
    else { return .string(text) }
    if isTimestamp(text) { return nil }
    return number(text) ?? .string(text)
}

/// `2024-01-01`, with or without a time behind it: a date to PyYAML.
private func isTimestamp(_ text: String) -> Bool {
    let date = text.prefix { $0.isASCII && ($0.isNumber || $0 == "-") }.split(
        separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, date[0].count == 4, (1...2).contains(date[1].count),
        (1...2).contains(date[2].count)
    else { return false }
    let rest = text.dropFirst(date[0].count + date[1].count + date[2].count + 2)
    return rest.isEmpty || rest.first == "T" || rest.first == "t" || rest.first == " " || rest.first == "\t"
}

private func number(_ text: String) -> Value? {
    let isNegative = text.hasPrefix("-")
    let unsigned = text.drop { $0 == "+" || $0 == "-" }
    guard text.count - unsigned.count <= 1 else { return nil }
    let digits = unsigned.filter { $0 != "_" }
    func signed(_ magnitude: UInt64?) -> Value? {
        guard let magnitude else { return .double(isNegative ? -.infinity : .infinity) }
        if isNegative {
            return magnitude <= UInt64(Int64.max) + 1
                ? .int(Int64(truncatingIfNeeded: 0 &- magnitude)) : .double(-Double(magnitude))
        }
        return Int64(exactly: magnitude).map(Value.int) ?? .double(Double(magnitude))
    }
    func all(_ text: some StringProtocol, _ set: String) -> Bool {
        !text.isEmpty && text.allSatisfy(set.contains)
    }
    if digits.hasPrefix("0b"), all(unsigned.dropFirst(2), "01_") {
        return signed(UInt64(digits.dropFirst(2), radix: 2))
    }
    if digits.hasPrefix("0x"), all(unsigned.dropFirst(2), "0123456789abcdefABCDEF_") {
        return signed(UInt64(digits.dropFirst(2), radix: 16))
    }
    if digits == "0" { return .int(0) }
    if unsigned.hasPrefix("0"), all(unsigned.dropFirst(), "01234567_") {
        return signed(UInt64(digits.dropFirst(), radix: 8) ?? 0)
    }
    if let first = unsigned.first, "123456789".contains(first), all(unsigned, "0123456789_") {
        guard let magnitude = UInt64(digits) else {
            return Double(digits).map { .double(isNegative ? -$0 : $0) }
        }
        return signed(magnitude)
    }
    // A sign before a leading dot makes it a text.
    if unsigned.hasPrefix("."), unsigned.count < text.count { return nil }
    return sexagesimal(unsigned, isNegative) ?? float(unsigned, digits, isNegative)
}

/// `12:30:45` is a number of base 60.
private func sexagesimal(_ text: Substring, _ isNegative: Bool) -> Value? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.count <= 8, let first = parts.first, let lead = first.first,
        "0123456789".contains(lead)
    else { return nil }
    var total = 0.0
    for (index, part) in parts.enumerated() {
        let isLast = index == parts.count - 1
        let whole = part.prefix { $0 != "." }
        guard whole.allSatisfy({ "0123456789_".contains($0) }), let value = Double(part.filter { $0 != "_" })
        else { return nil }
        if index > 0, whole.count > 2 || value >= 60 { return nil }
        if !isLast, part.contains(".") { return nil }
        total = total * 60 + value
    }
    if parts.last?.contains(".") == true { return .double(isNegative ? -total : total) }
    guard "123456789".contains(lead), total < 9e15 else { return nil }
    return .int(Int64(isNegative ? -total : total))
}

/// PyYAML's float: a dot is needed, and the exponent needs its sign.
private func float(_ text: Substring, _ digits: String, _ isNegative: Bool) -> Value? {
    guard let dot = text.firstIndex(of: ".") else { return nil }
    let whole = text[..<dot]
    let rest = text[text.index(after: dot)...]
    let fraction = rest.prefix { "0123456789_".contains($0) }
    let exponent = rest.dropFirst(fraction.count)
    guard whole.allSatisfy({ "0123456789_".contains($0) }), whole.first != "_",
        !(whole.isEmpty && (fraction.isEmpty || fraction.first == "_"))
    else { return nil }
    if !exponent.isEmpty {
        let power = exponent.dropFirst()
        guard exponent.first == "e" || exponent.first == "E", power.first == "+" || power.first == "-",
            !power.dropFirst().isEmpty, power.dropFirst().allSatisfy({ "0123456789".contains($0) })
        else { return nil }
    }
    var normal = digits.hasPrefix(".") ? "0" + digits : digits
    if normal.hasSuffix(".") { normal += "0" }
    normal = normal.split(separator: ".", maxSplits: 1).enumerated().map {
        $0.offset == 1 && ($0.element.first == "e" || $0.element.first == "E")
            ? "0" + $0.element : String($0.element)
    }.joined(separator: ".")
    return Double(normal).map { .double(isNegative ? -$0 : $0) }
}
