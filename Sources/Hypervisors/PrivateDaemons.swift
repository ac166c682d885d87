import Basics
import Digests
import Glibc
import HostFiles

/// libvirt's own daemons, `libvirtd` and `virtlogd`, started on demand for root and private to a state folder.
///
/// They run in a mount namespace in which libvirt's fixed folders are folders of limiq's, so that no daemon of the system
/// is touched, and any number of state folders have theirs side by side. `libvirtd` ends by itself when neither a guest
/// runs nor a client is connected (`--timeout` of libvirtd(8)), and `virtlogd` when it writes no log. Where a mount namespace
/// cannot be made they run on the system's own folders, behind the same socket.
public struct PrivateDaemons: Sendable {
    private let state: StateFolder
    /// The folder of libvirt's definitions, state, cache and logs: they last as long as the state folder.
    public let folder: String
    /// The folder of the sockets and of what libvirt keeps of guests that run: gone with the host's boot. It is short,
    /// as the path of a socket must fit in 107 bytes.
    public let runtime: String

    /// - Parameter state: the same folder by another name, a link for one, has the same daemons.
    public init(state: StateFolder) {
        self.state = state
        folder = state.root + "/libvirt"
        let digest = hexadecimal(SHA256.hash(data: Array((canonicalPath(state.root) ?? state.root).utf8)))
        runtime = "/run/limiquantix/\(digest.prefix(12))"
    }

    var socket: String { runtime + "/libvirt-sock" }

    /// The URI, which libvirt's own clients take too: `virsh -c URI`.
    public var uri: String { "qemu+unix:///system?socket=\(socket)" }

    /// The account that QEMU runs under.
    ///
    /// - Throws: `Failure` with code `host_not_able` where this host has none.
    package static func emulatorUser() throws(Failure) -> EmulatorUser {
        // Debian's and Arch's, Fedora's and SUSE's.
        for name in ["libvirt-qemu", "qemu"] {
            guard let account = Accounts.user(name) else { continue }
            return EmulatorUser(name: name, uid: account.uid, gid: Accounts.group(name) ?? account.gid)
        }
        throw Failure(
            .hostNotAble, "there is no account libvirt-qemu for QEMU to run under",
            hint: "the package of libvirt's system daemon makes it: apt install libvirt-daemon-system")
    }

    /// The account root's libvirt runs QEMU as, which must be able to read what is made for no machine yet, an image or
    /// a CD-ROM's. `nil` for other accounts, whose QEMU is their own.
    public static var reader: EmulatorUser? { geteuid() == 0 ? try? emulatorUser() : nil }

    /// The account QEMU runs as behind this socket.
    package func emulatorUser() throws(Failure) -> EmulatorUser {
        if !Self.canMount, let known = QemuConfiguration(path: "/etc/libvirt/qemu.conf")?.emulatorUser {
            return known
        }
        return try Self.emulatorUser()
    }

    // MARK: starting

    /// The work that is to be done when nothing of libvirt's runs here and something is about to.
    package var beforeLaunch: @Sendable () throws(Failure) -> Void = {}

    /// The seconds `libvirtd` stays without a guest and a client; other in tests.
    var idleSeconds = 15
    /// The seconds `virtlogd` is left in peace after its start; other in tests. Then it stays as long as `libvirtd` or
    /// a guest does: its own `--timeout` does not count the guests that log through it.
    var logSeconds = 60

    /// Starts the daemons where none answers, and returns when `libvirtd` listens. Several processes may ask at once.
    ///
    /// - Throws: `Failure` with code `host_not_able`, its cause the words of the program that failed.
    public func start() throws(Failure) {
        if DaemonSocket.answers(socket) { return }
        try makeFolders(runtime, mode: 0o700)
        try FileLock.hold(runtime + "/start.lock", for: "libvirt's daemons", Cancellation()) {
            () throws(Failure) in
            if DaemonSocket.answers(socket) { return }
            awaitEnd()
            try prepare()
            try beforeLaunch()
            try launch(["virtlogd", "libvirtd"])
        }
    }

    /// Starts `virtlogd` again, beside a `libvirtd` that runs.
    func startLog() throws(Failure) {
        try FileLock.hold(runtime + "/start.lock", for: "libvirt's daemons", Cancellation()) {
            () throws(Failure) in
            if DaemonSocket.answers(runtime + "/run/virtlogd-sock") { return }
            try launch(["virtlogd"])
        }
    }

    /// Waits for the end of a daemon whose idle time is over and that may be on its way out: it listens no more and
    /// still has its state.
    private func awaitEnd() {
        let deadline = ContinuousClock.now + .seconds(10)
        while Self.lockHolder(runtime + "/libvirtd.pid") != nil, ContinuousClock.now < deadline {
            usleep(20_000)
        }
    }

