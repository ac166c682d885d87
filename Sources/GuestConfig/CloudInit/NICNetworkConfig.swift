import Basics
import MachineSpec
import YAML

extension VMSpec {
    /// Adds to the guest's `network-config` what the networks of its nics say: the addresses, routes and nameservers.
    ///
    /// A guest with a `network-config` configures no nic that is not in it, so that each other nic asks by DHCP. What a
    /// script says of a nic stays as it is, and so does a document that is text.
    package mutating func addNetworkConfig() {
        guard var cloudInit, nics.contains(where: { $0.network?.spec != nil && $0.address != nil }) else {
            return
        }
        var config: Map
        switch cloudInit.networkConfig {
        case nil:
            // A network in user-data is moved to network-config.
            if let text = cloudInit.userData?.text(as: .userData), hasNetwork(text) { return }
            config = ["version": 2, "ethernets": [:]]
        case .table(let table):
            guard let map = table.map, map["version"] == 2 else { return }
            config = map
        default: return
        }
        var ethernets = config["ethernets"]?.map ?? [:]
        let said = Set(
            ethernets.entries.compactMap { $0.value["match"]?["macaddress"]?.string?.lowercased() })
        let routed = defaultRoute
        for (index, nic) in nics.enumerated() {
            guard let mac = macAddress(ofNIC: index), !said.contains(mac) else { continue }
            let name = "eth\(index)"
            guard ethernets[name] == nil else { continue }
            var fields: Map = ["match": ["macaddress": .string(mac)], "set-name": .string(name)]
            if let network = nic.network?.spec, let address = nic.address {
                fields.add(network, address, isDefault: routed == index)
            } else {
                fields["dhcp4"] = true
            }
            ethernets[name] = .map(fields)
        }
        config["ethernets"] = .map(ethernets)
        cloudInit.networkConfig = .table(.map(config))
        self.cloudInit = cloudInit
    }

    private func hasNetwork(_ userData: String) -> Bool {
        guard userData.contains("network"), let root = (try? YAML.nodes(userData))?.root else {
            return false
        }
        return root.entry("network") != nil
    }

    /// The nic by which the guest reaches the world, where no DHCP server tells it another way.
    private var defaultRoute: Int? {
        guard nics.allSatisfy({ $0.network?.spec != nil }) else { return nil }
        return nics.firstIndex { $0.network?.spec?.leadsOut == true }
    }
}

extension Map {
    fileprivate mutating func add(_ network: NetworkSpec, _ text: String, isDefault: Bool) {
        guard let range = network.range, let address = IPAddress(text) else { return }
        var addresses: [Value] = [.string("\(address)/\(range.prefix)")]
        if let range6 = network.range6, let address6 = network.address6(beside: address) {
            addresses.append(.string("\(address6)/\(range6.prefix)"))
        }
        self["addresses"] = .list(addresses)
        if network.range6 == nil { self["accept-ra"] = false }
        if let mtu = network.mtu { self["mtu"] = .int(Int64(mtu)) }
        // As recipes.static_ip writes them, which every renderer of cloud-init takes.
        if isDefault, let router = network.router {
            self["routes"] = [["to": "0.0.0.0/0", "via": .string("\(router)")]]
        }
        if isDefault, let router = network.router6 { self["gateway6"] = .string("\(router)") }
        guard let server = network.router else { return }
        var nameservers: Map = ["addresses": [.string("\(server)")]]
        if let domain = network.domain { nameservers["search"] = [.string(domain)] }
        self["nameservers"] = .map(nameservers)
    }
}
