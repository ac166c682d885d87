import Basics
import Glibc
import HostFiles

/// Finds the hypervisors that can be asked here beside one, for a state folder.
package typealias Neighbours =
    @Sendable (_ hypervisor: any Hypervisor, _ state: StateFolder) -> [any Hypervisor]

/// The libvirt daemons of the caller's account on this host: those that listen, wherever their sockets are, and those
/// that are started on demand and have domains. A machine may have been moved to another than the one that is worked
/// on.
package enum LocalDaemons {
    private struct Listener {
        var path: String
        var process: pid_t
    }

    /// The daemons beside a hypervisor of this host; none beside any other.
    @Sendable package static func besides(_ hypervisor: any Hypervisor, _ state: StateFolder)
        -> [any Hypervisor]
    {
        let location = HypervisorURI(hypervisor.uri)
        guard hypervisor is LibvirtHypervisor, location.driver == "qemu", location.isLocal else { return [] }
        let own = sockets(of: location)
        let listeners = listeners(own)
        // Of the sockets that systemd listens on, each is known by its path only.
        let ownProcesses = Set(listeners.filter { own.contains($0.path) && $0.process > 1 }.map(\.process))
        let others = listeners.filter { !own.contains($0.path) && !ownProcesses.contains($0.process) }
        let path = geteuid() == 0 ? "/system" : "/session"
        return others.map { listener in
            LibvirtHypervisor(
                uri: "qemu+unix://\(path)?socket=\(HypervisorURI.encoded(listener.path))",
                patience: .seconds(5))
        } + onDemand(state, besides: own.union(listeners.map(\.path)))
    }

    /// The daemon that does not listen now and has domains, where there is one.
    private static func onDemand(_ state: StateFolder, besides known: Set<String>) -> [any Hypervisor] {
        let isRoot = geteuid() == 0
        let daemons = PrivateDaemons(state: state)
        let home = getenv("XDG_CONFIG_HOME").map { String(cString: $0) } ?? "\(home ?? "")/.config"
        let definitions = isRoot ? daemons.folder + "/etc/qemu" : home + "/libvirt/qemu"
        let sockets = isRoot ? [daemons.socket] : DaemonSocket.session
        guard known.isDisjoint(with: sockets),
            (try? namesInFolder(definitions))?.contains(where: { $0.hasSuffix(".xml") }) == true
        else { return [] }
        return [
            LibvirtHypervisor(
                uri: isRoot ? daemons.uri : "qemu:///session", daemons: isRoot ? daemons : nil,
                patience: .seconds(5))
        ]
    }

    private static var home: String? { getenv("HOME").map { String(cString: $0) } }

    /// The sockets where the daemon of a URI listens.
    private static func sockets(of location: HypervisorURI) -> Set<String> {
        if let socket = location.parameter("socket") { return [socket, (try? resolved(socket)) ?? socket] }
        switch location.path {
        case "/system": return Set(DaemonSocket.system)
        case "/session": return Set(DaemonSocket.session)
        default: return []
        }
    }

    /// - Parameter own: sockets that are wanted in any case.
    private static func listeners(_ own: Set<String>) -> [Listener] {
        let paths = listeningSockets()
        return paths.compactMap { path in
            // Beside a modular daemon's own socket the old one's leads to it too.
            if lastComponent(path) == DaemonSocket.names[1], !own.contains(path),
                paths.contains(folder(of: path) + DaemonSocket.names[0])
            {
                return nil
            }
            guard let peer = DaemonSocket.peer(path), peer.user == geteuid() else { return nil }
            return Listener(path: path, process: peer.process)
        }
    }

    /// The sockets in the kernel's table (proc_net(5), "unix") that libvirt's daemons for QEMU listen on.
    private static func listeningSockets() -> Set<String> {
        let lines = readWhole("/proc/net/unix")?.split(separator: "\n") ?? []
        let paths = lines.compactMap { line -> String? in
            // Number, references, protocol, flags, type, state, inode, path; the flag is __SO_ACCEPTCON.
            let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
            guard fields.count == 8, fields[3] == "00010000", fields[7].hasPrefix("/") else { return nil }
            return String(fields[7])
        }
        return Set(paths.filter { DaemonSocket.names.contains(lastComponent($0)) })
    }
}
