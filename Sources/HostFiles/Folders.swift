import Basics
import Glibc

/// The files below a folder by their paths in it, sorted by their bytes; symbolic links to folders are not followed.
///
/// - Parameters:
///   - hidden: whether names that begin with a dot count.
///   - limit: the most there may be.
/// - Throws: `Failure` with code `not_found` or `io`, or `bad_field` where there are more.
public func filesBelow(
    _ folder: String, hidden: Bool = true, atMost limit: Int = .max
) throws(Failure) -> [String] {
    var found: [String] = []
    var open = [""]
    while let inner = open.popLast() {
        for name in try namesInFolder(inner.isEmpty ? folder : folder + "/" + inner)
        where hidden || !name.hasPrefix(".") {
            let relative = inner.isEmpty ? name : inner + "/" + name
            var status = stat()
            guard lstat(folder + "/" + relative, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { open.append(relative) } else { found.append(relative) }
        }
        guard found.count + open.count <= limit else {
            throw Failure(.badField, "there are more than \(limit) files below \(folder)", resource: folder)
        }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The folders below a folder by their paths in it, each before what is in it; links are not followed.
///
/// - Throws: `Failure` with code `not_found` or `io`.
func foldersBelow(_ folder: String) throws(Failure) -> [String] {
    var found: [String] = []
    for name in try namesInFolder(folder) {
        var status = stat()
        guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
        found.append(name)
        found += try foldersBelow("\(folder)/\(name)").map { "\(name)/\($0)" }
    }
    return found
}

/// Removes a file; one that is gone already is no error.
///
/// - Throws: `Failure` with code `io`.
package func removeFile(_ path: String) throws(Failure) {
    guard unlink(path) == 0 || errno == ENOENT else {
        throw Failure.system(errno, "cannot remove \(path)", resource: path)
    }
}

/// Removes a folder with all that is in it, or a file; links are removed, not followed.
///
/// - Throws: `Failure` with code `not_found` or `io`.
package func removeWhole(_ folder: String) throws(Failure) {
    var status = stat()
    if lstat(folder, &status) == 0, status.st_mode & S_IFMT != S_IFDIR { return try removeFile(folder) }
    for file in try filesBelow(folder) { try removeFile("\(folder)/\(file)") }
    for inner in try foldersBelow(folder).reversed() { rmdir("\(folder)/\(inner)") }
    rmdir(folder)
}

/// Makes a folder and its parents; one that is there already stays as it is.
///
/// - Parameter mode: of the last one; the parents are 0755.
/// - Throws: `Failure` with code `io` or `not_found`.
package func makeFolders(_ path: String, mode: mode_t = 0o755) throws(Failure) {
    if mkdir(path, mode) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw Failure.system(errno, "cannot make the folder \(path)", resource: path)
    }
    try makeFolders(String(path[..<slash]))
    guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw Failure.system(errno, "cannot make the folder \(path)", resource: path)
    }
}

/// Brings what was made, renamed and removed in a folder to the disk: a file's own `fdatasync` keeps its bytes through a
/// power failure, and not its name.
///
/// - Throws: `Failure` with code `io` or `not_found`.
package func syncFolder(_ path: String) throws(Failure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure.system(errno, "cannot open \(path)", resource: path) }
    defer { close(descriptor) }
    // EINVAL: a filesystem that has no such thing.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
        throw Failure.system(errno, "cannot write \(path)", resource: path)
    }
}

/// Whether there is a folder at a path, itself or by a link.
package func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}
