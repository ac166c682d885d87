import Glibc

/// Why a file cannot be read, in the system's words.
struct ReadError: Error {
    let text: String
}

/// The bytes of a regular file. A FIFO or device would hold the run up, and is refused.
func readFile(_ path: String) -> Result<[UInt8], ReadError> {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return .failure(ReadError(text: String(cString: strerror(errno)))) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
        return .failure(ReadError(text: "not a regular file"))
    }
    var bytes: [UInt8] = []
    while true {
        let room = max(Int(info.st_size) - bytes.count, 0) + 1
        var count = 0
        bytes += [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
            count = read(descriptor, buffer.baseAddress, room)
            filled = max(count, 0)
        }
        if count == 0 { return .success(bytes) }
        if count < 0, errno != EINTR { return .failure(ReadError(text: String(cString: strerror(errno)))) }
    }
}

/// The names in a folder, sorted; none where it cannot be read.
func fileNames(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names.filter { $0 != "." && $0 != ".." }.sorted()
}
