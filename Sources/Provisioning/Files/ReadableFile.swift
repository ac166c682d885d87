import Basics
import Glibc

/// A regular file open for reading.
///
/// A FIFO or a device is refused before it is opened: opening one can hang, or wake a writer.
struct ReadableFile: ~Copyable {
    let path: String
    /// Bytes.
    let length: UInt64
    /// Bytes of the disk it takes, as `du` counts.
    let allocated: UInt64
    let identity: FileIdentity
    let descriptor: Int32

    /// - Throws: `Failure` with code `not_found`, `io`, or `bad_field` for what is no regular file.
    init(_ path: String) throws(Failure) {
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
        identity = FileIdentity(device: status.st_dev, inode: status.st_ino)
    }

    deinit { close(descriptor) }

    /// The bytes of a range, cut at the end of the file.
    func read(at offset: UInt64, count: Int) throws(Failure) -> [UInt8] {
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
            .badField, "\(path) is \(kind), not a file", hint: "give the path of an image file",
            resource: path)
    }
}

/// Two paths with the same identity are the same file.
struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t
}

/// Numbers as disk formats write them.
extension [UInt8] {
    func big16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }
    func big32(_ offset: Int) -> UInt32 { UInt32(big16(offset)) << 16 | UInt32(big16(offset + 2)) }
    func big64(_ offset: Int) -> UInt64 { UInt64(big32(offset)) << 32 | UInt64(big32(offset + 4)) }
    func little32(_ offset: Int) -> UInt32 { big32(offset).byteSwapped }

    mutating func putBig(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.bigEndian) { replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
}
