/// The formats a schema names for texts.
package enum SchemaFormat {
    /// The problem of a text of this format; `nil` where there is none, or the format is not known.
    static func problem(_ text: String, _ format: String) -> String? {
        switch format {
        case "date" where !isDate(text): "must be a date such as \"2030-12-31\""
        case "hostname" where !isHostName(text): "\(quoted(text)) is no host name"
        case "uri" where !isURI(text): "\(quoted(text)) is no URI"
        default: nil
        }
    }

    /// Whether a text is `yyyy-mm-dd` of a day that is in the calendar (RFC 3339, section 5.6).
    static func isDate(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2],
            parts.allSatisfy({ $0.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } })
        else { return false }
        let numbers = parts.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        guard year >= 1, (1...12).contains(month), day >= 1 else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day <= days[month - 1]
    }

    /// Whether a text is labels of letters, digits and hyphens between dots (RFC 1123, section 2.1), at most 253
    /// characters.
    package static func isHostName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
                    && label.last != UInt8(ascii: "-")
                    && label.allSatisfy {
                        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                            || $0 == 45
                    }
            }
    }

    /// Whether a text is a scheme and what follows it, without blanks (RFC 3986, section 3); `$MIRROR` and the like
    /// stand for one.
    static func isURI(_ text: String) -> Bool {
        if text.hasPrefix("$") { return true }
        guard let colon = text.firstIndex(of: ":"), let first = text.first, first.isASCII, first.isLetter
        else { return false }
        return text[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
            && !text.contains(where: \.isWhitespace)
    }
}
