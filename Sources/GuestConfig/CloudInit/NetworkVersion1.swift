import Basics
import JSONSchema
import MachineSpec
import YAML

/// A network configuration of version 1, cloud-init's own form
/// (https://docs.cloud-init.io/en/latest/reference/network-config-format-v1.html).
struct NetworkVersion1 {
    var findings: NetworkFindings
    private(set) var devices: [NetworkDevice] = []
    private let schemas: NetworkSchemas

    private static let types = [
        "physical", "bond", "bridge", "vlan", "loopback", "infiniband", "nameserver", "route",
    ]

    init(_ config: YAMLNode, at path: DocumentPath, _ schemas: NetworkSchemas, file: SeedFile) {
        findings = NetworkFindings(file: file)
        self.schemas = schemas
        guard case .map(let entries) = config.content else { return }
        for entry in entries where !["version", "config"].contains(entry.key) {
            let isVersion2 = NetplanKeys.kinds.contains(entry.key)
            findings.unknown(
                entry, path, of: "a network's, version 1", known: ["version", "config"],
                hint: isVersion2 ? "\(entry.key) is version 2's: write version: 2" : nil)
        }
        guard let list = config.entry("config") else {
            findings.error(
                config.mark, path, "has no config",
                hint: "config: [{type: physical, name: eth0, subnets: [{type: dhcp}]}]")
            return
        }
        let path = path.key("config")
        for (index, member) in (findings.members(list.node, path) ?? []).enumerated() {
            readMember(member, at: path.member(index))
        }
    }

    // MARK: - Devices, nameservers and routes

    private mutating func readMember(_ node: YAMLNode, at path: DocumentPath) {
        guard
            findings.entries(node, path, hint: "{type: physical, name: eth0, subnets: [{type: dhcp}]}") != nil
        else {
            return
        }
        guard let typeNode = node.entry("type")?.node else {
            findings.error(
                node.mark, path, "has no type", hint: "one of \(Self.types.joined(separator: ", "))")
            return
        }
        guard let type = findings.choice(typeNode, path.key("type"), of: Self.types) else { return }
        switch type {
        case "nameserver": readNameserver(node, at: path)
        case "route":
            if let route = readRoute(node, at: path, isGlobal: true) { globalRoutes.append(route) }
        default: readDevice(node, type, at: path)
        }
        // The schema has neither of the two, which are read as the others are.
        guard let schema = schemas.version1[["loopback", "infiniband"].contains(type) ? "physical" : type]
        else { return }
        let problems = schema.problems(of: node, keyName: "key")
        findings.add(problems.compactMap { Self.kept($0, below: path, type) })
    }

    /// A problem of the schema that is cloud-init's too: what reads the document takes numbers for texts, texts of numbers
    /// for numbers, and needs no `params`.
    private static func kept(
        _ problem: SchemaProblem, below path: DocumentPath, _ type: String
    ) -> SchemaProblem? {
        let key = problem.path.description
        switch problem.kind {
        case .missing("params"): return nil
        case .enumeration where key == "type" || key.hasSuffix("].type"): return nil
        // `off` without quotes.
        case .enumeration(let given) where key == "params.bridge_stp" && given.value.bool != nil: return nil
        case .type(let given, let wanted):
            switch given.content {
            case .scalar(.string(let text), _):
                let names = ["dns_nameservers", "dns_search", "search"]
                if wanted.contains(.array), names.contains(where: key.hasSuffix) { return nil }
                if wanted.contains(.integer), Int64(text) != nil { return nil }
            case .scalar(.null, _), .list, .map: break
            case .scalar, .timestamp, .largeNumber: if wanted.contains(.string) { return nil }
            }
        default: break
        }
        var problem = problem
        problem.path = path.appending(problem.path)
        return problem
    }

    /// The routes that belong to no device.
    private(set) var globalRoutes: [NetworkFindings.Placed<NetworkDevice.Route>] = []

