import Basics
import Glibc

/// The text of a small file; `nil` where it cannot be read.
func readWhole(_ path: String) -> String? {
    readBytes(path).map { String(decoding: $0, as: UTF8.self) }
}

/// The bytes of a small file, files of `/proc` included; `nil` where it cannot be read.
func readBytes(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return count == 0 ? bytes : nil }
        bytes.append(contentsOf: chunk[..<count])
    }
}

/// Writes a file under a temporary name and renames it: nobody ever sees half of it.
func writeAtomically(_ bytes: [UInt8], to path: String, mode: mode_t) throws(Failure) {
    let temporary = "\(path).\(getpid()).tmp"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw systemFailure("cannot write \(path)", path) }
    var written = 0
    var failed = false
    bytes.withUnsafeBytes { buffer in
        while written < buffer.count {
            let count = write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                failed = true
                return
            }
            written += count
        }
    }
    let failure = systemFailure("cannot write \(path)", path)
    close(descriptor)
    guard !failed, rename(temporary, path) == 0 else {
        unlink(temporary)
        throw failure
    }
}

/// Makes a folder and its parents; one that is there already stays as it is.
func makeFolders(_ path: String, mode: mode_t = 0o755) throws(Failure) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw systemFailure("cannot make the folder \(path)", path)
    }
    try makeFolders(String(path[..<slash]))
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw systemFailure("cannot make the folder \(path)", path)
    }
}

public func fileExists(_ path: String) -> Bool {
    var information = stat()
    return lstat(path, &information) == 0
}

/// A failure with the system's words for `errno`.
func systemFailure(_ message: String, _ path: String) -> Failure {
    Failure(.io, message, resource: path, cause: String(cString: strerror(errno)))
}
