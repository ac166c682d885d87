import Basics
import Glibc

/// The bytes of a regular file.
///
/// - Throws: `Failure` with code `not_found`, `io`, or `bad_field` for a folder, FIFO or device.
public func fileBytes(_ path: String) throws(Failure) -> [UInt8] {
    let file = try ReadableFile(path)
    return try file.read(at: 0, count: Int(clamping: file.length))
}

/// Writes a file whole or not at all, replacing one of the name.
///
/// - Parameter mode: the permission bits; 0600 unless told.
public func writeBytes(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(Failure) {
    try AtomicFile.write(path, existing: .replace) { descriptor, _ throws(Failure) in
        try AtomicFile.write(bytes, to: descriptor, path)
        fchmod(descriptor, mode)
    }
}

public func fileExists(_ path: String) -> Bool { exists(path) }

/// The files below a folder by their paths in it, sorted; symbolic links to folders are not followed.
public func filesBelow(_ folder: String) throws(Failure) -> [String] {
    var found: [String] = []
    var open = [""]
    while let inner = open.popLast() {
        let path = inner.isEmpty ? folder : folder + "/" + inner
        guard let stream = opendir(path) else {
            throw Failure.system(errno, "cannot list \(path)", resource: path)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let relative = inner.isEmpty ? name : inner + "/" + name
            var status = stat()
            guard lstat(folder + "/" + relative, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { open.append(relative) } else { found.append(relative) }
        }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
