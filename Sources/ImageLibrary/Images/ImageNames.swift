/// Whether a name can be a file's in a library: no path, not hidden, on one line, with room for what is put before and
/// behind it (NAME_MAX is 255 bytes).
func isImageName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 200 && name.utf8.first != UInt8(ascii: ".")
        && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }
}

/// The complaint about a file that never is an image, by its first 512 bytes: anything else can be a raw disk.
func notAnImage(_ start: [UInt8]) -> (what: String, hint: String)? {
    if start.isEmpty { return ("empty", "download it again") }
    if isWebPage(start) { return ("a web page, not an image", "download it again") }
    let packed: [(String, [UInt8])] = [
        ("unxz", [0xFD, 0x37, 0x7A, 0x58, 0x5A]), ("gunzip", [0x1F, 0x8B]),
        ("unzstd", [0x28, 0xB5, 0x2F, 0xFD]),
        ("bunzip2", [0x42, 0x5A, 0x68]), ("unzip", [0x50, 0x4B, 0x03, 0x04]),
    ]
    return packed.first { start.starts(with: $0.1) }.map { ("compressed", "unpack it first, with \($0.0)") }
}

/// Whether bytes are the beginning of an HTML page, as a network's login page or a server's error is.
func isWebPage(_ bytes: some Collection<UInt8>) -> Bool {
    let text = String(
        decoding: bytes.drop { $0 <= 0x20 || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }, as: UTF8.self)
    return ["<!doctype", "<html", "<head"].contains { text.lowercased().hasPrefix($0) }
}