    private mutating func readDevice(_ node: YAMLNode, _ type: String, at path: DocumentPath) {
        let kinds: [String: NetworkDevice.Kind] = [
            "bond": .bond, "bridge": .bridge, "vlan": .vlan, "loopback": .other,
        ]
        guard let name = node.entry("name") else {
            findings.error(node.mark, path, "has no name", hint: "name: eth0")
            return
        }
        guard let text = findings.name(name.node, path.key("name")) else { return }
        let placed = NetworkFindings.Placed(value: text, mark: name.node.mark, path: path.key("name"))
        var device = NetworkDevice(kind: kinds[type] ?? .physical, name: placed)
        device.ownName = placed
        if let entry = node.entry("mac_address"), entry.node.value != .null {
            let inner = path.key("mac_address")
            if let address = findings.mac(entry.node, inner), device.kind == .physical {
                device.matchedMAC = .init(value: address, mark: entry.node.mark, path: inner)
            }
        }
        if let entry = node.entry("mtu"), entry.node.value != .null,
            let mtu = findings.number(entry.node, path.key("mtu"), in: 68...65536)
        {
            device.mtu = .init(value: mtu, mark: entry.node.mark, path: path.key("mtu"))
        }
        for key in ["bond_interfaces", "bridge_interfaces"] {
            guard let entry = node.entry(key) else { continue }
            device.members = names(entry.node, path.key(key))
        }
        if let entry = node.entry("vlan_link"), let link = findings.name(entry.node, path.key("vlan_link")) {
            device.link = .init(value: link, mark: entry.node.mark, path: path.key("vlan_link"))
        }
        if let entry = node.entry("vlan_id") {
            findings.number(entry.node, path.key("vlan_id"), in: 0...4094)
        }
        if let entry = node.entry("params")?.node.entry("bond-mode"), device.kind == .bond {
            // The kernel's numbers too.
            let modes = NetplanKeys.bondModes + (0...6).map { "\($0)" }
            findings.choice(entry.node, path.key("params").key("bond-mode"), of: modes)
        }
        if let entry = node.entry("params")?.node.entry("bond-primary"), let primary = entry.node.text {
            device.primary = .init(
                value: primary, mark: entry.node.mark, path: path.key("params").key("bond-primary"))
        }
        if let subnets = node.entry("subnets"), subnets.node.value != .null {
            let path = path.key("subnets")
            for (index, subnet) in (findings.members(subnets.node, path) ?? []).enumerated() {
                readSubnet(subnet, into: &device, at: path.member(index))
            }
        }
        devices.append(device)
    }

    private mutating func names(_ node: YAMLNode, _ path: DocumentPath) -> [NetworkFindings.Placed<String>] {
        (findings.members(node, path) ?? []).enumerated().compactMap { index, member in
            guard let name = findings.name(member, path.member(index)) else { return nil }
            return .init(value: name, mark: member.mark, path: path.member(index))
        }
    }

    private mutating func readNameserver(_ node: YAMLNode, at path: DocumentPath) {
        if let entry = node.entry("address") { readServers(entry.node, at: path.key("address")) }
        if let entry = node.entry("search") { readSearch(entry.node, at: path.key("search")) }
    }

    /// Addresses in a list, or in a text with spaces between them.
    private mutating func readServers(_ node: YAMLNode, at path: DocumentPath) {
        switch node.content {
        case .list(let members):
            for (index, member) in members.enumerated() { _ = findings.address(member, path.member(index)) }
        case .scalar(.string(let text), _):
            for word in text.split(separator: " ") {
                _ = findings.address(String(word), node.mark, path)
            }
        default: _ = findings.members(node, path)
        }
    }

    /// Domains in a list, or in a text with spaces between them.
    private mutating func readSearch(_ node: YAMLNode, at path: DocumentPath) {
        if node.value.string == nil { _ = names(node, path) }
    }

    // MARK: - Subnets

    private static let subnetTypes = [
        "dhcp", "dhcp4", "dhcp6", "static", "static6", "ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless",
        "ipv6_slaac",
        "manual", "loopback",
    ]

    private mutating func readSubnet(
        _ node: YAMLNode, into device: inout NetworkDevice, at path: DocumentPath
    ) {
        guard findings.entries(node, path, hint: "{type: dhcp}") != nil else { return }
        guard let typeNode = node.entry("type")?.node else {
            findings.error(node.mark, path, "has no type", hint: "type: dhcp, or type: static and an address")
            return
        }
        guard let type = findings.choice(typeNode, path.key("type"), of: Self.subnetTypes) else { return }
        switch type {
        case "dhcp", "dhcp4": device.asksIPv4 = true
        case "dhcp6", "ipv6_dhcpv6-stateful", "ipv6_dhcpv6-stateless", "ipv6_slaac": device.asksIPv6 = true
        case "static", "static6":
            if node.entry("address") == nil {
                findings.error(node.mark, path, "has no address", hint: "address: 192.168.1.5/24")
            }
        default: break
        }
        let address = readAddress(node, at: path)
        if let address { device.addresses.append(address) }
        if address == nil, node.entry("address") != nil { device.isUncertain = true }
        if let entry = node.entry("broadcast") {
            let inner = path.key("broadcast")
            let broadcast = findings.address(entry.node, inner, isIPv4: true)
            if let broadcast, let range = address?.value.range, range.base.isIPv4, broadcast != range.last {
                findings.error(
                    entry.node.mark, inner, "is not that of the network: \(range) has \(range.last)")
            }
        }
        var metric: Int64 = 0
        if let entry = node.entry("metric") {
            metric = findings.number(entry.node, path.key("metric"), in: 0...Int64(UInt32.max)) ?? 0
        }
        if let entry = node.entry("gateway"), entry.node.value != .null,
            let gateway = findings.address(entry.node, path.key("gateway"))
        {
            let via = NetworkFindings.Placed(value: gateway, mark: entry.node.mark, path: path.key("gateway"))
            // An address alone in its network has its router beside it: cloud-init says so to the guest.
            let isAlone = address.map { $0.value.prefix == $0.value.address.bytes.count * 8 } ?? false
            let route = NetworkDevice.Route(
                via: via, isIPv4: gateway.isIPv4, isOnLink: isAlone, metric: metric)
            device.routes.append(.init(value: route, mark: via.mark, path: via.path))
        }
        if let entry = node.entry("dns_nameservers"), entry.node.value != .null {
            readServers(entry.node, at: path.key("dns_nameservers"))
        }
        if let entry = node.entry("dns_search"), entry.node.value != .null {
            readSearch(entry.node, at: path.key("dns_search"))
        }
        guard let routes = node.entry("routes"), routes.node.value != .null else { return }
        let inner = path.key("routes")
        for (index, member) in (findings.members(routes.node, inner) ?? []).enumerated() {
            if let route = readRoute(member, at: inner.member(index), isGlobal: false) {
                device.routes.append(route)
            }
        }
    }

