import Basics
import JSONSchema
import MachineSpec
import YAML

/// A network configuration of version 2, netplan's form.
struct NetworkVersion2 {
    var findings: NetworkFindings
    private(set) var devices: [NetworkDevice] = []
    /// The names that are no devices here and may be members all the same: Open vSwitch's ports.
    private(set) var otherNames: Set<String> = []

    init(_ config: YAMLNode, at path: DocumentPath, _ schemas: NetworkSchemas, file: SeedFile) {
        findings = NetworkFindings(file: file)
        guard case .map(let entries) = config.content else { return }
        for entry in entries {
            let inner = path.key(entry.key)
            switch entry.key {
            case "version": break
            case "renderer": findings.choice(entry.node, inner, of: NetplanKeys.renderers)
            case "openvswitch":
                readPorts(entry.node)
                check(entry.node, .map(NetplanKeys.openVSwitchSetup), inner)
            case _ where NetplanKeys.kinds.contains(entry.key):
                readDevices(entry, at: inner, schemas.version2[entry.key])
            default:
                let isVersion1 = entry.key == "config"
                findings.unknown(
                    entry, path, of: "a network's, version 2", known: NetplanKeys.kinds + NetplanKeys.others,
                    hint: isVersion1 ? "a list of devices is version 1's: write version: 1" : nil)
            }
        }
    }

    private mutating func readPorts(_ node: YAMLNode) {
        guard case .list(let pairs)? = node.entry("ports")?.node.content else { return }
        for case .list(let names) in pairs.map(\.content) { otherNames.formUnion(names.compactMap(\.text)) }
    }

    private mutating func readDevices(
        _ entry: YAMLNode.Entry, at path: DocumentPath, _ schema: JSONSchema?
    ) {
        guard
            let entries = findings.entries(
                entry.node, path, hint: "each device is a key: eth0: {dhcp4: true}")
        else {
            return
        }
        for device in entries {
            let inner = path.key(device.key)
            guard
                let fields = findings.entries(
                    device.node, inner, hint: "write \(device.key): {} for a device nothing is said of")
            else { continue }
            readDevice(device, fields, entry.key, at: inner)
            if let schema {
                let problems = schema.problems(of: device.node, keyName: "key")
                findings.add(problems.compactMap { Self.kept($0, below: inner) })
            }
        }
    }

    /// A problem cloud-init's schema tells of that is netplan's too: netplan has more keys, and reads any scalar as text.
    private static func kept(_ problem: SchemaProblem, below path: DocumentPath) -> SchemaProblem? {
        switch problem.kind {
        case .unknownKey, .enumeration: return nil
        case .type(let given, let wanted):
            // Scalars are told of by the shapes of netplan's keys.
            let isScalar = !wanted.contains(.array) && !wanted.contains(.object)
            if isScalar, given.text != nil, given.value != .null { return nil }
            // `addresses: [192.0.2.5/24: {label: a}]`, and costs of a bridge's ports by their names.
            if isScalar, case .map = given.content { return nil }
        default: break
        }
        var problem = problem
        problem.path = path.appending(problem.path)
        return problem
    }

    // MARK: - A device

    private mutating func readDevice(
        _ entry: YAMLNode.Entry, _ fields: [YAMLNode.Entry], _ kind: String, at path: DocumentPath
    ) {
        let name = NetworkFindings.Placed(value: entry.key, mark: entry.mark, path: path)
        if entry.key.contains(where: { "*?[]".contains($0) }) {
            findings.error(
                entry.mark, path, "is a name with a wildcard, which stands below match",
                hint: "nics: {match: {name: \"\(entry.key)\"}}")
        }
        var device = NetworkDevice(kind: Self.kind(kind), name: name)
        let known = NetplanKeys.keys(of: kind)
        for field in fields {
            let inner = path.key(field.key)
            guard let shape = known[field.key] else {
                findings.unknown(
                    field, path, of: NetplanKeys.words(kind), known: known.keys, hint: Self.slips[field.key])
                continue
            }
            check(field.node, shape, inner)
            read(field, into: &device, at: inner, kind)
        }
        if kind == "tunnels", entry.node.entry("mode")?.node.text == "wireguard" {
            for field in fields where ["key", "keys"].contains(field.key) {
                if case .map = field.node.content {
                    check(field.node, NetplanKeys.privateKeys, path.key(field.key))
                } else {
                    wireGuardKey(field.node, path.key(field.key))
                }
            }
        }
        let match = entry.node.entry("match")
        if let rename = entry.node.entry("set-name"), match == nil {
            findings.error(
                rename.mark, path.key("set-name"), "has an effect only beside match",
                hint: "match: {macaddress: '52:54:00:12:34:56'}")
        }
        if device.ownName == nil, match == nil { device.ownName = name }
        for key in Self.required[kind] ?? [] where entry.node.entry(key) == nil {
            findings.error(
                entry.mark, path, "has no \(key)", hint: kind == "vlans" ? "{id: 10, link: eth0}" : nil)
        }
        devices.append(device)
    }

