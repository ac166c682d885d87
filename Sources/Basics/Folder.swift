import Glibc

/// The names in a folder, sorted by their bytes, without `.` and `..`.
///
/// - Throws: `Failure` with code `not_found` or `io`.
public func namesInFolder(_ path: String) throws(Failure) -> [String] {
    guard let folder = opendir(path) else {
        throw Failure.system(errno, "cannot list \(path)", resource: path)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { characters in
            characters.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
