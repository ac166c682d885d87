import Glibc

/// The names in a folder, sorted by their bytes, without `.` and `..`.
///
/// - Throws: `Failure` with code `not_found` or `io`.
public func namesInFolder(_ path: String) throws(Failure) -> [String] {
    guard let folder = opendir(path) else {
        throw Failure.system(errno, "cannot list \(path)", resource: path)
    }
    defer { closedir(folder) }
    return names(in: folder)
}

/// The names in a folder that is open, as `namesInFolder(_:)`.
///
/// - Parameter path: for messages.
public func namesInFolder(_ path: String, at descriptor: Int32) throws(Failure) -> [String] {
    // Of its own: what is read is read from its beginning.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let folder = fdopendir(own) else {
        let error = errno
        if own >= 0 { close(own) }
        throw Failure.system(error, "cannot list \(path)", resource: path)
    }
    defer { closedir(folder) }
    return names(in: folder)
}

private func names(in folder: OpaquePointer) -> [String] {
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { characters in
            characters.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