    /// The process that holds the POSIX lock of a pid file, as libvirt's daemons do while they live.
    static func lockHolder(_ path: String) -> pid_t? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        guard fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return nil }
        return lock.l_pid
    }

    private func launch(_ names: [String]) throws(Failure) {
        let user = try emulatorUser()
        var program = HostProgram(
            Self.canMount
                ? ["unshare", "--mount", "sh", "-ec", Self.inNamespace + Self.daemons]
                : ["sh", "-ec", Self.daemons])
        let hidesKVM = fileExists("/dev/kvm") && !AccessCheck(user).allows("/dev/kvm", 6)
        program.command +=
            [
                "limiq", runtime, folder, hidesKVM ? "kvm" : "", "\(idleSeconds)", "\(logSeconds)",
            ] + names
        program.folder = "/"
        program.timeout = .seconds(60)
        let result = try program.run(Cancellation())
        guard result.code == 0 else {
            let words = String(decoding: result.errors, as: UTF8.self)
            throw Failure(
                .hostNotAble, "libvirt's daemons cannot be started",
                hint: words.contains("not found")
                    ? "install libvirt: apt install libvirt-daemon-system"
                    : "\(folder)/log/libvirtd.log says more; limiq doctor says what is missing",
                resource: folder,
                cause: words.split(separator: "\n").suffix(3).joined(separator: "; "))
        }
    }

    /// Whether this process may mount. It may have all of root's rights but that one, in a container for one. The
    /// kernel says it (capabilities(7): CAP_SYS_ADMIN is the 22nd).
    static let canMount: Bool = {
        let status = readWhole("/proc/self/status")?.split(separator: "\n") ?? []
        let effective = status.first { $0.hasPrefix("CapEff:") }?.split(separator: "\t").last
        return effective.flatMap { UInt64($0, radix: 16) }.map { $0 >> 21 & 1 == 1 } ?? false
    }()

    /// The script that puts limiq's folders in the place of libvirt's, for what follows. With a `/dev/kvm` that QEMU's
    /// account may not open libvirt throws its probe of QEMU away at every call, at seconds each, as long as the device
    /// is to be seen: `/dev` is then one of all the others.
    ///
    /// $1 is the runtime folder, $2 the lasting one, $3 the device to hide.
    private static let inNamespace = """
        mount --make-rprivate /
        place() {
            mkdir -p "$2"
            mount --bind "$1" "$2"
        }
        place "$2/etc" /etc/libvirt
        place "$2/lib" /var/lib/libvirt
        place "$2/cache" /var/cache/libvirt
        place "$2/log" /var/log/libvirt
        place "$2/log/swtpm" /var/log/swtpm
        place "$1/run" /run/libvirt
        if [ -n "$3" ]; then
            mkdir -p "$1/dev"
            mount -t tmpfs -o mode=755 dev "$1/dev"
            # Nodes as nodes: libvirt takes what is mounted below /dev over into the /dev that it makes for each guest.
            for entry in /dev/*; do
                name=${entry##*/}
                if [ "$name" = "$3" ]; then continue
                elif mountpoint -q "$entry"; then
                    mkdir "$1/dev/$name"
                    mount --rbind "$entry" "$1/dev/$name"
                    # One may lie upon another; and one of this path in a /dev below this one is seen and cannot be unmounted.
                    while mountpoint -q "$entry" && umount -l "$entry" 2>/dev/null; do :; done
                else cp -a "$entry" "$1/dev/$name"
                fi
            done
            mount --move "$1/dev" /dev
        fi

        """

    /// The script that starts the daemons, with nothing of the caller's environment: a wish of theirs for a log of
    /// libvirt's is meant for their own process.
    ///
    /// $4 is the idle time of libvirtd, $5 the first of virtlogd; after them the names of the daemons, in their order.
    private static let daemons = """
        PATH=$PATH:/usr/sbin:/sbin
        runtime=$1 idle=$4 peace=$5
        shift 5
        for name; do
            command -v "$name" >/dev/null || { echo "$name: not found" >&2; exit 127; }
            case $name in
            virtlogd)
                # One may be there: of a libvirtd that was killed, or the system's.
                if env -i "PATH=$PATH" virtlogd -d -p "$runtime/virtlogd.pid"; then
                    env -i "PATH=$PATH" setsid sh -c '
                        sleep "$2"
                        while sleep 2; do
                            for file in "$1/libvirtd.pid" /run/libvirt/qemu/*.pid; do
                                kill -0 "$(cat "$file")" && continue 2
                            done
                            kill "$(cat "$1/virtlogd.pid")"
                            exit
                        done' virtlogd-end "$runtime" "$peace" </dev/null >/dev/null 2>&1 &
                else
                    [ -S /run/libvirt/virtlogd-sock ]
                fi
                ;;
            libvirtd)
                env -i "PATH=$PATH" libvirtd -d -t "$idle" -f "$runtime/libvirtd.conf" -p "$runtime/libvirtd.pid"
                ;;
            esac
        done
        """
}
