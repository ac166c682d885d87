import Basics
import Glibc

/// The last component of a path; empty where it ends in a slash. Bytewise: a combining mark after a slash does not
/// hide the slash.
func lastComponent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(decoding: path.utf8[path.utf8.index(after: slash)...], as: UTF8.self)
}

/// All of a path before its last component, with the slash; `./` where there is none.
func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "./" }
    return String(decoding: path.utf8[...slash], as: UTF8.self)
}

/// Something has this name, a dangling link included.
func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// The path with every symbolic link and `..` resolved.
///
/// - Throws: `Failure` with code `not_found` or `io`.
func resolved(_ path: String) throws(Failure) -> String {
    guard let real = realpath(path, nil) else {
        throw Failure.system(errno, "cannot open \(path)", resource: path)
    }
    defer { free(real) }
    return String(cString: real)
}

extension Failure {
    /// A refusal of the system: `not_found` where the file is not there, else `io`.
    static func system(_ error: Int32, _ what: String, resource: String? = nil) -> Failure {
        let text = String(cString: strerror(error)).lowercased()
        switch error {
        case ENOENT, ENOTDIR:
            return Failure(.notFound, "\(what): there is no such file", resource: resource)
        case ENOSPC, EDQUOT:
            return Failure(
                .io, "\(what): \(text)", hint: "free some space, or use another folder", resource: resource)
        case EACCES, EPERM:
            return Failure(
                .io, "\(what): \(text)", hint: "use a folder of your own, or run limiq as a user who may",
                resource: resource)
        default:
            return Failure(.io, "\(what): \(text)", resource: resource)
        }
    }
}