    private static let required = [
        "vlans": ["id", "link"], "vrfs": ["table"], "tunnels": ["mode"], "virtual-ethernets": ["peer"],
    ]

    /// Keys of other tools, and what they are here.
    private static let slips = [
        "gateway": "routes: [{to: 0.0.0.0/0, via: 192.168.1.1}]",
        "dns": "nameservers: {addresses: [192.168.1.1]}",
        "mac_address": "match: {macaddress: '52:54:00:12:34:56'}",
        "netmask": "write addresses: [192.168.1.5/24]",
        "subnets": "subnets are version 1's: write addresses, dhcp4, routes",
        "name": "set-name, or the device's key",
    ]

    private static func kind(_ kind: String) -> NetworkDevice.Kind {
        switch kind {
        case "ethernets", "wifis": .physical
        case "bonds": .bond
        case "bridges": .bridge
        case "vlans": .vlan
        case "vrfs": .vrf
        default: .other
        }
    }

    private mutating func read(
        _ field: YAMLNode.Entry, into device: inout NetworkDevice, at path: DocumentPath, _ kind: String
    ) {
        let node = field.node
        switch field.key {
        case "dhcp4": device.asksIPv4 = findings.flag(node, path) ?? true
        case "dhcp6": device.asksIPv6 = findings.flag(node, path) ?? true
        case "accept-ra": device.asksIPv6 = device.asksIPv6 || node.value.bool == true
        case "addresses": readAddresses(node, into: &device, at: path)
        case "gateway4", "gateway6": readGateway(field, into: &device, at: path)
        case "routes": readRoutes(node, into: &device, at: path)
        case "routing-policy": readPolicy(node, at: path)
        case "nameservers": readNameservers(node, at: path)
        case "mtu":
            if let mtu = findings.number(node, path, in: 68...65536) {
                device.mtu = .init(value: mtu, mark: node.mark, path: path)
            }
        case "match": readMatch(node, into: &device, at: path)
        case "set-name":
            if let name = findings.name(node, path) {
                device.ownName = .init(value: name, mark: node.mark, path: path)
            }
        case "macaddress":
            if !["permanent", "preserve", "random", "stable", "stable-ssid"].contains(node.text) {
                _ = findings.mac(node, path)
            }
        case "interfaces": device.members = names(node, path)
        case "parameters": readParameters(node, into: &device, at: path, kind)
        case "id" where kind == "vlans": findings.number(node, path, in: 0...4094)
        case "link", "peer":
            if let name = findings.text(node, path) {
                device.link = .init(value: name, mark: node.mark, path: path)
            }
        default: break
        }
    }

    private mutating func names(_ node: YAMLNode, _ path: DocumentPath) -> [NetworkFindings.Placed<String>] {
        guard let members = findings.members(node, path) else { return [] }
        return members.enumerated().compactMap { index, member in
            let inner = path.member(index)
            guard let name = findings.name(member, inner) else { return nil }
            return .init(value: name, mark: member.mark, path: inner)
        }
    }

    private mutating func readMatch(_ node: YAMLNode, into device: inout NetworkDevice, at path: DocumentPath)
    {
        let known = ["name", "macaddress", "driver"]
        guard let entries = findings.entries(node, path, hint: "match: {macaddress: '52:54:00:12:34:56'}")
        else { return }
        for entry in entries {
            let inner = path.key(entry.key)
            switch entry.key {
            case "macaddress":
                guard let address = findings.mac(entry.node, inner) else { continue }
                device.matchedMAC = .init(value: address, mark: entry.node.mark, path: inner)
            case "name": _ = findings.text(entry.node, inner)
            // A driver, or a list of them.
            case "driver": if case .list = entry.node.content {} else { _ = findings.text(entry.node, inner) }
            default:
                let hint = entry.key.lowercased().hasPrefix("mac") ? "did you mean macaddress?" : nil
                findings.unknown(entry, path, of: "match", known: known, hint: hint)
            }
        }
    }

