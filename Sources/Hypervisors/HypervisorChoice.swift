import Basics
import Glibc
import HostFiles

/// The choice of the hypervisor a run uses, and why: no libvirt call is made to find out.
public struct HypervisorChoice: Sendable, Equatable {
    public let uri: String
    /// A sentence for `limiq doctor`, without a full stop.
    public let reason: String

    /// - Parameters:
    ///   - explicit: `--connect`.
    ///   - state: whose private daemons root has where the system has none.
    public init(
        explicit: String?, state: StateFolder,
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } },
        uid: UInt32 = geteuid(), systemSockets: [String] = DaemonSocket.system
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
        } else if let socket = systemSockets.first(where: DaemonSocket.answers) {
            (uri, reason) = ("qemu:///system", "a libvirt daemon answers at \(socket)")
        } else {
            (uri, reason) = (
                PrivateDaemons(state: state).uri,
                "no libvirt daemon runs here, so limiq starts libvirt's own, private to \(state.root)"
            )
        }
    }
}
