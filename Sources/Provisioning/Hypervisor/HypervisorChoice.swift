import Basics
import Glibc

/// Which hypervisor a run uses, and why: no libvirt call is made to find out.
public struct HypervisorChoice: Sendable, Equatable {
    public let uri: String
    /// A sentence for `limiq doctor`, without a full stop.
    public let reason: String

    /// Where the system daemon listens: the modular one first, as libvirt's own clients do.
    public static let systemSockets = ["/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock"]

    /// - Parameters:
    ///   - explicit: `--connect`.
    ///   - state: where the embedded driver's root is.
    public init(
        explicit: String?, state: StateFolder,
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } },
        uid: UInt32 = geteuid(), systemSockets: [String] = HypervisorChoice.systemSockets
    ) {
        func set(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let explicit, !explicit.isEmpty {
            (uri, reason) = (explicit, "asked for with --connect")
        } else if let given = set("LIMIQ_URI") {
            (uri, reason) = (given, "LIMIQ_URI says so")
        } else if let given = set("LIBVIRT_DEFAULT_URI") {
            (uri, reason) = (given, "LIBVIRT_DEFAULT_URI says so")
        } else if uid != 0 {
            (uri, reason) = ("qemu:///session", "an ordinary user has a libvirt session of their own")
        } else if let socket = systemSockets.first(where: Self.answers) {
            (uri, reason) = ("qemu:///system", "a libvirt daemon answers at \(socket)")
        } else {
            (uri, reason) = (
                HypervisorURI.embed(root: state.embed),
                "no libvirt daemon runs here, so limiq runs libvirt's QEMU driver inside itself"
            )
        }
    }

    /// Somebody listens: a socket file that a dead daemon left behind refuses.
    private static func answers(_ path: String) -> Bool {
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
