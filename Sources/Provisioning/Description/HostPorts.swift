import Basics
import Digests
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Synchronization

/// The ports of this host that a machine opens: those of its forwards, and those of its screens.
enum HostPorts {
    /// Looks whether the ports of a machine are free, and may be opened by QEMU's account, before anything is made. Of
    /// another host only that one knows.
    ///
    /// - Parameters:
    ///   - held: the forwards that the machine itself has, and gives up before.
    ///   - screens: the ports of its screens; none where the guest has them open.
    /// - Throws: `Failure` with code `port_in_use`, or `host_not_able` for a port that is root's, or for an address that is
    ///   none of this host's.
    static func checkFree(
        _ nics: [NICSpec], screens: ConsoleSpec? = nil, on host: HostDescription,
        besides held: [PortForward] = []
    ) throws(Failure) {
        guard host.isLocal else { return }
        for forward in nics.flatMap(\.forward) where forward.host != PortForward.chosen {
            guard forward.host >= firstUnprivileged || host.emulatorUser.uid == 0 else {
                throw Failure(
                    .hostNotAble,
                    "port \(forward.host) of this host is root's to open, and QEMU runs as \(host.emulatorUser.name)",
                    hint: "choose a host port from \(firstUnprivileged) on")
            }
            switch probe(forward) {
            case .free: break
            case .taken where held.contains(where: forward.isSamePort): break
            case .taken:
                throw Failure(
                    .portInUse,
                    "port \(forward.host) of this host is in use, it cannot be forwarded to port \(forward.guest) of the guest",
                    hint: "choose another host port, or stop what uses it (\(whoUses(forward)) names it)")
            case .elsewhere:
                throw Failure(
                    .hostNotAble, "\(forward.hostAddress) is no address of this host",
                    hint: "ip -4 -brief address shows those it has")
            }
        }
        for (name, port) in screens?.fixedPorts ?? [] {
            let screen = PortForward(host: port, guest: port)
            guard probe(screen) == .taken else { continue }
            throw Failure(
                .portInUse, "port \(port) of this host is in use, console.\(name)_port cannot be it",
                hint:
                    "leave it out to have a free one picked, or stop what uses it (\(whoUses(screen)) names it)"
            )
        }
    }

    /// `ip_unprivileged_port_start` of ip(7).
    private static var firstUnprivileged: UInt16 {
        readWhole("/proc/sys/net/ipv4/ip_unprivileged_port_start").flatMap { UInt16($0.trimmed()) } ?? 1024
    }

    private static func whoUses(_ forward: PortForward) -> String {
        "ss -l\(forward.proto == .tcp ? "t" : "u")np 'sport = :\(forward.host)'"
    }

    private enum Standing { case free, taken, elsewhere }

    private static func probe(_ forward: PortForward) -> Standing {
        let descriptor = socket(AF_INET, Int32(forward.socketType.rawValue), 0)
        guard descriptor >= 0 else { return .free }
        defer { close(descriptor) }
        // As QEMU does: a port that is only waiting out its last connection is free.
        if forward.proto == .tcp { allowReuse(descriptor) }
        guard forward.bind(descriptor) != 0 else { return .free }
        return errno == EADDRINUSE ? .taken : errno == EADDRNOTAVAIL ? .elsewhere : .free
    }

    fileprivate static func allowReuse(_ descriptor: Int32) {
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// The ports that are chosen for a machine while it is brought up. They are held by sockets, so that whoever else
/// chooses at that time, in this process or in another, of this account or of another, sees them taken.
final class ChosenPorts {
    private var sockets: [Int32] = []

    deinit { for socket in sockets { close(socket) } }

    /// Holds a port of this host.
    ///
    /// - Returns: whether it was free.
    fileprivate func hold(_ forward: PortForward) -> Bool {
        let descriptor = socket(AF_INET, Int32(forward.socketType.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        guard forward.bind(descriptor) == 0 else {
            let isTaken = errno == EADDRINUSE
            close(descriptor)
            return !isTaken
        }
        guard forward.proto == .tcp else {
            // A datagram socket has a port for itself: QEMU could not open it.
            close(descriptor)
            return true
        }
        // Linux lets two sockets have a port that both may reuse, as long as one of them only listens. This one asked for the port
        // before it may, and QEMU does as it opens it.
        HostPorts.allowReuse(descriptor)
        sockets.append(descriptor)
        return true
    }

    /// Chooses a port for a forward: always the same for the same machine, where that is free.
    ///
    /// - Parameters:
    ///   - owner: the machine, as no other of this account is named.
    ///   - nic: the nic's id.
    ///   - isLocal: whether it is a port of this host, which can be tried.
    ///   - taken: the ports that others have.
    func choose(
        _ forward: PortForward, of owner: String, nic: String, isLocal: Bool,
        besides taken: (PortForward) -> Bool
    ) throws(Failure) -> PortForward {
        let text = "\(owner)\0\(nic)\0\(forward.guest)\0\(forward.proto)\0\(forward.hostAddress)"
        let start = SHA256.hash(data: Array(text.utf8)).prefix(4).reduce(0) { $0 << 8 | Int($1) }
        for step in 0..<Self.range.count {
            var candidate = forward
            candidate.host = UInt16(Self.range.lowerBound + (start + step) % Self.range.count)
            if taken(candidate) || isLocal && !hold(candidate) { continue }
            return candidate
        }
        throw Failure(
            .portInUse,
            "no port of the host from \(Self.range.lowerBound) to \(Self.range.upperBound - 1) is free for port \(forward.guest) of the guest",
            hint: "give one: { host = 8080, guest = \(forward.guest) }")
    }

    /// The ports that are chosen from: below those that the kernel gives to connections
    /// (`ip_local_port_range`, from 32768), and above most servers'.
    static let range = 20_000..<30_000
}

extension PortForward {
    fileprivate var socketType: __socket_type { proto == .tcp ? SOCK_STREAM : SOCK_DGRAM }

    fileprivate func bind(_ descriptor: Int32) -> Int32 {
        var address = loopback(port: host)
        inet_pton(AF_INET, hostAddress, &address.sin_addr)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

extension ConsoleSpec {
    /// The ports of the screens whose ports are given, with the screens' names.
    fileprivate var fixedPorts: [(String, UInt16)] {
        [("vnc", vncEnabled ? vncPort : 0), ("spice", spiceEnabled ? spicePort : 0)].filter { $0.1 != 0 }
    }
}

/// The address 127.0.0.1 with a port.
func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}
