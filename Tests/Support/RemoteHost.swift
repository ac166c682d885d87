import Basics
import Glibc

/// Another machine, as far as libvirt can tell: an ordinary user of this one with an ssh server and a libvirt session of
/// their own. It is reached as any host is, its files are its own, and what only root may read here it cannot.
///
/// Root only. The server listens on 127.0.0.1, on a port of its own, with its own configuration and keys; no service of
/// the machine is touched.
public struct RemoteHost: Sendable {
    public let user: TestUser
    /// `qemu+ssh://USER@127.0.0.1:PORT/session`, with the program that has the key.
    public let uri: String
    /// Of its ssh server.
    public let port: UInt16
    private let keys: String

    /// The private key it lets in.
    public var key: String { keys + "/id" }
    /// Where limiq's own storage pool is.
    public var pool: String { user.home + "/.local/share/limiquantix/pool" }
    /// The files of that pool.
    public var volumes: [String] { folderNames(pool).sorted() }

    /// Runs `body` while the hosts are up, then ends all they run and removes them.
    public static func with<Result>(
        _ count: Int, _ body: ([RemoteHost]) async throws -> Result
    ) async throws -> Result {
        try await ScratchFolder.with { keys in
            try await check("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(keys)/id"])
            return try await more(count, [], keys, body)
        }
    }

    private static func more<Result>(
        _ count: Int, _ hosts: [RemoteHost], _ keys: String, _ body: ([RemoteHost]) async throws -> Result
    ) async throws -> Result {
        guard hosts.count < count else { return try await body(hosts) }
        return try await TestUser.with { user in
            let host = try await RemoteHost(user, keys)
            return try await more(count, hosts + [host], keys, body)
        }
    }

    private init(_ user: TestUser, _ keys: String) async throws {
        self.user = user
        self.keys = keys
        port = freePort()
        let ssh = "\(keys)/ssh"
        try Self.write(
            """
            #!/bin/sh
            exec ssh -F none -i \(keys)/id -o BatchMode=yes -o LogLevel=ERROR \\
                -o UserKnownHostsFile=\(keys)/known_hosts -o StrictHostKeyChecking=accept-new "$@"

            """, ssh, mode: 0o700)
        uri = "qemu+ssh://\(user.name)@127.0.0.1:\(port)/session?command=\(ssh)"
        let folder = user.home + "/sshd"
        for name in [folder, user.home + "/run"] { try await makeFolder(name) }
        try await Self.check(
            "install",
            ["-m", "644", "-o", user.name, "-g", user.name, "\(keys)/id.pub", "\(folder)/authorized_keys"])
        _ = try await user.run(
            "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/host_key"])
        try Self.write(
            """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder)/host_key
            PidFile \(folder)/pid
            AuthorizedKeysFile \(folder)/authorized_keys
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            StrictModes no
            UsePAM no
            MaxStartups 100
            SetEnv XDG_RUNTIME_DIR=\(user.home)/run

            """, "\(folder)/config", mode: 0o644)
        try await start()
    }

    /// Lets it answer, at first and again after `stop`.
    public func start() async throws {
        let folder = user.home + "/sshd"
        unlink("\(folder)/pid")
        let result = try await user.run("/usr/sbin/sshd", ["-f", "\(folder)/config", "-E", "\(folder)/log"])
        guard result.status == 0 else {
            throw Failure(.program, "sshd failed", cause: result.errors + fileText("\(folder)/log"))
        }
        // Written when it listens.
        let deadline = ContinuousClock.now + .seconds(20)
        while fileText("\(folder)/pid").isEmpty {
            guard ContinuousClock.now < deadline else {
                throw Failure(.timeout, "sshd does not listen", cause: fileText("\(folder)/log"))
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Ends all it runs at once, as a power cut does: the server, libvirt, the guests. Its files stay.
    public func stop() {
        var account = stat()
        guard stat(user.home, &account) == 0 else { return }
        // What is ended may have started something a moment before.
        for _ in 0..<3 {
            for process in Support.processes(ofUser: account.st_uid) { kill(process, SIGKILL) }
            usleep(50_000)
        }
    }

    /// The processes of the host whose command line has a word.
    public func processes(with word: String) -> [pid_t] {
        var account = stat()
        guard stat(user.home, &account) == 0 else { return [] }
        return Support.processes(ofUser: account.st_uid).filter {
            fileText("/proc/\($0)/cmdline").contains(word)
        }
    }

    /// Makes a folder that is the user's own.
    func makeFolder(_ path: String) async throws {
        try await Self.check("install", ["-d", "-m", "700", "-o", user.name, "-g", user.name, path])
    }

    static func check(_ program: String, _ arguments: [String]) async throws {
        let result = try await command(program, arguments)
        guard result.status == 0 else { throw Failure(.program, "\(program) failed", cause: result.errors) }
    }

    static func write(_ text: String, _ path: String, mode: mode_t) throws {
        guard let file = fopen(path, "we") else {
            throw Failure(.io, "cannot write \(path)", cause: String(cString: strerror(errno)))
        }
        fputs(text, file)
        fclose(file)
        chmod(path, mode)
    }
}
