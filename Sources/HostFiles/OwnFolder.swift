import Basics
import Glibc

/// A folder of limiq's own that is open. What is read and removed in it is what lies in it: no link in its place, or in that
/// of a file, leads to anything else, and no FIFO keeps whoever reads it.
package struct OwnFolder: ~Copyable {
    package let path: String
    private let descriptor: Int32

    private init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// - Returns: `nil` where nothing has this name.
    /// - Throws: `Failure` with code `not_ours` for a link and for what is no folder, `io`.
    package static func open(_ path: String) throws(Failure) -> OwnFolder? {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        if descriptor >= 0 { return OwnFolder(path, descriptor) }
        let error = errno
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: throw Failure.system(error, "cannot open \(path)", resource: path)
        case S_IFLNK:
            throw Failure(
                .notOurs, "\(path) is a link, and nothing that it leads to is touched",
                hint: "put the folder itself in its place, or remove the link", resource: path)
        default:
            throw Failure(
                .notOurs, "\(path) is no folder, and limiq did not make it",
                hint: "look what it is, and move it away", resource: path)
        }
    }

    func names() throws(Failure) -> [String] { try namesInFolder(path, at: descriptor) }

    /// The status of what a name in the folder stands for, a link for itself; `nil` where there is nothing.
    package func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// The bytes of a small regular file; `nil` where there is none, or none that can be read.
    package func bytes(of name: String) -> [UInt8]? {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return bytesToTheEnd(of: file, atMost: mostOwnBytes)
    }

    /// Removes a file, or the link that is in its place; one that is gone already is no error.
    ///
    /// - Throws: `Failure` with code `io`.
    package func remove(_ name: String) throws(Failure) {
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw Failure.system(errno, "cannot remove \(path)/\(name)", resource: "\(path)/\(name)")
        }
    }

    /// - Throws: `Failure` with code `io`.
    package func rename(_ name: String, to other: String) throws(Failure) {
        guard renameat(descriptor, name, descriptor, other) == 0 else {
            throw Failure.system(errno, "cannot write \(path)/\(other)", resource: "\(path)/\(other)")
        }
    }

    /// The name of a file that lies in a folder; `nil` for any other path.
    package static func name(of file: String, in folder: String) -> String? {
        let name = lastComponent(file)
        guard !name.isEmpty, name != ".", name != "..",
            file.utf8.elementsEqual("\(folder)/\(name)".utf8)
        else { return nil }
        return name
    }
}
