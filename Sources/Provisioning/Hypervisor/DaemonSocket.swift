import Glibc
import Libvirt

/// The sockets where libvirt's daemons listen on this machine.
public enum DaemonSocket {
    /// Of the system's daemon: the modular one first, as libvirt's own clients do.
    public static let system = inFolder("/run/libvirt")

    /// Of the caller's session.
    static var session: [String] {
        func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        if let folder = variable("XDG_RUNTIME_DIR"), !folder.isEmpty { return inFolder(folder + "/libvirt") }
        return inFolder((variable("HOME") ?? "") + "/.cache/libvirt")
    }

    private static func inFolder(_ folder: String) -> [String] {
        ["\(folder)/virtqemud-sock", "\(folder)/libvirt-sock"]
    }

    /// A URI to open instead where this process runs the embedded driver: libvirt then takes every plain `qemu:///…` for
    /// the embedded driver's, and reaches a daemon only by a socket it is told.
    ///
    /// - Throws: an error like libvirt's own where no daemon answers.
    static func reachable(_ location: HypervisorURI) throws(LibvirtError) -> String {
        let plain = location.driver == "qemu" && location.isLocal && !location.text.contains("socket=")
        guard plain, EmbeddedDriver.isHeld, ["/system", "/session"].contains(location.path) else {
            return location.text
        }
        let sockets = location.path == "/system" ? system : session
        guard let socket = sockets.first(where: answers) else {
            throw LibvirtError(
                code: .internalError, message: "Failed to connect socket: nobody answers at \(sockets[1])")
        }
        return "qemu+unix://\(location.path)?socket=\(HypervisorURI.encoded(socket))"
    }

    /// Somebody listens: a socket file that a dead daemon left behind refuses.
    static func answers(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { return false }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
