import Basics
import MachineSpec
import Records

private let dhcpRange = Codec<NetworkSpec.DHCPRange>("false|{ from: string, to: string }") {
    value, path throws(Failure) in
    if value == false { return .off }
    guard let map = value.map else {
        throw wrongType(
            path, expected: "false or { from = …, to = … }", got: value,
            hint: "leave it out to have the upper half of the range lent")
    }
    let range = try dhcpRecord.decode(.map(map), at: path)
    return .from(range.from, to: range.to)
} encode: {
    switch $0 {
    case .off: false
    case .from(let first, let last): ["from": .string(first), "to": .string(last)]
    }
}

private struct DHCPAddresses: Sendable {
    var from = ""
    var to = ""
}

private let dhcpRecord = Record(
    "limiq.DHCPRange", "The addresses that are lent.", make: DHCPAddresses.init,
    fields: [
        Field("from", \.from, .publicText, required: true, "The first."),
        Field("to", \.to, .publicText, required: true, "The last."),
    ])

private let networkSpecFields: [Field<NetworkSpec>] = [
    Field<NetworkSpec>("name", \.name, .publicText, required: true, "Its name on the host."),
    Field<NetworkSpec>(
        "cidr", \.cidr, .publicText, required: true,
        "Its IPv4 addresses, `10.77.0.0/24`; the first is the host's own, the network's router and nameserver."
    ),
    Field<NetworkSpec>(
        "mode", \.mode, .choice(),
        "`nat` (where left out): machines reach the world behind the host's address; `isolated`: each other and the host; `routed`: the world by their own addresses; `private`: each other alone, without root."
    ),
    Field<NetworkSpec>("ipv6", \.ipv6, .publicText, "Its IPv6 addresses beside them, `fd00:77::/64`."),
    Field<NetworkSpec>("domain", \.domain, .publicText, "The domain of the machines' names: `lab.internal`."),
    Field<NetworkSpec>(
        "dhcp", \.dhcp, dhcpRange,
        "The addresses lent to whoever asks; the upper half of the range where left out. False: no DHCP server."
    ),
    Field<NetworkSpec>("mtu", \.mtu, .int(0...65_535), "The largest packet in bytes; 1500 where left out."),
    Field<NetworkSpec>(
        "dns", \.dns, .list(of: .publicText),
        "The nameservers asked for other names; the host's where left out."),
]

package let networkSpecRecord = Record<NetworkSpec>(
    "limiq.NetworkSpec", "What a network is to be.", make: { NetworkSpec(name: "", cidr: "") },
    fields: networkSpecFields)

extension Codec where Content == NICNetwork {
    /// The network of a nic: its name, what `limiq.network` gives, or the fields of one.
    package static let nicNetwork = Codec(
        "string|limiq.Network|limiq.NetworkSpec", records: { [networkSpecRecord.description] }
    ) { value, path throws(Failure) in
        if let name = value.string { return .named(name) }
        guard value.map != nil else {
            throw wrongType(path, expected: "a network or its name", got: value)
        }
        // A handle carries its host as well.
        if value["cidr"] == nil, value["spec"] == nil, let name = value["name"]?.string {
            return .named(name)
        }
        return .described(try networkSpecRecord.decode(value["spec"] ?? value, at: path))
    } encode: {
        switch $0 {
        case .named(let name): .string(name)
        case .described(let spec): networkSpecRecord.encode(spec)
        }
    }
}

extension NICNetwork: FieldValued {
    var fieldValue: FieldValue { .text(name) }
}