    private mutating func readParameters(
        _ node: YAMLNode, into device: inout NetworkDevice, at path: DocumentPath, _ kind: String
    ) {
        let known = kind == "bonds" ? NetplanKeys.bondParameters : NetplanKeys.bridgeParameters
        check(node, .map(known), path)
        if let primary = node.entry("primary"), kind == "bonds", let name = primary.node.text {
            device.primary = .init(value: name, mark: primary.node.mark, path: path.key("primary"))
        }
        if case .list(let targets)? = node.entry("arp-ip-targets")?.node.content {
            for (index, target) in targets.enumerated() {
                _ = findings.address(target, path.key("arp-ip-targets").member(index), isIPv4: true)
            }
        }
    }

    private mutating func readNameservers(_ node: YAMLNode, at path: DocumentPath) {
        guard let entries = findings.entries(node, path, hint: "nameservers: {addresses: [192.0.2.53]}")
        else { return }
        for entry in entries {
            let inner = path.key(entry.key)
            switch entry.key {
            case "addresses":
                for (index, member) in (findings.members(entry.node, inner) ?? []).enumerated() {
                    _ = findings.address(member, inner.member(index))
                }
            case "search": _ = names(entry.node, inner)
            default: findings.unknown(entry, path, of: "nameservers", known: ["addresses", "search"])
            }
        }
    }

    private mutating func wireGuardKey(_ node: YAMLNode, _ path: DocumentPath) {
        guard let text = findings.text(node, path), !text.hasPrefix("/") else { return }
        guard text.utf8.count != 44 || Base64.decode(text)?.count != 32 else { return }
        findings.error(
            node.mark, path, "is no key of WireGuard's", hint: "wg genkey prints one: 44 characters")
    }

    // MARK: - Shapes

    mutating func check(_ node: YAMLNode, _ shape: NetplanKeys.Shape, _ path: DocumentPath) {
        switch shape {
        case .any: break
        case .flag: findings.flag(node, path)
        case .number(let range): findings.number(node, path, in: range)
        case .text: _ = findings.text(node, path)
        case .choice(let choices): findings.choice(node, path, of: choices)
        case .texts: _ = names(node, path)
        case .choices(let choices):
            for (index, member) in (findings.members(node, path) ?? []).enumerated() {
                findings.choice(member, path.member(index), of: choices)
            }
        case .map(let known):
            for entry in findings.entries(node, path) ?? [] {
                guard let shape = known[entry.key] else {
                    findings.unknown(entry, path, of: "\(path)", known: known.keys)
                    continue
                }
                check(entry.node, shape, path.key(entry.key))
            }
        case .list(let shape):
            for (index, member) in (findings.members(node, path) ?? []).enumerated() {
                check(member, shape, path.member(index))
            }
        case .wireGuardKey: wireGuardKey(node, path)
        case .each(let shape):
            for entry in findings.entries(node, path) ?? [] {
                check(entry.node, shape, path.key(entry.key))
            }
        }
    }
}

extension NetworkVersion2 {
    // MARK: - Addresses and routes

    fileprivate mutating func readAddresses(
        _ node: YAMLNode, into device: inout NetworkDevice, at path: DocumentPath
    ) {
        guard let members = findings.members(node, path) else { return }
        for (index, member) in members.enumerated() {
            let inner = path.member(index)
            var text = member.text
            if case .map(let entries) = member.content {
                // `{192.0.2.5/24: {label: a, lifetime: 0}}`
                text = entries.count == 1 ? entries[0].key : nil
                check(entries.first?.node ?? member, .map(["label": .text, "lifetime": .text]), inner)
            }
            guard let text, member.value != .null else {
                findings.error(member.mark, inner, "must be an address such as 192.168.1.5/24")
                device.isUncertain = true
                continue
            }
            guard let (address, prefix) = findings.interfaceAddress(text, member.mark, inner) else {
                device.isUncertain = true
                continue
            }
            device.addresses.append(
                .init(value: .init(address: address, prefix: prefix), mark: member.mark, path: inner))
        }
    }

    fileprivate mutating func readGateway(
        _ field: YAMLNode.Entry, into device: inout NetworkDevice, at path: DocumentPath
    ) {
        let isIPv4 = field.key == "gateway4"
        guard let address = findings.address(field.node, path, isIPv4: isIPv4) else { return }
        let via = NetworkFindings.Placed(value: address, mark: field.node.mark, path: path)
        device.routes.append(
            .init(value: NetworkDevice.Route(via: via, isIPv4: isIPv4), mark: field.node.mark, path: path))
        if isIPv4 {
            // netplan says so on the guest's console only. What it wants instead is written as a network: cloud-init 22.4
            // knows `default` only where it writes for netplan. And of a route to `::/0` it makes one to `::/64`
            // elsewhere, so that nothing can be said against `gateway6`.
            findings.warning(
                field.mark, path, "is deprecated by netplan, which takes it still",
                hint: "routes: [{to: 0.0.0.0/0, via: \(address)}]")
        }
    }

