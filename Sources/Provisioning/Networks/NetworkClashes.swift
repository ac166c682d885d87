import Basics
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// A route of this host that leads to a range of addresses.
struct HostRoute: Sendable, Equatable {
    var range: IPRange
    var interface: String

    /// The routes of this host but the default ones and those of one address, as `/proc/net` lists them.
    @Sendable static func all() -> [HostRoute] {
        ipv4(readWhole("/proc/net/route") ?? "") + ipv6(readWhole("/proc/net/ipv6_route") ?? "")
    }

    /// Reads the kernel's `/proc/net/route`: the interface, the destination and, seven columns on, the mask, each a
    /// number in the byte order of the machine.
    static func ipv4(_ text: String) -> [HostRoute] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard words.count > 7, let address = UInt32(words[1], radix: 16),
                let mask = UInt32(words[7], radix: 16)
            else { return nil }
            let bytes = withUnsafeBytes(of: address) { Array($0) }
            let prefix = mask.nonzeroBitCount
            // A shorter one is half of a default route, as VPNs have it.
            guard (8..<32).contains(prefix) else { return nil }
            return HostRoute(
                range: IPRange(around: IPAddress(bytes: bytes), prefix: prefix), interface: String(words[0]))
        }
    }

    /// Reads the kernel's `/proc/net/ipv6_route`: destination, prefix length, …, the interface last.
    static func ipv6(_ text: String) -> [HostRoute] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 10, let prefix = Int(words[1], radix: 16), (16..<128).contains(prefix),
                words[0].utf8.count == 32, words[9] != "lo"
            else { return nil }
            let digits = Array(words[0].utf8)
            let bytes = stride(from: 0, to: 32, by: 2).compactMap {
                UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16)
            }
            // Those of the link and of multicast are each interface's.
            guard bytes.count == 16, bytes[0] != 0xFF, !(bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) else {
                return nil
            }
            return HostRoute(
                range: IPRange(around: IPAddress(bytes: bytes), prefix: prefix), interface: String(words[9]))
        }
    }
}

extension VirtualNetwork {
    /// Makes sure that nobody else has addresses of a network that is to be made: no other network of the host's, and
    /// no route of this host's.
    ///
    /// - Throws: `Failure` with code `in_use` that names the other.
    func requireFreeRanges(_ spec: NetworkSpec) throws(Failure) {
        let wanted = [spec.range, spec.range6].compactMap(\.self)
        let networks = try networks()
        for other in try networks.networkNames() where other != name {
            guard let summary = try networks.network(other) else { continue }
            let known = try Known(summary)
            // What goes over a private network stays there, and one machine may be on both.
            for range in wanted {
                guard let theirs = known.ranges.first(where: range.overlaps) else { continue }
                throw taken(by: "the network \(other)", range, theirs)
            }
        }
        guard spec.hasServer, HypervisorURI(hypervisor.uri).isLocal else { return }
        let bridge = try known().map { NetworkXML.bridge(of: $0.uuid) }
        for range in wanted {
            let route = routes().first { $0.range.overlaps(range) && $0.interface != bridge }
            guard let route else { continue }
            throw taken(by: "a route of this host, by \(route.interface)", range, route.range)
        }
    }

    private func taken(by other: String, _ range: IPRange, _ taken: IPRange) -> Failure {
        Failure(
            .inUse, "network \(name): \(range) is taken by \(other)\(taken == range ? "" : ", \(taken)")",
            hint: "choose a range that nobody has", resource: name)
    }
}
