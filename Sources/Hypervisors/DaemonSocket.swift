import Glibc

/// The sockets where libvirt's daemons listen on this host.
public enum DaemonSocket {
    /// The sockets of the system's daemon: the modular one first, as libvirt's own clients do.
    public static let system = inFolder("/run/libvirt")

    /// The sockets of the caller's session.
    static var session: [String] {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        if let folder = variable("XDG_RUNTIME_DIR"), !folder.isEmpty { return inFolder(folder + "/libvirt") }
        return inFolder((variable("HOME") ?? "") + "/.cache/libvirt")
    }

    /// The names of the modular daemon's socket and of the old one's.
    static let names = ["virtqemud-sock", "libvirt-sock"]

    private static func inFolder(_ folder: String) -> [String] { names.map { "\(folder)/\($0)" } }

    /// Whether somebody listens: a socket file that a dead daemon left behind refuses.
    static func answers(_ path: String) -> Bool {
        guard let descriptor = connected(path) else { return false }
        close(descriptor)
        return true
    }

    /// The listener: its account, and its process where that began to listen itself; `nil` where nobody does.
    static func peer(_ path: String) -> (user: uid_t, process: pid_t)? {
        guard let descriptor = connected(path) else { return nil }
        defer { close(descriptor) }
        // struct ucred (unix(7)), which Glibc's module leaves out: the process, its user and its group.
        var credentials: (pid_t, uid_t, gid_t) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return (credentials.1, credentials.0)
    }

    private static func connected(_ path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        let isConnected =
            fits
            && withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
        if isConnected { return descriptor }
        close(descriptor)
        return nil
    }
}