    fileprivate mutating func readRoutes(
        _ node: YAMLNode, into device: inout NetworkDevice, at path: DocumentPath
    ) {
        guard let members = findings.members(node, path) else { return }
        for (index, member) in members.enumerated() {
            let inner = path.member(index)
            let example = "{to: 0.0.0.0/0, via: 192.168.1.1}"
            guard let entries = findings.entries(member, inner, hint: "a route is a map: \(example)") else {
                continue
            }
            var route = NetworkDevice.Route()
            var isComplete = true
            for entry in entries {
                let inner = inner.key(entry.key)
                guard let shape = NetplanKeys.route[entry.key] else {
                    findings.unknown(entry, path.member(index), of: "a route", known: NetplanKeys.route.keys)
                    continue
                }
                check(entry.node, shape, inner)
                isComplete = read(entry, into: &route, at: inner) && isComplete
            }
            for key in ["to", "via"] where member.entry(key) == nil {
                if key == "via", !Self.needsRouter(member) { continue }
                findings.error(member.mark, inner, "has no \(key)", hint: "as in \(example)")
                isComplete = false
            }
            if isComplete { device.routes.append(.init(value: route, mark: member.mark, path: inner)) }
        }
    }

    /// Whether a route says nothing that makes it one without a router.
    private static func needsRouter(_ route: YAMLNode) -> Bool {
        let type = route.entry("type")?.node.text ?? "unicast"
        let scope = route.entry("scope")?.node.text ?? "global"
        return ["unicast", "anycast", "multicast", "nat", "xresolve"].contains(type) && scope == "global"
    }

    /// - Returns: whether the value says what it should.
    private mutating func read(
        _ entry: YAMLNode.Entry, into route: inout NetworkDevice.Route, at path: DocumentPath
    ) -> Bool {
        let node = entry.node
        switch entry.key {
        case "to":
            guard let text = findings.text(node, path) else { return false }
            if text == "default" { return true }
            guard let range = findings.destination(text, node.mark, path) else { return false }
            if let isIPv4 = route.isIPv4, isIPv4 != range.base.isIPv4 {
                findings.error(node.mark, path, "is no network of the family its router has")
                return false
            }
            route.isIPv4 = range.base.isIPv4
            route.to = range.prefix == 0 ? nil : range
        case "via":
            guard let address = findings.address(node, path) else { return false }
            if let isIPv4 = route.isIPv4, isIPv4 != address.isIPv4 {
                findings.error(node.mark, path, "is no address of the family the route leads to")
                return false
            }
            route.isIPv4 = address.isIPv4
            route.via = .init(value: address, mark: node.mark, path: path)
        case "from":
            return findings.text(node, path).flatMap { findings.destination($0, node.mark, path) } != nil
        case "on-link": route.isOnLink = findings.flag(node, path) ?? true
        case "metric": route.metric = findings.number(node, path, in: 0...Int64(UInt32.max)) ?? 0
        case "table": route.table = findings.number(node, path, in: 0...Int64(UInt32.max)) ?? 254
        case "scope": route.isLink = findings.choice(node, path, of: ["global", "link", "host"]) == "link"
        case "type": findings.choice(node, path, of: NetplanKeys.routeTypes)
        default: break
        }
        return true
    }

    fileprivate mutating func readPolicy(_ node: YAMLNode, at path: DocumentPath) {
        for (index, member) in (findings.members(node, path) ?? []).enumerated() {
            let inner = path.member(index)
            check(member, .map(NetplanKeys.policy), inner)
            for key in ["from", "to"] {
                guard let node = member.entry(key)?.node, let text = findings.text(node, inner.key(key))
                else { continue }
                if text != "default" { _ = findings.destination(text, node.mark, inner.key(key)) }
            }
        }
    }
}

extension NetworkFindings {
    /// The network of a route: `10.0.0.0/8`, or an address alone.
    mutating func destination(_ text: String, _ mark: YAMLMark, _ path: DocumentPath) -> IPRange? {
        if let address = IPAddress(text) { return IPRange(around: address, prefix: address.bytes.count * 8) }
        if !text.contains("/") {
            let isNear = nearestName(to: text, in: ["default"]) != nil
            error(
                mark, path, "is no network: \(quoted(text))",
                hint: isNear ? "did you mean default?" : "write default, or a network such as 10.0.0.0/8")
            return nil
        }
        guard let (address, prefix) = interfaceAddress(text, mark, path) else { return nil }
        let range = IPRange(around: address, prefix: prefix)
        if range.base != address {
            warning(mark, path, "is no network: \(text) is in \(range)", hint: "write \(range)")
        }
        return range
    }
}
