import Basics

/// The way a network's machines reach others.
public enum NetworkMode: String, Sendable, Codable, CaseIterable {
    /// They reach what the host reaches, behind its address.
    case nat
    /// They reach each other and the host.
    case isolated
    /// They reach what the host reaches, with their own addresses; the routers around must know the way back.
    case routed
    /// They reach each other and nothing else, not even the host; made without root's help.
    case `private`
}

/// The spec of a network: what `limiq.network` describes. It is `Codable` in the form in which a script writes it.
public struct NetworkSpec: Sendable, Equatable, Codable {
    /// The network's name on its host.
    public var name: String
    /// The IPv4 range, `10.77.0.0/24`. Its first address is the host's own, the network's router and nameserver.
    public var cidr: String
    public var mode = NetworkMode.nat
    /// The IPv6 range beside it, `fd00:77::/64`.
    public var ipv6: String?
    /// The domain of the machines' names: `lab.internal`.
    public var domain: String?
    /// The addresses lent to whoever asks, beside those that machines have for life. `nil`: the upper half of the range.
    public var dhcp: DHCPRange?
    /// The largest packet, in bytes; `nil` for libvirt's 1500.
    public var mtu: Int?
    /// The nameservers that are asked for other names; none: those of the host.
    public var dns: [String] = []
    /// The multicast group and port of a private network that is there. No script gives it.
    public var segment: String?

    public init(name: String, cidr: String) {
        self.name = name
        self.cidr = cidr
    }

    /// The addresses a network's DHCP server lends.
    public enum DHCPRange: Sendable, Equatable {
        /// No server: machines are told their addresses by cloud-init alone.
        case off
        case from(String, to: String)
    }

    /// The nameservers, each in the one form that its address has.
    package var nameservers: [String] { dns.map { IPAddress($0)?.description ?? $0 } }

    /// The IPv4 range; `nil` for a text that is none.
    public var range: IPRange? { IPRange(cidr) }
    /// The IPv6 range; `nil` where there is none.
    public var range6: IPRange? { ipv6.flatMap { IPRange($0) } }
    /// The host's own address, which is the machines' router and nameserver; `nil` where the host has none.
    public var router: IPAddress? { mode == .private ? nil : range?.hostAddress }
    public var router6: IPAddress? { mode == .private ? nil : range6?.hostAddress }
    /// Whether the machines are told a way to other networks.
    public var leadsOut: Bool { mode == .nat || mode == .routed }
    /// Whether libvirt has a bridge and a server of names and addresses for it.
    public var hasServer: Bool { mode != .private }

    /// The IPv6 address that goes with an IPv4 one: as far from the beginning of its range.
    public func address6(beside address: IPAddress) -> IPAddress? {
        guard let range, let range6, let distance = address.distance(from: range.base) else { return nil }
        return range6.base.advanced(by: distance)
    }

    /// The range of addresses that are lent to whoever asks; `nil` for none.
    public var lent: ClosedRange<IPAddress>? {
        guard hasServer, let range else { return nil }
        switch dhcp {
        case .off: return nil
        case .from(let first, let last):
            guard let first = IPAddress(first), let last = IPAddress(last), first <= last else { return nil }
            return first...last
        case nil:
            // A small range has no addresses to spare.
            guard range.prefix <= 28,
                let first = range.base.advanced(by: 1 << UInt64(31 - range.prefix)),
                let size = range.last.distance(from: first), let last = first.advanced(by: size - 1)
            else { return nil }
            return first...last
        }
    }

    /// Whether the DHCP server gives machines their addresses.
    public var reserves: Bool { hasServer && dhcp != .off }

    /// The addresses a machine may have, the first to be chosen first.
    public var hosts: (first: IPAddress, last: IPAddress)? {
        guard let range, let size = range.last.distance(from: range.base), size >= 3,
            let first = range.base.advanced(by: size > 31 ? 10 : 2),
            let last = range.base.advanced(by: size - 1)
        else { return nil }
        return (first, last)
    }

    /// Whether a machine may have this address.
    public func takes(_ address: IPAddress) -> Bool {
        guard let range, range.contains(address) else { return false }
        return address != range.base && address != range.last && address != range.hostAddress
    }
}

extension NetworkSpec.DHCPRange: Codable {
    private enum CodingKeys: String, CodingKey { case from, to }

    public init(from decoder: any Decoder) throws {
        if let isOn = try? decoder.singleValueContainer().decode(Bool.self) {
            guard !isOn else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "true is no range"))
            }
            self = .off
            return
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self = .from(
            try container.decode(String.self, forKey: .from),
            to: try container.decode(String.self, forKey: .to))
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .off:
            var container = encoder.singleValueContainer()
            try container.encode(false)
        case .from(let first, let last):
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(first, forKey: .from)
            try container.encode(last, forKey: .to)
        }
    }
}

/// The network that a nic is on.
public enum NICNetwork: Sendable, Equatable, ExpressibleByStringLiteral {
    /// One that is there, by its name.
    case named(String)
    /// One that is described, and made where it is not there.
    case described(NetworkSpec)

    public init(stringLiteral name: String) { self = .named(name) }

    public var name: String {
        switch self {
        case .named(let name): name
        case .described(let spec): spec.name
        }
    }

    /// The description of the network, where it is known.
    public var spec: NetworkSpec? {
        switch self {
        case .named: nil
        case .described(let spec): spec
        }
    }
}

/// A name alone is a string, a description an object.
extension NICNetwork: Codable {
    public init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            self = .named(name)
        } else {
            self = .described(try NetworkSpec(from: decoder))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .named(let name):
            var container = encoder.singleValueContainer()
            try container.encode(name)
        case .described(let spec): try spec.encode(to: encoder)
        }
    }
}
