import Basics
import Glibc
import Libvirt
import Synchronization

/// libvirt's QEMU driver inside this process (<https://libvirt.org/drvqemu.html#driver-instance>): no daemon, all its
/// state under one root folder.
///
/// One process at a time holds a root, and a process can hold one root only, until it ends: libvirt keeps the driver
/// when its last connection closes. Guests outlive the process; the next one to open the root takes them over.
enum EmbeddedDriver {
    /// The root this process holds. Its connection is kept, so that the driver is never without one.
    private static let held = Mutex<(root: String, connection: Connection)?>(nil)

    /// Starts the driver, once a process, and waits until it has taken over the guests that run.
    ///
    /// - Throws: `Failure` with code `host_not_able` that says who holds the root.
    static func hold(_ root: String) throws(Failure) {
        try held.withLock { held throws(Failure) in
            if let held {
                // Not further down: closing a file of our own would give up libvirt's lock on it.
                if held.root == root { return }
                throw Failure(
                    .hostNotAble, "libvirt's embedded driver already runs in \(held.root), not in \(root)",
                    hint: "use one embed root in a run")
            }
            try refuseWhereHeld(root)
            try prepare(root)
            try forgetHalfStarts(in: root)
            removeEmptyGroups(of: root)
            do throws(LibvirtError) {
                let connection = try Connection(uri: HypervisorURI.embed(root: root))
                held = (root, connection)
                settle(connection)
            } catch {
                // Another process may have come first in between.
                try refuseWhereHeld(root)
                throw LibvirtFailure.make("cannot start libvirt's embedded driver in \(root)", error)
            }
        }
    }

    static var isHeld: Bool { held.withLock { $0 != nil } }

    /// libvirt holds a POSIX lock on its `driver.pid`; the kernel knows by whom, `virsh` and others included.
    static func refuseWhereHeld(_ root: String) throws(Failure) {
        let descriptor = Glibc.open("\(root)/run/qemu/driver.pid", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return }
        throw Failure(
            .hostNotAble, "\(root) is in use by process \(lock.l_pid) (\(commandLine(of: lock.l_pid)))",
            hint:
                "wait until it ends; where several runs at once are needed, start libvirtd and use --connect qemu:///system",
            resource: root)
    }

    private static func commandLine(of process: pid_t) -> String {
        guard let bytes = readBytes("/proc/\(process)/cmdline") else {
            return "its command is not known"
        }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.isEmpty ? "its command is not known" : words.joined(separator: " ")
    }

    /// The first line of a `qemu.conf` that limiq may write over.
    private static let signature = "# Written by limiq; without this line it stays as it is."

    static func prepare(_ root: String) throws(Failure) {
        try makeFolders(root + "/etc")
        let path = root + "/etc/qemu.conf"
        let present = readWhole(path)
        let wanted = configuration(asRoot: geteuid() == 0)
        if let present, present == wanted || !present.hasPrefix(signature) { return }
        try writeBytes(wanted.utf8, to: path, mode: 0o644)
    }

    private static func configuration(asRoot: Bool) -> String {
        var lines = [
            signature,
            "# There is no virtlogd here: QEMU writes the log of a serial console by itself.",
            "stdio_handler = \"file\"",
        ]
        if asRoot {
            lines += [
                "# With another user libvirt finds /dev/kvm closed to QEMU, throws its probe of QEMU away and makes",
                "# it again at every call, at four seconds each.",
                "user = \"root\"",
                "group = \"root\"",
                "# Root may read every file: none has to change its owner.",
                "dynamic_ownership = 0",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Returns when no guest is being taken over any more: until then calls about it wait in libvirt or fail. libvirt gives
    /// no event for it; its take-over holds the guest's job, and takes milliseconds where QEMU answers.
    private static func settle(_ connection: Connection) {
        let deadline = ContinuousClock.now + .seconds(10)
        let active = (try? connection.domains().filter { DomainState($0.state).isActive }) ?? []
        for domain in active {
            while ContinuousClock.now < deadline {
                let busy = try? connection.withDomain(domain.name) { domain throws(LibvirtError) in
                    try domain.isBusy()
                }
                guard busy == true else { break }
                usleep(1000)
            }
        }
    }
}
