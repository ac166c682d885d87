import Glibc

/// A regular file open for reading.
///
/// A FIFO or a device is refused before it is opened: opening one can hang, or wake a writer.
public struct ReadableFile: ~Copyable {
    public let path: String
    /// The length in bytes.
    public let length: UInt64
    /// The bytes of the disk the file takes, as `du` counts.
    public let allocated: UInt64
    public let identity: FileIdentity
    /// Whether everybody may read the file.
    public let isPublic: Bool
    public let descriptor: Int32

    /// - Throws: `Failure` with code `not_found`, `io`, or `bad_field` for what is no regular file.
    public init(_ path: String) throws(Failure) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Failure.system(errno, "cannot open \(path)", resource: path)
        }
        try Self.requireRegular(status, path)
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Failure.system(errno, "cannot open \(path)", resource: path) }
        // Asked again of the open file: the name may have changed hands in between.
        let complaint: Failure?
        if fstat(descriptor, &status) == 0 {
            do {
                try Self.requireRegular(status, path)
                complaint = nil
            } catch { complaint = error }
        } else {
            complaint = Failure.system(errno, "cannot open \(path)", resource: path)
        }
        if let complaint {
            close(descriptor)
            throw complaint
        }
        self.path = path
        self.descriptor = descriptor
        length = UInt64(max(0, status.st_size))
        allocated = UInt64(max(0, status.st_blocks)) * 512
        identity = FileIdentity(status)
        isPublic = status.st_mode & S_IROTH != 0
    }

    deinit { close(descriptor) }

    /// The bytes of a range, cut at the end of the file.
    public func read(at offset: UInt64, count: Int) throws(Failure) -> [UInt8] {
        guard offset < length, count > 0 else { return [] }
        let wanted = Int(min(UInt64(count), length - offset))
        var problem: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, done in
            while done < wanted {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + done }, wanted - done,
                    off_t(offset) + off_t(done))
                if got == 0 { break }
                if got < 0 {
                    if errno == EINTR { continue }
                    problem = errno
                    break
                }
                done += got
            }
        }
        if problem != 0 { throw Failure.system(problem, "cannot read \(path)", resource: path) }
        return bytes
    }

    /// The bytes of all of it. Files of /proc have no length, and bytes still.
    ///
    /// - Parameter limit: the most it may hold, in bytes.
    /// - Throws: `Failure` with code `io`, or `bad_field` where it holds more.
    public func readWhole(atMost limit: Int) throws(Failure) -> [UInt8] {
        guard length <= UInt64(limit) else { throw tooLarge(ByteSize(bytes: length).description, limit) }
        if length > 0 { return try read(at: 0, count: Int(length)) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure.system(errno, "cannot read \(path)", resource: path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit { throw tooLarge("too long", limit) }
        }
    }

    private func tooLarge(_ size: String, _ limit: Int) -> Failure {
        Failure(
            .badField,
            "\(path) is \(size), more than the \(ByteSize(bytes: UInt64(limit))) that are read at once",
            resource: path)
    }

    private static func requireRegular(_ status: stat, _ path: String) throws(Failure) {
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFREG: return
        case S_IFDIR: kind = "a folder"
        case S_IFIFO: kind = "a FIFO"
        case S_IFSOCK: kind = "a socket"
        case S_IFBLK, S_IFCHR: kind = "a device"
        default: kind = "no regular file"
        }
        throw Failure(
            .badField, "\(path) is \(kind), not a file", hint: "give the path of a regular file",
            resource: path)
    }
}

/// The identity of a file: two paths with the same one are the same file.
public struct FileIdentity: Hashable, Sendable {
    public let device: dev_t
    public let inode: ino_t

    public init(device: dev_t, inode: ino_t) {
        self.device = device
        self.inode = inode
    }

    public init(_ status: stat) { self.init(device: status.st_dev, inode: status.st_ino) }

    /// Makes the identity of what a path leads to; `nil` where there is nothing.
    public init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

/// The most that is read of one file into memory, in bytes.
public enum ReadLimit {
    /// The most of a script, or of a document that is taken apart.
    public static let document = 16 << 20
    /// The most of what is handed on as it is.
    public static let bytes = 256 << 20
}

/// The bytes of a regular file.
///
/// - Throws: `Failure` with code `not_found`, `io`, or `bad_field` for a folder, FIFO or device and for one that holds more
///   than `limit`.
public func fileBytes(_ path: String, atMost limit: Int) throws(Failure) -> [UInt8] {
    try ReadableFile(path).readWhole(atMost: limit)
}
