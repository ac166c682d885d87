import Basics

/// Reads permission bits as chmod(1) takes them: three or four octal digits, `0644`.
///
/// - Throws: `Failure` with code `bad_field` for any other text.
public func permissionBits(parsing text: String) throws(Failure) -> UInt32 {
    let isOctal = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
    guard (3...4).contains(text.utf8.count), isOctal, let bits = UInt32(text, radix: 8) else {
        throw Failure(.badField, "mode \"\(text)\" is not octal digits", hint: "such as \"0644\"")
    }
    return bits
}
