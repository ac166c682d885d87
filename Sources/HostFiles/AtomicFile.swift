import Basics
import CLinux
import Glibc

/// The writing of files that appear whole or not at all.
///
/// The bytes go to `.NAME.limiq-PID-RANDOM.tmp` in the same folder, made with `O_EXCL`, and get their name when they
/// are on the disk. An error removes the temporary file; after `kill -9` it stays, and its name says whose it was.
public enum AtomicFile {
    /// The answer to a name that is taken.
    public enum Existing: Sendable {
        /// The write fails with this code. Two that race for one name: exactly one wins.
        case refuse(Failure.Code)
        /// The file is replaced; who has it open keeps the old one.
        case replace
    }

    /// Writes a file.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working folder; its folder must exist.
    ///   - user: who else must be able to use the file; `nil` keeps it for the caller alone (mode 0600).
    ///   - body: writes to the descriptor; the path is the temporary file's, for programs that want a name.
    /// - Throws: `Failure` with code `io` (`not_found` for a missing folder), or what `body` throws.
    public static func write(
        _ path: String, existing: Existing, user: FileUser? = nil,
        _ body: (_ descriptor: Int32, _ temporary: String) throws(Failure) -> Void
    ) throws(Failure) {
        let (folder, name) = try split(path)
        switch existing {
        case .refuse(let code): if fileExists(path) { throw taken(path, code) }
        case .replace: try requireReplaceable(path)
        }
        let temporary = folder + temporaryName(for: name)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw cannotWrite(path, errno, folder: folder) }
        var finished = false
        defer {
            close(descriptor)
            if !finished { unlink(temporary) }
        }
        try body(descriptor, temporary)
        try user?.grant(descriptor, path)
        guard fdatasync(descriptor) == 0 else { throw cannotWrite(path, errno, folder: folder) }
        try rename(temporary, to: path, existing: existing)
        finished = true
    }

    /// Writes the whole buffer at an offset.
    ///
    /// - Throws: `Failure` with code `io` that names `path`.
    package static func write(
        _ bytes: some Collection<UInt8>, to descriptor: Int32, at offset: Int = 0, _ path: String
    ) throws(Failure) {
        let status: Int32? = bytes.withContiguousStorageIfAvailable { buffer in
            var done = 0
            while done < buffer.count {
                let count = pwrite(
                    descriptor, UnsafeRawBufferPointer(buffer).baseAddress.map { $0 + done },
                    buffer.count - done,
                    off_t(offset + done))
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                done += count
            }
            return 0
        }
        guard let status else { return try write(Array(bytes), to: descriptor, at: offset, path) }
        if status != 0 { throw cannotWrite(path, status, folder: folder(of: path)) }
    }

    /// The process whose half-written file this is, `nil` for any other name.
    public static func writer(ofTemporary name: String) -> Int32? {
        guard name.hasPrefix("."), name.hasSuffix(".tmp") else { return nil }
        let parts = name.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[parts.count - 3].hasSuffix(".limiq") else { return nil }
        return Int32(parts[parts.count - 2])
    }

    /// The files that killed processes left half-written in a folder, by name. A folder that cannot be read has none.
    package static func leftovers(in folder: String) -> [String] {
        ((try? namesInFolder(folder)) ?? []).filter { name in
            guard let process = writer(ofTemporary: name) else { return false }
            return !isAlive(process, since: "\(folder)/\(name)")
        }
    }

    /// Whether the process that wrote a file still runs. One that began after the file's last change only has its
    /// number.
    package static func isAlive(_ process: Int32, since file: String) -> Bool {
        guard kill(process, 0) == 0 || errno != ESRCH else { return false }
        var status = stat()
        // proc(5): the fields after the name in brackets; the 22nd is the start in clock ticks since the boot.
        guard
            let fields = readWhole("/proc/\(process)/stat")?.split(separator: ")").last?.split(
                separator: " "),
            fields.count > 19, let ticks = Int(fields[19]), stat(file, &status) == 0
        else { return true }
        var now = timespec()
        var sinceBoot = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
        let began = now.tv_sec - sinceBoot.tv_sec + ticks / max(1, sysconf(Int32(_SC_CLK_TCK)))
        // Both clocks are cut to seconds.
        return began <= status.st_mtim.tv_sec + 2
    }

    /// The name of a file that is nobody's once this process has ended.
    package static func temporaryName(for name: String) -> String {
        let ending = ".limiq-\(getpid())-\(String(UInt64.random(in: 0...UInt64.max), radix: 36)).tmp"
        // A name may be as long as the filesystem allows already (NAME_MAX, 255 bytes).
        let room = 254 - ending.utf8.count
        var stem = name
        while stem.utf8.count > room { stem.unicodeScalars.removeLast() }
        return "." + stem + ending
    }

    /// Gives a finished file of the same filesystem its name.
    ///
    /// - Throws: `Failure` with code `io` (`not_found` for a missing folder), or that of `existing`.
    package static func rename(_ temporary: String, to path: String, existing: Existing) throws(Failure) {
        let folder = folder(of: path)
        switch existing {
        case .replace:
            try requireReplaceable(path)
            guard Glibc.rename(temporary, path) == 0 else { throw cannotWrite(path, errno, folder: folder) }
        case .refuse(let code):
            if limiq_rename_noreplace(temporary, path) == 0 { return }
            if errno == EEXIST { throw taken(path, code) }
            guard errno == EINVAL || errno == ENOSYS || errno == EPERM else {
                throw cannotWrite(path, errno, folder: folder)
            }
            // Filesystems that cannot rename without replacing, NFS for one, can link.
            guard link(temporary, path) == 0 else {
                if errno == EEXIST { throw taken(path, code) }
                throw cannotWrite(path, errno, folder: folder)
            }
            unlink(temporary)
        }
    }

    /// Refuses to replace a device, a pipe or a socket: a file in its place would take it from all who use it.
    ///
    /// - Throws: `Failure` with code `io` where there is one.
    public static func requireReplaceable(_ path: String) throws(Failure) {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        switch info.st_mode & S_IFMT {
        case S_IFREG, S_IFLNK, S_IFDIR: return
        default:
            throw Failure(
                .io, "cannot write \(path): it is a device, a pipe or a socket",
                hint: "give the path of a file, new or old", resource: path)
        }
    }

    /// Looks whether a file can be written there, as far as can be told before it is.
    ///
    /// - Throws: `Failure` with code `not_found` where its folder is not there, else as `requireReplaceable`.
    public static func requirePlace(_ path: String) throws(Failure) {
        let (folder, _) = try split(path)
        guard access(folder, F_OK) == 0 else { throw cannotWrite(path, errno, folder: folder) }
        try requireReplaceable(path)
    }

    private static func taken(_ path: String, _ code: Failure.Code) -> Failure {
        Failure(code, "\(path) exists", hint: "remove it first, or choose another path", resource: path)
    }

    private static func cannotWrite(_ path: String, _ error: Int32, folder: String) -> Failure {
        if error == ENOENT || error == ENOTDIR {
            return Failure(
                .notFound, "cannot write \(path): there is no folder \(folder)",
                hint: "make the folder first",
                resource: path)
        }
        return Failure.system(error, "cannot write \(path)", resource: path)
    }

    /// The folder with its slash (`./` for a bare name) and the last component.
    private static func split(_ path: String) throws(Failure) -> (folder: String, name: String) {
        let name = lastComponent(path)
        guard !name.isEmpty, name != ".", name != ".." else {
            throw Failure(.badField, "\"\(path)\" is not the path of a file", resource: path)
        }
        guard name.utf8.count <= 255 else {
            throw Failure(.badField, "the name of \(path) is longer than 255 bytes", resource: path)
        }
        return (folder(of: path), name)
    }
}
