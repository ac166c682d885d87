import Glibc
import Libvirt

/// The place where a session's libvirt has the sockets of a guest, and how long a machine's name may be for them: the
/// path of a socket has at most 107 bytes (unix(7)).
struct SessionSockets {
    /// The folder below which the longest socket path is.
    let folder: String
    /// The variable that sets the folder.
    let variable: String
    /// The number of letters of a machine's name there is room for.
    let roomForName: Int

    /// - Parameter libvirtVersion: from 10.0 the agent's socket is beside the daemon's own, before it was below the
    ///   configuration.
    init(
        libvirtVersion: Int = Library.version,
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) {
        func set(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        let home = set("HOME") ?? ""
        let configuration = (set("XDG_CONFIG_HOME") ?? "\(home)/.config") + "/libvirt"
        let runtime = (set("XDG_RUNTIME_DIR") ?? set("XDG_CACHE_HOME") ?? "\(home)/.cache") + "/libvirt"
        let runtimeVariable = set("XDG_RUNTIME_DIR") == nil ? "XDG_CACHE_HOME" : "XDG_RUNTIME_DIR"
        let agent = "org.qemu.guest_agent.0"
        // The number of a domain has three digits after a while.
        var paths = [(configuration, "XDG_CONFIG_HOME", "/qemu/lib/domain-999-/monitor.sock")]
        paths.append(
            libvirtVersion < 10_000_000
                ? (configuration, "XDG_CONFIG_HOME", "/qemu/channel/target/domain-999-/\(agent)")
                : (runtime, runtimeVariable, "/qemu/run/channel/999-/\(agent)"))
        let rooms = paths.map { 107 - $0.0.utf8.count - $0.2.utf8.count }
        let least = rooms.indices.min { rooms[$0] < rooms[$1] } ?? 0
        (folder, variable, roomForName) = (paths[least].0, paths[least].1, rooms[least])
    }
}
