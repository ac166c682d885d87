import Basics
import Digests
import Glibc
import Synchronization

/// The digest of a large file's content, by which it is named: hashed once in a process as long as it does not change.
package struct FileDigest: Sendable, Equatable {
    private struct Key: Hashable {
        var device: dev_t
        var inode: ino_t
        var size: off_t
        var seconds: Int
        var nanoseconds: Int
    }

    private let key: Key
    /// The SHA-256 in hexadecimal digits.
    package let value: String

    private static let known = Mutex<[Key: String]>([:])

    /// - Throws: `Failure` with code `not_found`, `io` or `cancelled`.
    package init(of path: String, _ cancellation: Cancellation) throws(Failure) {
        let key = try Self.key(path)
        self.key = key
        // Held meanwhile: of many that want the same image one reads it.
        value = try Self.known.withLock { known throws(Failure) in
            if let value = known[key] { return value }
            let value = try Self.hash(path, SHA256(), cancellation)
            known[key] = value
            return value
        }
    }

    /// Hashes a file, a few megabytes at a time.
    ///
    /// - Throws: `Failure` with code `io`, `not_found` or `cancelled`.
    package static func hash<Hash: HashFunction>(
        _ path: String, _ start: Hash, _ cancellation: Cancellation
    ) throws(Failure) -> String {
        var hash = start
        let file = try ReadableFile(path)
        var offset: UInt64 = 0
        while offset < file.length {
            try cancellation.check()
            let bytes = try file.read(at: offset, count: 4 << 20)
            if bytes.isEmpty { break }
            hash.update(data: bytes)
            offset += UInt64(bytes.count)
        }
        return hexadecimal(hash.finalize())
    }

    /// Whether the file is still the one that was hashed.
    package func holds(for path: String) -> Bool { (try? Self.key(path)) == key }

    private static func key(_ path: String) throws(Failure) -> Key {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure.system(errno, "cannot open \(path)", resource: path)
        }
        return Key(
            device: status.st_dev, inode: status.st_ino, size: status.st_size,
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
