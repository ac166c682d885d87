/// Whether a name can be a file's in a library: no path, not hidden, on one line, with room for what is put before and
/// behind it (NAME_MAX is 255 bytes).
func isImageName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 200 && name.utf8.first != UInt8(ascii: ".")
        && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }
}
