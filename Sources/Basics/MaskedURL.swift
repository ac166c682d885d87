/// A text in which the passwords of URLs are not shown: `https://user:‹secret›@host/`.
///
/// A password ends at the last `@` before the path, as it may hold one itself.
public func maskedURLs(_ text: String) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    let mark = Array("://".utf8)
    while let start = rest.indices.first(where: { rest[$0...].starts(with: mark) }) {
        let authority = start + mark.count
        let end = rest[authority...].firstIndex { "/?# \t\r\n\"'".utf8.contains($0) } ?? rest.endIndex
        result += rest[..<authority]
        if let at = rest[authority..<end].lastIndex(of: UInt8(ascii: "@")),
            let colon = rest[authority..<at].firstIndex(of: UInt8(ascii: ":"))
        {
            result += rest[authority...colon]
            result += "‹secret›".utf8
            result += rest[at..<end]
        } else {
            result += rest[authority..<end]
        }
        rest = rest[end...]
    }
    return String(decoding: result + rest, as: UTF8.self)
}