    /// The address of a subnet, with its prefix or its mask.
    private mutating func readAddress(
        _ node: YAMLNode, at path: DocumentPath
    ) -> NetworkFindings.Placed<NetworkDevice.Address>? {
        guard let entry = node.entry("address"), entry.node.value != .null else { return nil }
        let inner = path.key("address")
        guard let text = findings.text(entry.node, inner) else { return nil }
        let mask = readMask(node, at: path)
        if mask == nil, findings.hasError(at: path.key("netmask")) { return nil }
        let whole = text.contains("/") ? withPrefix(text) : mask.map { "\(text)/\($0)" } ?? text
        guard let (address, prefix) = findings.interfaceAddress(whole, entry.node.mark, inner) else {
            return nil
        }
        if text.contains("/"), let mask, mask != prefix {
            findings.error(
                entry.node.mark, inner, "has the prefix \(prefix), and netmask is that of \(mask)",
                hint: "leave netmask out")
        }
        return .init(value: .init(address: address, prefix: prefix), mark: entry.node.mark, path: inner)
    }

    /// The address with its mask made a prefix: cloud-init takes either here.
    private func withPrefix(_ text: String) -> String {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let prefix = NetworkFindings.prefix(ofMask: String(parts[1])) else { return text }
        return "\(parts[0])/\(prefix)"
    }

    /// The length of the prefix a `netmask` stands for: `255.255.255.0`, `24`, `64`.
    private mutating func readMask(_ node: YAMLNode, at path: DocumentPath) -> Int? {
        guard let entry = node.entry("netmask"), entry.node.value != .null else { return nil }
        let inner = path.key("netmask")
        guard let text = findings.text(entry.node, inner) else { return nil }
        if let prefix = NetworkFindings.prefix(ofMask: text) { return prefix }
        if let prefix = Int(text), (0...128).contains(prefix) { return prefix }
        if let mask = IPAddress(text), !mask.isIPv4 {
            let bits = mask.bytes.flatMap { byte in (0..<8).map { byte >> UInt8(7 - $0) & 1 } }
            let count = bits.prefix { $0 == 1 }.count
            if !bits.dropFirst(count).contains(1) { return count }
        }
        findings.error(
            entry.node.mark, inner, "is no mask: \(quoted(text))", hint: "such as 255.255.255.0, or 24")
        return nil
    }

    // MARK: - Routes

    private mutating func readRoute(
        _ node: YAMLNode, at path: DocumentPath, isGlobal: Bool
    ) -> NetworkFindings.Placed<NetworkDevice.Route>? {
        let example = "{destination: 10.0.0.0/8, gateway: 192.168.1.1}"
        guard findings.entries(node, path, hint: example) != nil else { return nil }
        var route = NetworkDevice.Route()
        guard let entry = node.entry("destination") ?? node.entry("network") else {
            findings.error(node.mark, path, "has no destination", hint: "as in \(example)")
            return nil
        }
        let inner = path.key(entry.key)
        let mask = readMask(node, at: path)
        guard let text = findings.text(entry.node, inner) else { return nil }
        if text != "default" {
            let whole = text.contains("/") ? withPrefix(text) : mask.map { "\(text)/\($0)" } ?? text
            guard let range = findings.destination(whole, entry.node.mark, inner) else { return nil }
            route.isIPv4 = range.base.isIPv4
            route.to = range.prefix == 0 ? nil : range
        }
        if let entry = node.entry("metric") {
            route.metric = findings.number(entry.node, path.key("metric"), in: 0...Int64(UInt32.max)) ?? 0
        }
        guard let gateway = node.entry("gateway") else {
            findings.error(node.mark, path, "has no gateway", hint: "as in \(example)")
            return nil
        }
        guard let address = findings.address(gateway.node, path.key("gateway")) else { return nil }
        if let isIPv4 = route.isIPv4, isIPv4 != address.isIPv4 {
            findings.error(
                gateway.node.mark, path.key("gateway"), "is no address of the family the route leads to")
            return nil
        }
        route.isIPv4 = address.isIPv4
        route.via = .init(value: address, mark: gateway.node.mark, path: path.key("gateway"))
        return .init(value: route, mark: node.mark, path: path)
    }
}
