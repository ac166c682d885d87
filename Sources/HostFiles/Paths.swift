import Basics
import Glibc

/// The last component of a path; empty where it ends in a slash. The path is read bytewise: a combining mark after a
/// slash does not hide the slash.
public func lastComponent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(decoding: path.utf8[path.utf8.index(after: slash)...], as: UTF8.self)
}

/// The part of a path before its last component, with the slash; `./` where there is none.
package func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "./" }
    return String(decoding: path.utf8[...slash], as: UTF8.self)
}

/// The path with every symbolic link and `..` resolved.
///
/// - Throws: `Failure` with code `not_found` or `io`.
package func resolved(_ path: String) throws(Failure) -> String {
    guard let real = realpath(path, nil) else {
        throw Failure.system(errno, "cannot open \(path)", resource: path)
    }
    defer { free(real) }
    return String(cString: real)
}

/// The folders above a path, as it is written, from the root down. A path that ends in a slash is a folder, and its own
/// parent here.
package func parents(of path: String) -> [String] {
    var result: [String] = ["/"]
    var current = ""
    for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropLast()
    where !part.isEmpty {
        current += "/" + String(decoding: part, as: UTF8.self)
        result.append(current)
    }
    return result
}

/// Whether a path is a folder's or below it; both without links. They are compared bytewise.
package func isInside(_ path: String, _ folder: String) -> Bool {
    let (path, folder) = (path.utf8, folder.utf8)
    guard path.starts(with: folder) else { return false }
    return path.count == folder.count || folder.last == UInt8(ascii: "/")
        || path.dropFirst(folder.count).first == UInt8(ascii: "/")
}

/// The path with all links and `..` resolved as far as it is there; what follows is as it was. `nil` where it leads nowhere:
/// through a link to nothing, through a file, or by `..` out of what is not there.
package func canonicalPath(_ path: String) -> String? {
    guard !path.isEmpty, !path.utf8.contains(0) else { return nil }
    var present = path
    var rest: [String] = []
    while true {
        if let real = realpath(present, nil) {
            defer { free(real) }
            let base = String(cString: real)
            guard !rest.isEmpty else { return base }
            return (base == "/" ? "" : base) + "/" + rest.reversed().joined(separator: "/")
        }
        var status = stat()
        // A link to nothing is there.
        guard errno == ENOENT, lstat(present, &status) != 0 else { return nil }
        while present.utf8.count > 1, present.utf8.last == UInt8(ascii: "/") { present.removeLast() }
        let name = lastComponent(present)
        guard !name.isEmpty, name != ".", name != ".." else { return nil }
        rest.append(name)
        present = folder(of: present)
    }
}

/// The path of the place a name stands in, as `canonicalPath`: a link of that name is not followed.
func canonicalPlace(of path: String) -> String? {
    let name = lastComponent(path)
    guard name != ".", name != "..", let place = canonicalPath(folder(of: path)) else { return nil }
    return (place == "/" ? "" : place) + "/" + name
}
