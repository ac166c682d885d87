import Basics
import Glibc

/// The last component of a path; empty where it ends in a slash. The path is read bytewise: a combining mark after a
/// slash does not hide the slash.
public func lastComponent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(decoding: path.utf8[path.utf8.index(after: slash)...], as: UTF8.self)
}

/// The part of a path before its last component, with the slash; `./` where there is none.
func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "./" }
    return String(decoding: path.utf8[...slash], as: UTF8.self)
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
