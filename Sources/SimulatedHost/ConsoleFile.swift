import Glibc

/// Adds to a file, as a guest does to its console log.
package func append(_ text: String, to path: String, truncate: Bool = false) {
    let descriptor = open(path, O_WRONLY | O_CREAT | (truncate ? O_TRUNC : O_APPEND), 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    _ = write(descriptor, bytes, bytes.count)
}
