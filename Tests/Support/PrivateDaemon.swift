import Basics
import Foundation

/// A libvirt daemon of a test's own, which it may kill, stop and start again: its sockets, domains and state are in a
/// folder of its own, and nobody else's daemon is touched. Root only.
///
/// It runs in a mount namespace in which libvirt's fixed folders are those of the test. QEMU runs as root, as an account
/// that may not open `/dev/kvm` would make libvirt probe QEMU at each call.
public final class PrivateDaemon: Sendable {
    private let folder: String

    public var uri: String { "qemu+unix:///system?socket=\(folder)/sockets/libvirt-sock" }
    /// A file of it, as in `lib/dnsmasq/br0.status` for what is in `/var/lib/libvirt`.
    public func path(_ name: String) -> String { "\(folder)/\(name)" }
    private var pidFile: String { folder + "/libvirtd.pid" }

    private init() throws {
        folder = "/tmp/limiq-own-\(UInt32.random(in: 0...UInt32.max))"
        for name in ["", "/sockets", "/etc", "/lib", "/run", "/log"] {
            try FileManager.default.createDirectory(
                atPath: folder + name, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o755])
        }
        func write(_ name: String, _ text: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
        try write("libvirtd.conf", "unix_sock_dir = \"\(folder)/sockets\"\nauth_unix_rw = \"none\"\n")
        try write(
            "etc/qemu.conf",
            """
            user = "root"
            group = "root"
            dynamic_ownership = 0
            stdio_handler = "file"
            namespaces = []
            """)
    }

    /// Runs `body` with the daemon, and ends it and every guest it has started, thrown or not.
    public static func with<Result>(_ body: (PrivateDaemon) async throws -> Result) async throws -> Result {
        let daemon = try PrivateDaemon()
        let result: Swift.Result<Result, any Error>
        do {
            try await daemon.start()
            result = .success(try await body(daemon))
        } catch { result = .failure(error) }
        daemon.signal(SIGCONT)
        if let process = daemon.process { endProcess(process) }
        for process in daemon.guests { endProcess(process) }
        try removeFolder(daemon.folder)
        return try result.get()
    }

    /// Returns when it listens.
    public func start() async throws {
        let mounts = """
            set -e
            mount --make-rprivate /
            mount --bind "$0/etc" /etc/libvirt
            mount --bind "$0/lib" /var/lib/libvirt
            mount --bind "$0/log" /var/log/libvirt
            mkdir -p /run/libvirt
            mount --bind "$0/run" /run/libvirt
            exec /usr/sbin/libvirtd -d -f "$0/libvirtd.conf" -p "$0/libvirtd.pid"
            """
        // Not by Foundation, which waits for the daemon too: it inherits the socket that tells of an end.
        let result = try await command("unshare", ["--mount", "sh", "-c", mounts, folder])
        guard result.status == 0 else { throw Failure(.program, "libvirtd fails", cause: result.errors) }
    }

    /// Ends it as a power failure would, and waits until it is gone. Its guests run on.
    public func kill() {
        guard let process else { return }
        Foundation.kill(process, SIGKILL)
        while isRunning(process) { usleep(1000) }
        unlink(pidFile)
    }

    /// SIGSTOP makes it hang, SIGCONT go on.
    public func signal(_ number: Int32) {
        if let process { Foundation.kill(process, number) }
    }

    public func virsh(_ words: String...) async throws -> CommandResult {
        try await command("virsh", ["-q", "-c", uri] + words)
    }

    private var process: pid_t? {
        pid_t(fileText(pidFile).filter(\.isNumber)).flatMap { isRunning($0) ? $0 : nil }
    }

    /// The QEMU processes of its domains, which are known by libvirt's folder of theirs in their mount namespace.
    public var guests: [pid_t] { processes(ofGuestsIn: folder + "/run") }
}
