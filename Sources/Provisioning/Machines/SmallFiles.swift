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

/// Replaces a small file of limiq's own, readable by its owner alone.
func replaceFile(_ path: String, with bytes: some Collection<UInt8>) throws(Failure) {
    try AtomicFile.write(path, existing: .replace) { (descriptor, _) throws(Failure) in
        try AtomicFile.write(bytes, to: descriptor, path)
    }
}

/// Makes a folder and its parents; one that is there already stays as it is.
func makeFolders(_ path: String, mode: mode_t = 0o755) throws(Failure) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw Failure.system(errno, "cannot make the folder \(path)", resource: path)
    }
    try makeFolders(String(path[..<slash]))
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw Failure.system(errno, "cannot make the folder \(path)", resource: path)
    }
}
