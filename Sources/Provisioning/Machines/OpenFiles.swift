import Basics
import DiskImages
import Glibc
import HostFiles

/// The search for those who have files of this host open. The kernel says whether anybody has; `/proc` says who, of
/// every process to root and of their own to others; and QEMU's locks say so of anybody's guest.
enum OpenFiles {
    struct Holder: Sendable, Equatable {
        var path: String
        /// The name of who has it open: `process 4711 (qemu-system-x86)`, `/dev/loop0`.
        var who: String
    }

    /// - Parameter guest: the UUID of a domain whose own QEMU does not count.
    /// - Returns: one that has one of the files open; `nil` where nobody has.
    static func holder(of paths: [String], besides guest: String? = nil) -> Holder? {
        var wanted: [FileIdentity: String] = [:]
        for path in paths where !isClosed(path) {
            var status = stat()
            if lstat(path, &status) == 0 { wanted[FileIdentity(status)] = path }
        }
        guard !wanted.isEmpty else { return nil }
        let names = Set(paths.map(lastComponent))
        if let holder = process(wanted, names, guest) ?? loopDevice(wanted, names) { return holder }
        guard guest == nil else { return nil }
        for path in wanted.values.sorted() {
            if let file = try? ReadableFile(path), DiskLock.isUsed(file) {
                return Holder(path: path, who: "a running guest or program")
            }
        }
        return nil
    }

    /// Whether nobody has the file open. The kernel gives a write lease (fcntl(2), "Leases") on no other; one who may
    /// not have it, or has a filesystem without leases, does not know.
    private static func isClosed(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        // Whoever opens the file meanwhile waits, and the kernel tells us by a signal: one that is passed over, and not SIGIO,
        // which would end this process. F_SETSIG and F_SETLEASE are what Glibc's module leaves out.
        guard fcntl(file, 10, SIGURG) == 0, fcntl(file, 1024, Int32(F_WRLCK)) == 0 else { return false }
        _ = fcntl(file, 1024, Int32(F_UNLCK))
        return true
    }

    private static func process(
        _ wanted: [FileIdentity: String], _ names: Set<String>, _ guest: String?
    ) -> Holder? {
        for process in (try? namesInFolder("/proc")) ?? [] {
            guard let number = pid_t(process), number != getpid(),
                let path = opened(by: process, wanted, names), !isGuest(process, guest)
            else { continue }
            let program = readWhole("/proc/\(process)/comm")?.trimmed() ?? "?"
            return Holder(path: path, who: "process \(process) (\(program))")
        }
        return nil
    }

    private static func opened(
        by process: String, _ wanted: [FileIdentity: String], _ names: Set<String>
    ) -> String? {
        for number in (try? namesInFolder("/proc/\(process)/fd")) ?? [] {
            // To ask a server that is gone what it has of a file takes for ever: only of what may be it.
            let descriptor = "/proc/\(process)/fd/\(number)"
            guard let target = linkTarget(descriptor), target.hasPrefix("/"), !target.hasPrefix("/dev/"),
                names.contains(lastComponent(target))
                    || inode("/proc/\(process)/fdinfo/\(number)").map(isWanted) == true
            else { continue }
            if let path = FileIdentity(of: descriptor).flatMap({ wanted[$0] }) { return path }
        }
        func isWanted(_ inode: ino_t) -> Bool { wanted.keys.contains { $0.inode == inode } }
        return nil
    }

    /// The inode of an open file, as proc(5) tells it since Linux 5.14; `nil` before.
    private static func inode(_ path: String) -> ino_t? {
        let line = readWhole(path)?.split(separator: "\n").first { $0.hasPrefix("ino:") }
        return line.flatMap { ino_t($0.dropFirst(4).trimmed()) }
    }

    /// Whether a process is the guest of a domain: libvirt starts QEMU with `-uuid` and the domain's UUID.
    private static func isGuest(_ process: String, _ uuid: String?) -> Bool {
        guard let uuid, let bytes = readBytes("/proc/\(process)/cmdline") else { return false }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return zip(words, words.dropFirst()).contains { $0 == "-uuid" && $1 == uuid }
    }

    /// The loop device that has one of the files: the kernel itself has the file of a loop device open.
    private static func loopDevice(_ wanted: [FileIdentity: String], _ names: Set<String>) -> Holder? {
        for device in (try? namesInFolder("/sys/block")) ?? [] where device.hasPrefix("loop") {
            guard let file = readWhole("/sys/block/\(device)/loop/backing_file")?.trimmed(),
                names.contains(lastComponent(file))
            else { continue }
            if let path = FileIdentity(of: file).flatMap({ wanted[$0] }) {
                return Holder(path: path, who: "/dev/\(device)")
            }
        }
        return nil
    }

    private static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
