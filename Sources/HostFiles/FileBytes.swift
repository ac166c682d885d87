import Basics
import FoundationEssentials
import Glibc

/// The most bytes that are read of a file: more than any file has that limiq writes for itself.
package let mostOwnBytes = 64 << 20

/// The bytes of a small regular file of limiq's own or of the system, those of `/proc` included, which have no length;
/// `nil` where it cannot be read, is too large, or is a FIFO, which would keep its reader for ever.
package func readBytes(_ path: String) -> [UInt8]? {
    guard let file = try? ReadableFile(path) else { return nil }
    return bytesToTheEnd(of: file.descriptor, atMost: mostOwnBytes)
}

/// The bytes of an open file to its end; `nil` where it cannot be read, and `errno` says why, or where there are more.
func bytesToTheEnd(of descriptor: Int32, atMost limit: Int = .max) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return count == 0 ? bytes : nil }
        guard count <= limit - bytes.count else { return nil }
        bytes.append(contentsOf: chunk[..<count])
    }
}

/// The text of a small file, as `readBytes`.
package func readWhole(_ path: String) -> String? {
    readBytes(path).map { String(decoding: $0, as: UTF8.self) }
}

/// Writes a file whole or not at all, replacing one of the name.
///
/// - Parameter mode: the permission bits; 0600 unless told.
/// - Throws: `Failure` with code `io` (`not_found` for a missing folder).
public func writeBytes(
    _ bytes: some Collection<UInt8>, to path: String, mode: UInt32 = 0o600
) throws(Failure) {
    try AtomicFile.write(path, existing: .replace) { descriptor, _ throws(Failure) in
        try AtomicFile.write(bytes, to: descriptor, path)
        fchmod(descriptor, mode)
    }
}

/// Writes a note of limiq's own as JSON, whole or not at all, replacing one of the name; its owner alone may read it.
///
/// - Throws: `Failure` with code `io` (`not_found` for a missing folder).
package func writeJSON(_ note: some Encodable, to path: String) throws(Failure) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes: Data
    do { bytes = try encoder.encode(note) } catch {
        throw Failure(.io, "cannot write \(path)", cause: "\(error)")
    }
    try writeBytes(bytes, to: path)
}

/// Whether something has this name, a dangling link included.
public func fileExists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}
