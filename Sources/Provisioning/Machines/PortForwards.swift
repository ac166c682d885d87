import Basics
import Glibc

/// Ports of the host that lead into a guest on user networking. QEMU's user network forgets them when the guest
/// stops, so they are set at each start.
struct PortForwards {
    let hypervisor: any Hypervisor
    let name: String

    /// Sets those that are not set yet.
    ///
    /// - Parameters:
    ///   - address: the guest's; `nil` for the one QEMU gives it.
    ///   - exactly: those that are set and not wanted are taken back.
    /// - Returns: how many were missing.
    @discardableResult
    func set(_ nics: [NICSpec], to address: String?, exactly: Bool = false) throws(Failure) -> Int {
        guard exactly || nics.contains(where: { !$0.forward.isEmpty }) else { return 0 }
        let present = Self.parse(try hypervisor.monitor(name, "info usernet"))
        var added = 0
        for nic in nics {
            // libvirt names the network back end after the device.
            let backend = "host" + DomainXML.nicAlias(nic.id)
            for forward in present[backend] ?? [] where exactly && !nic.forward.contains(forward) {
                let rule = "\(forward.proto.rawValue):127.0.0.1:\(forward.host)"
                _ = try hypervisor.monitor(name, "hostfwd_remove \(backend) \(rule)")
            }
            for forward in nic.forward where !(present[backend] ?? []).contains(forward) {
                let target = "\(address ?? ""):\(forward.guest)"
                let rule = "\(forward.proto.rawValue):127.0.0.1:\(forward.host)-\(target)"
                let reply = try hypervisor.monitor(name, "hostfwd_add \(backend) \(rule)")
                let complaint = reply.filter { $0 != "\r" }.split(separator: "\n")
                    .map { $0.trimmed() }.first { !$0.isEmpty }
                if let complaint {
                    throw Failure(
                        "port_in_use",
                        "port \(forward.host) of this host cannot be forwarded to port \(forward.guest) of \(name)",
                        hint: "choose another host port", resource: name, cause: complaint)
                }
                added += 1
            }
        }
        return added
    }

    /// The forwards of each back end in what `info usernet` prints:
    ///
    ///     Hub -1 (hostnet0):
    ///       Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
    ///       TCP[HOST_FORWARD]  18       127.0.0.1 18080       10.0.2.15    80     0     0
    static func parse(_ text: String) -> [String: [PortForward]] {
        var result: [String: [PortForward]] = [:]
        var backend = ""
        for line in text.split(whereSeparator: \.isNewline) {
            if let open = line.lastIndex(of: "("), let close = line.lastIndex(of: ")"), open < close,
                !line.contains("[")
            {
                backend = String(line[line.index(after: open)..<close])
                continue
            }
            let words = line.split(separator: " ")
            guard words.count >= 6, words[0].hasSuffix("[HOST_FORWARD]"),
                let proto = PortForward.Proto(
                    rawValue: words[0].dropLast("[HOST_FORWARD]".count).lowercased()),
                let host = UInt16(words[3]), let guest = UInt16(words[5])
            else { continue }
            result[backend, default: []].append(PortForward(host: host, guest: guest, proto: proto))
        }
        return result
    }

    /// Looks whether a host port is free before anything is made.
    ///
    /// - Throws: `Failure` with code `port_in_use`.
    static func checkFree(_ nics: [NICSpec], besides held: Set<UInt16> = []) throws(Failure) {
        for nic in nics {
            for forward in nic.forward where !held.contains(forward.host) && !isFree(forward) {
                throw Failure(
                    "port_in_use",
                    "port \(forward.host) of this host is in use, it cannot be forwarded to port \(forward.guest) of the guest",
                    hint:
                        "choose another host port, or stop what uses it (ss -lptn 'sport = :\(forward.host)' names it)"
                )
            }
        }
    }

    private static func isFree(_ forward: PortForward) -> Bool {
        let type = forward.proto == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        // As QEMU does: a port that is only waiting out its last connection is free.
        var yes: Int32 = 1
        if forward.proto == .tcp {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = loopback(port: forward.host)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return bound == 0 || errno != EADDRINUSE
    }
}

/// 127.0.0.1 with a port.
func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

extension StringProtocol {
    /// Without blanks, tabs and line ends at either side.
    func trimmed() -> String {
        let blanks: Set<Character> = [" ", "\t", "\r", "\n", "\r\n"]
        var rest = Substring(self)
        while let first = rest.first, blanks.contains(first) { rest.removeFirst() }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        return String(rest)
    }
}
