import Basics
import Glibc

/// libvirt's system daemon, started for the time of a test. Root only, and one at a time on a machine: its sockets
/// have fixed names, so tests that use it must be in a serialised suite.
public enum TestDaemon {
    public static let uri = "qemu:///system"

    /// Runs `body` while `virtlogd` and `libvirtd` run, then ends the ones it started, by their pid files.
    ///
    /// A daemon that answers already is used as it is, and left.
    public static func withSystemDaemon<Result>(_ body: () async throws -> Result) async throws -> Result {
        let folder = "/tmp/limiq-daemon-\(getpid())"
        guard mkdir(folder, 0o755) == 0 else {
            throw Failure(.io, "cannot make \(folder)", cause: String(cString: strerror(errno)))
        }
        let programs = ["/usr/sbin/virtlogd", "/usr/sbin/libvirtd"]
        func pidFile(_ program: String) -> String {
            "\(folder)/\(program.split(separator: "/").last ?? "").pid"
        }
        func stop() throws {
            for program in programs.reversed() {
                if let process = pid_t(fileText(pidFile(program)).filter(\.isNumber)) { endProcess(process) }
            }
            try removeFolder(folder)
        }
        do {
            if try await !answers() {
                let before = try await isKVMClosed() ? Self.asRoot(folder + "/qemu.conf") : []
                for program in programs {
                    // It returns when the daemon listens.
                    let words = before + [program, "-d", "-p", pidFile(program)]
                    try await check(words[0], Array(words.dropFirst()))
                }
            }
            let result = try await body()
            try stop()
            return result
        } catch {
            try? stop()
            throw error
        }
    }

    /// A `/dev/kvm` that QEMU's user may not open makes libvirt throw its probe of QEMU away, and make it again for each
    /// device it looks at: minutes for one machine. The daemon is then started so that it runs QEMU as root: in a mount
    /// namespace of its own, with another `qemu.conf`.
    private static func asRoot(_ configuration: String) -> [String] {
        let mount = """
            printf 'user = "root"\\ngroup = "root"\\n' >"$0" && mount --bind "$0" /etc/libvirt/qemu.conf && exec "$@"
            """
        return ["unshare", "--mount", "sh", "-c", mount, configuration]
    }

    private static func isKVMClosed() async throws -> Bool {
        guard access("/dev/kvm", F_OK) == 0 else { return false }
        return try await command("runuser", ["-u", "libvirt-qemu", "--", "test", "-w", "/dev/kvm"]).status
            != 0
    }

    private static func answers() async throws -> Bool {
        try await command("virsh", ["-c", uri, "uri"]).status == 0
    }

    private static func check(_ program: String, _ arguments: [String]) async throws {
        let result = try await command(program, arguments)
        guard result.status == 0 else { throw Failure(.program, "\(program) failed", cause: result.output) }
    }
}

/// An ordinary user of this machine, made for a test. Root only.
public struct TestUser: Sendable {
    public let name: String
    /// Its home, directly in `/tmp`.
    public let home: String

    /// Makes an account for the time of `body`; its processes are ended and its home removed.
    public static func with<Result>(_ body: (TestUser) async throws -> Result) async throws -> Result {
        let name = "limiq\(UInt16.random(in: 0...UInt16.max))"
        let user = TestUser(name: name, home: "/tmp/\(name)")
        let made = try await command(
            "useradd", ["--create-home", "--home-dir", user.home, "--shell", "/bin/sh", name])
        guard made.status == 0 else { throw Failure(.program, "useradd failed", cause: made.output) }
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(user)) } catch { result = .failure(error) }
        try await user.remove()
        return try result.get()
    }

    /// Runs a program as this user, in its home, with nothing of our environment but `PATH` and what is given.
    public func run(_ program: String, _ arguments: [String], environment: [String: String] = [:])
        async throws
        -> CommandResult
    {
        let variables = environment.map { "\($0)=\($1)" } + ["HOME=\(home)", "XDG_RUNTIME_DIR=\(home)/run"]
        try await ensureRuntimeFolder()
        let path = getenv("PATH").map { "PATH=" + String(cString: $0) } ?? "PATH=/usr/bin:/bin"
        return try await command(
            "setpriv",
            ["--reuid", name, "--regid", name, "--init-groups", "--", "env", "-i", "-C", home, path]
                + variables
                + [program] + arguments)
    }

    private func ensureRuntimeFolder() async throws {
        let result = try await command(
            "install", ["-d", "-m", "700", "-o", name, "-g", name, "\(home)/run"])
        guard result.status == 0 else { throw Failure(.program, "install failed", cause: result.output) }
    }

    private func remove() async throws {
        // The session daemon and the guests it left: nobody else has ever used this account.
        var account = stat()
        if stat(home, &account) == 0 { processes(ofUser: account.st_uid).forEach(endProcess) }
        let result = try await command("userdel", ["--force", "--remove", name])
        // 12: the mail folder is not there.
        guard result.status == 0 || result.status == 12 else {
            throw Failure(.program, "userdel failed", cause: result.output)
        }
        try removeFolder(home)
    }
}
