import Basics
import FoundationEssentials
import Glibc
import HostFiles

/// The marks of an image at the time a disk was made on it: enough to see that it has become another since.
///
/// A guest on an overlay reads what it has not written from the image below, block by block: of another image, or of one
/// that was written to, it gets a mix of both.
public struct ImageStamp: Sendable, Equatable, Codable {
    /// The absolute path, on the image's host.
    public var path: String
    /// The bytes of the file.
    public var size: UInt64
    /// The time it was last written to: nanoseconds since 1970, or on another host what its libvirt says.
    public var modified: String
    /// The file's inode; `nil` on another host.
    public var inode: UInt64?
    /// The SHA-256 in hexadecimal digits, where it is known.
    public var digest: String?

    /// The stamp of a file of this host.
    ///
    /// - Returns: `nil` where there is none.
    package init?(file path: String, digest: String? = nil) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.path = path
        self.digest = digest
        size = UInt64(max(0, status.st_size))
        modified = "\(status.st_mtim.tv_sec).\(String(status.st_mtim.tv_nsec + 1_000_000_000).dropFirst())"
        inode = UInt64(status.st_ino)
    }

    /// The stamp of a file of another host.
    package init(path: String, size: UInt64, modified: String) {
        self.path = path
        self.size = size
        self.modified = modified
    }

    /// Whether nobody has written to it or put another in its place, as far as can be seen from outside.
    package func looksLike(_ other: ImageStamp) -> Bool {
        size == other.size && modified == other.modified && inode == other.inode
    }

    /// The difference of another stamp, of the file that is there now, in words.
    package func difference(_ now: ImageStamp) -> String {
        if size != now.size { return "it has \(now.size) bytes and had \(size)" }
        if inode != now.inode { return "another file is in its place" }
        return "it was written to, or replaced, since"
    }
}

/// The digests of a library's images, each beside the stamp of the file it is of: for one that has changed there is none.
///
/// They are in files of their own and not with the images, whose folder is a person's too.
package struct ImageDigests {
    let state: StateFolder

    package init(state: StateFolder) { self.state = state }

    /// - Returns: `nil` where it is not known.
    package func digest(of path: String) -> String? {
        guard let file = file(of: path), let bytes = readBytes(file),
            let kept = try? JSONDecoder().decode(ImageStamp.self, from: Data(bytes)),
            let now = ImageStamp(file: path), kept.looksLike(now)
        else { return nil }
        return kept.digest
    }

    /// Reads an image of the library through, and remembers what it holds.
    package func remember(_ path: String, _ cancellation: Cancellation) throws(Failure) {
        guard let file = file(of: path) else { return }
        let digest = try FileDigest(of: path, cancellation)
        guard digest.holds(for: path), let stamp = ImageStamp(file: path, digest: digest.value) else {
            return
        }
        try makeFolders(folder)
        try writeJSON(stamp, to: file)
    }

    package func forget(_ path: String) {
        if let file = file(of: path) { unlink(file) }
    }

    private var folder: String { state.cloudImages + "/.digests" }

    /// - Returns: `nil` for what is not of the library.
    private func file(of path: String) -> String? {
        let name =
            path.dropping(state.cloudImages + "/")
            ?? (try? resolved(state.cloudImages)).flatMap { path.dropping($0 + "/") }
        return name.flatMap { $0.contains("/") ? nil : "\(folder)/\($0).json" }
    }
}
