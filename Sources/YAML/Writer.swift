import Basics

extension YAML {
    /// The text of a value as one YAML document in block style: the same value gives the same text, and PyYAML's
    /// `safe_load` gives the value back. A secret is written as its text, bytes as `!!binary`.
    ///
    /// libyaml's own emitter is not used: it writes a text with a tab, a space at a line's end or a character beyond
    /// U+FFFF as one line of escapes, which is what most scripts and pages would then look like.
    public static func write(_ value: Value) -> String {
        var writer = Writer()
        writer.node(value, column: 0, after: .nothing)
        return writer.text
    }
}

private struct Writer {
    /// The text that stands on the line before a node.
    enum Lead { case nothing, key, dash }

    /// The most characters of a key on a line: a reader looks no further than 1024 for the colon after it.
    private static let keyLimit = 1000

    var text = ""

    /// - Parameter column: where the list or map around the node begins; what belongs to it is indented by two more.
    mutating func node(_ value: Value, column: Int, after lead: Lead) {
        switch value {
        case .list(let members) where !members.isEmpty: list(members, column, lead)
        case .map(let map) where !map.isEmpty: self.map(map, column, lead)
        default:
            if lead != .nothing { text += " " }
            text += scalar(value, indent: column + 2)
            text += "\n"
        }
    }

    private mutating func list(_ members: [Value], _ column: Int, _ lead: Lead) {
        // The dashes of a list stand below its key, not to the right of it.
        let inner = lead == .dash ? column + 2 : column
        for (index, member) in members.enumerated() {
            begin(index, at: inner, lead)
            text += "-"
            node(member, column: inner, after: .dash)
        }
    }

    private mutating func map(_ map: Map, _ column: Int, _ lead: Lead) {
        let inner = lead == .nothing ? column : column + 2
        for (index, entry) in map.entries.enumerated() {
            begin(index, at: inner, lead)
            let key = entry.key.contains("\n") ? doubleQuoted(entry.key) : written(entry.key, indent: 0)
            if key.unicodeScalars.count > Self.keyLimit {
                text += "? \(key)\n\(spaces(inner)):"
                node(entry.value, column: inner, after: .dash)
            } else {
                text += "\(key):"
                node(entry.value, column: inner, after: .key)
            }
        }
    }

    /// Begins a member. The first one of a list or map stands right behind a dash; every other one on a line of its
    /// own.
    private mutating func begin(_ index: Int, at column: Int, _ lead: Lead) {
        switch (index, lead) {
        case (0, .dash): text += " "
        case (0, .key): text += "\n" + spaces(column)
        default: text += spaces(column)
        }
    }

    private func scalar(_ value: Value, indent: Int) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): "\(number)"
        case .double(let number): written(number)
        case .string(let text), .secret(let text): written(text, indent: indent)
        case .bytes(let bytes): "!!binary \"\(Base64.encode(bytes))\""
        case .list: "[]"
        case .map: "{}"
        }
    }
}

private func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

/// The text of a number with a point, in the form PyYAML takes: an exponent needs both the point and its sign.
private func written(_ number: Double) -> String {
    if number.isNaN { return ".nan" }
    if number.isInfinite { return number < 0 ? "-.inf" : ".inf" }
    let text = "\(number)"
    guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
    return "\(text[..<exponent]).0\(text[exponent...])"
}

// MARK: - Texts

/// A text in the most readable style that is read back as itself.
private func written(_ text: String, indent: Int) -> String {
    guard text.unicodeScalars.allSatisfy(isVisible) else { return doubleQuoted(text) }
    if text.utf8.contains(UInt8(ascii: "\n")) {
        return literal(text, indent: indent) ?? doubleQuoted(text)
    }
    if text.utf8.contains(UInt8(ascii: "\t")) { return doubleQuoted(text) }
    if canBePlain(text) { return text }
    // By scalars: a combining character must not hide the quote it stands on.
    var quoted = "'"
    for scalar in text.unicodeScalars { quoted += scalar == "'" ? "''" : String(scalar) }
    return quoted + "'"
}

/// Whether a character is written as it is. One that has no visible form, or is a line break to some readers, is
/// written as an escape.
private func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x20...0x7E: true
    case 0...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: false
    default: true
    }
}

/// The text as a block with `|` (YAML 1.1, section 9.3.5); `nil` where the last line is white space, which a block
/// would lose.
private func literal(_ text: String, indent: Int) -> String? {
    let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    guard let last = lines.last(where: { !$0.isEmpty }), last.contains(where: { $0 != " " && $0 != "\t" })
    else {
        return nil
    }
    var block = "|"
    // The first line tells a reader how far the block is indented, unless it begins with white space itself.
    if let first = text.unicodeScalars.first, " \t\n".unicodeScalars.contains(first) { block += "2" }
    if text.hasSuffix("\n\n") { block += "+" } else if !text.hasSuffix("\n") { block += "-" }
    let body = text.hasSuffix("\n") ? lines.dropLast() : lines[...]
    for line in body {
        block += "\n"
        if !line.isEmpty { block += spaces(indent) + String(line) }
    }
    return block
}

private func doubleQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case "\t": quoted += "\\t"
        case "\r": quoted += "\\r"
        case _ where isVisible(scalar): quoted.unicodeScalars.append(scalar)
        default:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let (letter, width) = scalar.value < 0x100 ? ("x", 2) : ("u", 4)
            quoted += "\\\(letter)" + String(repeating: "0", count: width - digits.count) + digits
        }
    }
    return quoted + "\""
}

/// Whether no reader, of YAML 1.1 or 1.2, takes the bare word for anything but this text.
private func canBePlain(_ text: String) -> Bool {
    guard Scalar.tag(of: text) == .text, !["y", "Y", "n", "N"].contains(text),
        let first = text.utf8.first, let last = text.utf8.last,
        !" -?:,[]{}#&*!|>'\"%@`=~".utf8.contains(first), last != UInt8(ascii: " "), last != UInt8(ascii: ":"),
        !text.hasPrefix("..."), !hasPair(text, ":", " "), !hasPair(text, " ", "#")
    else { return false }
    // Dates, and numbers as YAML 1.2 writes them (`1e3`, `0o17`) or as a person reads them (`08`).
    let mayBeNumber = "0123456789+.".utf8.contains(first)
    return !mayBeNumber || !text.utf8.allSatisfy { "0123456789abcdefABCDEFoOxXtTzZ_+-.: ".utf8.contains($0) }
}

/// Whether two characters stand side by side, byte by byte: a combining character must not hide the space it stands on.
private func hasPair(_ text: String, _ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
    zip(text.unicodeScalars, text.unicodeScalars.dropFirst()).contains { $0 == first && $1 == second }
}
