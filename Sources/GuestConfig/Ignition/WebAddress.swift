import Basics

/// An address as Ignition reads it: by the rules of Go's `net/url` (RFC 3986, where that is strict).
struct WebAddress {
    /// The scheme in lower case; empty for a relative address.
    let scheme: String
    /// What follows the scheme where no slash does: `aws:s3:::bucket/key` of `arn:aws:s3:::bucket/key`.
    private(set) var opaque = ""
    private(set) var host = ""
    private(set) var path = ""
    let query: String

    /// - Returns: `nil` where the text is no address at all.
    init?(_ text: String) {
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return nil }
        let (beforeFragment, fragment) = text.cut(at: "#")
        guard Self.isEscaped(fragment), let (scheme, rest) = Self.scheme(of: beforeFragment) else {
            return nil
        }
        self.scheme = scheme
        var (place, query) = rest.cut(at: "?")
        self.query = query
        if !place.hasPrefix("/") {
            guard scheme.isEmpty else {
                opaque = place
                return
            }
            guard !place.cut(at: "/").before.contains(":") else { return nil }
        }
        if place.hasPrefix("//"), !scheme.isEmpty || !place.hasPrefix("///") {
            let authority = String(place.dropFirst(2)).cut(at: "/").before
            place = String(place.dropFirst(2 + authority.count))
            let at = authority.lastIndex(of: "@")
            host = at.map { String(authority[authority.index(after: $0)...]) } ?? authority
            let user = at.map { String(authority[..<$0]) } ?? ""
            guard Self.isUser(user), Self.isHost(host) else { return nil }
        }
        guard Self.isEscaped(place) else { return nil }
        path = place
    }

    /// The first value of a name in the query; `nil` where it is not in it.
    func value(of name: String) -> String? {
        let pairs = query.split(separator: "&").filter { !$0.contains(";") }.map { String($0).cut(at: "=") }
        return pairs.first { $0.before == name }?.after
    }

    private static func scheme(of text: String) -> (scheme: String, rest: String)? {
        for (index, byte) in text.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                if index > 0 { continue }
            case UInt8(ascii: ":"):
                guard index > 0 else { return nil }
                let (scheme, rest) = text.cut(at: ":")
                return (scheme.lowercased(), rest)
            default: break
            }
            break
        }
        return ("", text)
    }

    /// Whether each percent sign begins an escape.
    private static func isEscaped(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
        return parts.dropFirst().allSatisfy { part in
            part.count >= 2 && part.prefix(2).allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        }
    }

    private static func isUser(_ text: String) -> Bool {
        isEscaped(text)
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "-._:~!$&'()*+,;=%@".utf8.contains($0) }
    }

    private static func isHost(_ text: String) -> Bool {
        guard isEscaped(text), text.utf8.allSatisfy(isHostByte) else { return false }
        if text.hasPrefix("[") {
            guard let end = text.lastIndex(of: "]") else { return false }
            return isPort(text[text.index(after: end)...])
        }
        // Of the escapes those of characters beyond ASCII only may stand in a name, and that of the percent sign.
        let escapes = text.split(separator: "%", omittingEmptySubsequences: false).dropFirst()
        guard escapes.allSatisfy({ $0.hasPrefix("25") || $0.first?.hexDigitValue ?? 0 >= 8 }) else {
            return false
        }
        return isPort(text.lastIndex(of: ":").map { text[$0...] } ?? "")
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte >= 0x80 || isLetterOrDigit(byte) || "-_.~!$&'()*+,;=:[]<>\"%".utf8.contains(byte)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || text.first == ":" && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber)
    }
}

extension String {
    /// What stands before and behind the first of a character; nothing behind where there is none.
    func cut(at character: Character) -> (before: String, after: String) {
        guard let place = unicodeScalars.firstIndex(where: { Character($0) == character }) else {
            return (self, "")
        }
        return (
            String(unicodeScalars[..<place]), String(unicodeScalars[unicodeScalars.index(after: place)...])
        )
    }
}
