import Basics
import JSONSchema
import MachineSpec
import YAML

/// The guest's network as a seed says it, put where the guest reads it.
///
/// The NoCloud datasource reads the network from `network-config` alone: a `network:` in user-data has no effect, in
/// silence. It is moved, and bound to the guest's nic where there is but one: the name a document was written with
/// (`ens3`) is seldom the one the guest's kernel gives (`enp1s0`), and netplan then configures nothing.
package struct SeedNetwork {
    /// The files as the seed is to hold them.
    package private(set) var spec: CloudInitSpec
    private(set) var findings: [CloudInitCheck.Finding] = []
    private let machine: String?
    private let name: String
    private let nics: [NICSpec]

    /// - Parameters:
    ///   - name: the machine's.
    ///   - nics: the machine's; none where it is not known.
    package init(_ spec: CloudInitSpec, name: String?, nics: [NICSpec]) {
        self.spec = spec
        machine = name
        self.name = name ?? ""
        self.nics = nics
        if let document = spec.userData, let text = document.text(as: .userData), text.contains("network"),
            UserDataHeader(of: text) == .cloudConfig,
            let root = (try? YAML.nodes(text))?.root, let entry = root.entry("network")
        {
            move(entry, of: root, document, text)
        }
        checkAddress()
        checkNICs()
    }

    // MARK: - Moving

    private mutating func move(
        _ entry: YAMLNode.Entry, of root: YAMLNode, _ document: CloudInitDocument, _ text: String
    ) {
        let path = DocumentPath().key("network")
        guard spec.networkConfig == nil else {
            findings.append(
                .init(
                    .error, file: .userData, at: entry.mark, path: path,
                    "is there beside network_config, which alone has an effect",
                    hint: "leave one of them"))
            return
        }
        findings.append(
            .init(
                .warning, file: .userData, at: entry.mark, path: path,
                "has no effect in user-data: it is moved to network-config",
                hint: "write it into network_config"))
        findings += NetworkConfigCheck.check(
            entry.node, file: .userData, at: path, macs: NetworkConfigCheck.macs(of: nics, machine: machine))
        spec.networkConfig = .table(bound(entry.node, at: path))
        spec.userData = Self.without(entry, root, document, text)
    }

    /// The user-data without the entry: other lines stay as they were written.
    private static func without(
        _ entry: YAMLNode.Entry, _ root: YAMLNode, _ document: CloudInitDocument, _ text: String
    ) -> CloudInitDocument {
        guard case .map(var map) = root.value else { return document }
        map[entry.key] = nil
        guard !document.isTable else { return .table(.map(map)) }
        if case .map(let entries) = root.content, entry.mark.column == 1 {
            // By bytes: to Swift a carriage return and a line feed are one character.
            let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let next = entries.map(\.mark.line).filter { $0 > entry.mark.line }.min() ?? lines.count + 1
            let kept = lines.prefix(entry.mark.line - 1) + lines.dropFirst(next - 1)
            var rest = kept.map { String(decoding: Array($0), as: UTF8.self) }.joined(separator: "\n")
            if !rest.hasSuffix("\n") { rest += "\n" }
            // Not so where an anchor stood in it, or the map is in braces.
            let value = try? YAML.parse(rest)
            if value == .map(map) || (value == .null && map.isEmpty) { return document.rewritten(rest) }
        }
        return document.rewritten(CloudConfig.userData(from: .map(map)))
    }

    // MARK: - Binding to the nic

    private mutating func bound(_ config: YAMLNode, at path: DocumentPath) -> Value {
        guard case .map(var map) = config.value else { return config.value }
        if config.entry("version")?.node.value == 1 {
            bindVersion1(config, &map, path)
        } else {
            bindVersion2(config, &map, path)
        }
        return .map(map)
    }

    private mutating func bindVersion2(_ config: YAMLNode, _ map: inout Map, _ path: DocumentPath) {
        guard case .map(let devices)? = config.entry("ethernets")?.node.content else { return }
        let path = path.key("ethernets")
        for device in devices where device.node.entry("match") == nil {
            guard devices.count == 1, let address = onlyAddress, var fields = device.node.value.map else {
                reportName(device.key, device.mark, path.key(device.key), "match: {macaddress: …}")
                continue
            }
            fields["match"] = ["macaddress": .string(address)]
            fields["set-name"] = fields["set-name"] ?? .string(device.key)
            map["ethernets"] = .map(Map([.init(key: device.key, value: .map(fields))]))
            reportBinding(device.key, address, device.mark, path.key(device.key))
        }
    }

    private mutating func bindVersion1(_ config: YAMLNode, _ map: inout Map, _ path: DocumentPath) {
        guard case .list(let devices)? = config.entry("config")?.node.content else { return }
        let physical = devices.indices.filter { devices[$0].entry("type")?.node.value == "physical" }
        for index in physical where devices[index].entry("mac_address") == nil {
            guard let name = devices[index].entry("name") else { continue }
            let path = path.key("config").member(index)
            guard physical.count == 1, let address = onlyAddress, var fields = devices[index].value.map else {
                reportName(name.node.text ?? "", name.mark, path, "mac_address: …")
                continue
            }
            fields["mac_address"] = .string(address)
            var members = devices.map(\.value)
            members[index] = .map(fields)
            map["config"] = .list(members)
            reportBinding(name.node.text ?? "", address, name.mark, path)
        }
    }

    /// The MAC address of the only nic.
    private var onlyAddress: String? {
        guard nics.count == 1 else { return nil }
        return (nics[0].macAddress ?? NICSpec.macAddress(ofMachine: name, nic: 0)).lowercased()
    }

    private mutating func reportBinding(
        _ name: String, _ address: String, _ mark: YAMLMark, _ path: DocumentPath
    ) {
        findings.append(
            .init(
                .warning, file: .userData, at: mark, path: path,
                "is bound to the VM's only nic, \(address), which the guest is to call \(name)"))
    }

    private mutating func reportName(
        _ name: String, _ mark: YAMLMark, _ path: DocumentPath, _ way: String
    ) {
        findings.append(
            .init(
                .warning, file: .userData, at: mark, path: path,
                "has an effect only if the guest itself calls a nic \(name)",
                hint: "name the nic by its address: \(way)"))
    }

    // MARK: - Nics that nothing configures

    /// Tells of nics that come up without an address: a guest without a `network-config` asks by DHCP on one nic, and with
    /// one it leaves every nic alone that is not in it.
    private mutating func checkNICs() {
        // limiq writes what a network of its own says, and DHCP for the others.
        guard nics.count > 1, !nics.contains(where: { $0.network?.spec != nil }) else { return }
        guard let configured = configuredNICs else { return }
        for index in nics.indices {
            let address = nics[index].macAddress ?? NICSpec.macAddress(ofMachine: name, nic: index)
            guard !configured.contains(address.lowercased()) else { continue }
            findings.append(
                .init(
                    .warning, file: .networkConfig, at: nil,
                    "nothing configures nics[\(index + 1)], \(nics[index].id): the guest leaves it without an address",
                    hint: "recipes.dhcp { nic = \(index + 1) } or recipes.static_ip { nic = \(index + 1), … }"
                ))
        }
    }

    /// The MAC addresses of the nics that the guest configures; `nil` where the document names nics otherwise.
    private var configuredNICs: Set<String>? {
        guard let text = spec.networkConfig?.text(as: .networkConfig) else {
            guard spec.networkConfig == nil else { return nil }
            return [(nics[0].macAddress ?? NICSpec.macAddress(ofMachine: name, nic: 0)).lowercased()]
        }
        guard let root = (try? YAML.nodes(text))?.root else { return nil }
        let config = root.entry("network")?.node ?? root
        var addresses: [String?] = []
        if case .map(let devices)? = config.entry("ethernets")?.node.content {
            addresses = devices.map { $0.node.entry("match")?.node.entry("macaddress")?.node.text }
        } else if case .list(let devices)? = config.entry("config")?.node.content {
            addresses = devices.filter { $0.entry("type")?.node.value == "physical" }
                .map { $0.entry("mac_address")?.node.text }
        }
        let known = addresses.compactMap { $0?.lowercased() }
        return known.count == addresses.count && !known.isEmpty ? Set(known) : nil
    }

    // MARK: - The guest's address

    /// The network of QEMU's user networking.
    private static let userNetwork = "10.0.2."

    private var isOnUserNetwork: Bool {
        nics.count == 1 && nics[0].isUser
    }

    /// The IPv4 address the guest gives itself on user networking, where it does: forwards lead to 10.0.2.15 unless
    /// told.
    package var userAddress: String? {
        guard isOnUserNetwork, let found = staticAddress, found.address.hasPrefix(Self.userNetwork) else {
            return nil
        }
        return found.address
    }

    private mutating func checkAddress() {
        guard isOnUserNetwork, let found = staticAddress, !found.address.hasPrefix(Self.userNetwork) else {
            return
        }
        // What was moved has its place in user-data, and the author knows no other.
        let isMoved = spec.userData != nil && findings.contains { $0.path == "network" }
        let path = isMoved ? DocumentPath().key("network") : DocumentPath()
        findings.append(
            .init(
                .warning, file: isMoved ? .userData : .networkConfig,
                at: isMoved ? findings.first?.mark : found.mark, path: path,
                "gives the guest \(found.address), and on user networking it reaches nothing from there",
                hint:
                    "an address such as 10.0.2.50/24 with the gateway 10.0.2.2, or a nic on a bridge or network"
            ))
    }

    /// The first IPv4 address of the only interface, where it does not ask for another by DHCP.
    private var staticAddress: (address: String, mark: YAMLMark)? {
        guard let text = spec.networkConfig?.text(as: .networkConfig),
            let root = (try? YAML.nodes(text))?.root
        else { return nil }
        let config = root.entry("network")?.node ?? root
        var candidates: [YAMLNode] = []
        if case .map(let devices)? = config.entry("ethernets")?.node.content, devices.count == 1,
            devices[0].node.entry("dhcp4")?.node.value != true,
            case .list(let addresses)? = devices[0].node.entry("addresses")?.node.content
        {
            candidates = addresses
        } else if case .list(let devices)? = config.entry("config")?.node.content,
            let device = devices.first(where: { $0.entry("type")?.node.value == "physical" }),
            case .list(let subnets)? = device.entry("subnets")?.node.content
        {
            candidates = subnets.filter { $0.entry("type")?.node.value == "static" }
                .compactMap { $0.entry("address")?.node }
        }
        for candidate in candidates {
            // netplan takes `{10.0.2.50/24: {label: x}}` as well.
            let text = candidate.text ?? candidate.value.map?.keys.first ?? ""
            let address = text.prefix { $0 != "/" }
            let parts = address.split(separator: ".", omittingEmptySubsequences: false)
            if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) {
                return (String(address), candidate.mark)
            }
        }
        return nil
    }
}
