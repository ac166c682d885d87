import Basics
import MachineSpec
import XML

/// A network in libvirt's form (<https://libvirt.org/formatnetwork.html>).
struct NetworkXML {
    let spec: NetworkSpec
    let record: NetworkRecord
    var members: [NetworkMember] = []
    var foreign = Foreign()

    /// The elements of a network that limiq does not write: names, services and routes that others have added.
    struct Foreign: Sendable {
        var dns: [XMLElement] = []
        var others: [XMLElement] = []

        init() {}

        init(_ network: XMLNode) {
            let own = Set(NetworkMember.all(of: network).members.flatMap { [$0.address, $0.address6] })
            dns = network.all("dns").flatMap(\.children).filter { child in
                child.name != "forwarder"
                    && !(child.name == "host" && own.contains(child.attributes["ip"].flatMap(IPAddress.init)))
            }.map { XMLElement($0) }
            others = network.children.filter { ["route", "portgroup", "bandwidth"].contains($0.name) }
                .map { XMLElement($0) }
        }
    }

    func text() throws(Failure) -> String {
        guard let range = spec.range, let address = range.hostAddress else {
            throw Failure(.internal, "network \(spec.name) has no range")
        }
        let forward: XMLElement? =
            switch spec.mode {
            case .nat: XMLElement("forward", ["mode": "nat"])
            case .routed: XMLElement("forward", ["mode": "route"])
            case .isolated, .private: nil
            }
        return XMLElement(
            "network", [:],
            [
                XMLElement("name", text: spec.name),
                XMLElement("uuid", text: record.uuid),
                XMLElement("metadata", [:], [try record.element()]),
                forward,
                XMLElement("bridge", ["name": bridge, "stp": "off"]),
                spec.mtu.map { XMLElement("mtu", ["size": String($0)]) },
                spec.domain.map { XMLElement("domain", ["name": $0, "localOnly": "yes"]) },
                dns,
                ip(address, range, "ipv4"),
                spec.range6.flatMap { range in
                    range.hostAddress.map { ip($0, range, "ipv6") }
                },
            ] + foreign.others
        ).xml
    }

    /// The name of the host's bridge, at most 15 characters: libvirt's own choice is the same on two daemons of one host.
    private var bridge: String { Self.bridge(of: record.uuid) }

    static func bridge(of uuid: String) -> String { "limiq" + uuid.filter { $0 != "-" }.prefix(8) }

    private var dns: XMLElement? {
        let servers = spec.nameservers.map { XMLElement("forwarder", ["addr": $0]) }
        let all = servers + foreign.dns + members.flatMap(\.names)
        return all.isEmpty ? nil : XMLElement("dns", [:], all)
    }

    private func ip(_ address: IPAddress, _ range: IPRange, _ family: String) -> XMLElement {
        var dhcp: XMLElement?
        if family == "ipv4", spec.reserves {
            let lent = spec.lent.map {
                XMLElement("range", ["start": "\($0.lowerBound)", "end": "\($0.upperBound)"])
            }
            dhcp = XMLElement("dhcp", [:], [lent] + members.map(\.reservation))
        }
        return XMLElement(
            "ip", ["family": family, "address": "\(address)", "prefix": String(range.prefix)], [dhcp])
    }
}

extension NetworkSpec {
    /// The spec that a network of limiq's has by libvirt's description; `nil` for one that no spec describes.
    init?(_ network: XMLNode, _ record: NetworkRecord) {
        let ranges = network.ipRanges
        guard let range = ranges.first(where: \.base.isIPv4) else { return nil }
        self.init(name: record.name, cidr: range.description)
        if record.segment != nil {
            mode = .private
            segment = record.segment
        } else {
            switch network.first("forward")?.attributes["mode"]
                ?? (network.first("forward") == nil ? "" : "nat")
            {
            case "": mode = .isolated
            case "nat": mode = .nat
            case "route": mode = .routed
            default: return nil
            }
        }
        ipv6 = ranges.first { !$0.base.isIPv4 }?.description
        domain = network.first("domain")?.attributes["name"]
        mtu = network.first("mtu")?.attributes["size"].flatMap { Int($0) }
        dns = network.all("dns/forwarder").compactMap { $0.attributes["addr"] }
        guard hasServer else { return }
        let automatic = lent
        let server = network.all("ip").first { $0.attributes["family"] != "ipv6" }?.first("dhcp")
        if let lent = server?.first("range")?.attributes, let first = lent["start"], let last = lent["end"] {
            if automatic.map({ "\($0.lowerBound)" != first || "\($0.upperBound)" != last }) ?? true {
                dhcp = .from(first, to: last)
            }
        }
        if record.lacksDHCP == true { dhcp = .off }
    }
}

extension XMLNode {
    /// The ranges of the addresses that a network's host has on it.
    var ipRanges: [IPRange] {
        all("ip").compactMap { ip -> IPRange? in
            guard let address = ip.attributes["address"].flatMap(IPAddress.init) else { return nil }
            var prefix = ip.attributes["prefix"].flatMap { Int($0) }
            if prefix == nil, let mask = ip.attributes["netmask"].flatMap(IPAddress.init) {
                prefix = mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
            }
            return prefix.flatMap {
                (0...address.bytes.count * 8).contains($0) ? IPRange(around: address, prefix: $0) : nil
            }
        }
    }
}
