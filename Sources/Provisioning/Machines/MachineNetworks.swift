import Basics
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec

/// The networks that a machine's nics are on: which address each has there, and that the network knows it.
extension Machine {
    private func network(_ name: String) -> VirtualNetwork {
        var network = VirtualNetwork(name, on: hypervisor, state: state)
        network.script = script
        return network
    }

    /// The spec with all that its networks say: their descriptions, the address of each nic, given or chosen, and the
    /// guest's configuration of them. The same spec is settled the same way however often.
    ///
    /// - Parameter kept: what the machine is already; `nil` for a new one.
    /// - Throws: `Failure` with code `bad_field` for an address that cannot be, `in_use` for one that another machine
    ///   has.
    func addressed(_ spec: VMSpec, after kept: VMSpec?) throws(Failure) -> VMSpec {
        guard spec.nics.contains(where: { $0.network != nil || $0.address != nil }) else { return spec }
        var spec = spec
        for index in spec.nics.indices {
            let nic = spec.nics[index]
            let path = "nics[\(index + 1)]"
            guard let name = nic.network?.name else {
                if nic.address == nil { continue }
                throw Failure(
                    .badField, "\(path).address needs a network that limiq makes",
                    hint: "network = limiq.network { … }; on a bridge recipes.static_ip gives an address")
            }
            let known = try network(name).known()
            if let own = known?.spec {
                // A private network's group is known when it is there.
                if nic.network?.spec == nil { spec.nics[index].network = .described(own) }
                if var described = nic.network?.spec {
                    described.segment = own.segment
                    spec.nics[index].network = .described(described)
                }
            }
            guard let described = spec.nics[index].network?.spec else {
                guard nic.address == nil else {
                    throw Failure(
                        .badField,
                        "\(path).address: network \(name) is not limiq's, and gives its addresses itself",
                        hint: "leave address out, or describe a network with limiq.network")
                }
                continue
            }
            let member = NetworkMember.name(ofMachine: self.name, nic: index, of: spec.nics)
            let members = known?.members ?? []
            if let given = nic.address {
                try check(given, path, described, member, members)
                continue
            }
            let before = kept?.nics.first { $0.id == nic.id && $0.network?.name == name }?.address
            let address = try addressBook.address(
                of: member, on: described, host: hypervisor.uri, among: members,
                besides: known?.others ?? [],
                kept: before.flatMap(IPAddress.init)
            ) { address throws(Failure) in
                guard known?.isActive == true, described.lent?.contains(address) == true else { return false }
                let mac = spec.macAddress(ofNIC: index)
                return try hypervisor.networks?.leases(ofNetwork: name).contains {
                    $0.address == "\(address)" && $0.macAddress != mac
                } ?? false
            }
            spec.nics[index].address = "\(address)"
        }
        spec.addNetworkConfig()
        return spec
    }

    private func check(
        _ text: String, _ path: String, _ network: NetworkSpec, _ member: String, _ members: [NetworkMember]
    ) throws(Failure) {
        guard let address = IPAddress(text) else {
            throw Failure(
                .badField, "\(path).address \"\(text)\" is not an IPv4 address",
                hint: "an address of \(network.cidr), without a prefix length")
        }
        guard network.takes(address) else {
            let isRouter = address == network.range?.hostAddress
            throw Failure(
                .badField,
                isRouter
                    ? "\(path).address \(text) is the host's own on network \(network.name)"
                    : "\(path).address \(text) is no address of network \(network.name), \(network.cidr)",
                hint: "choose another, or leave it out to have one chosen")
        }
        for other in members where other.address == address && other.name != member {
            if other.machine != name {
                guard try !isGone(other.machine) else { continue }
            }
            throw Failure(
                .inUse,
                "\(path).address \(text) of vm \(name) is that of \(other.name) on network \(network.name) already",
                hint: "choose another, or leave it out to have one chosen", resource: name)
        }
    }

    /// Makes sure that the networks of a spec are there, or can be made.
    ///
    /// - Throws: `Failure` with code `bad_field` for a nic whose network or bridge is not there, and as
    ///   `VirtualNetwork.plan`.
    public func requireNetworks(_ spec: VMSpec) throws(Failure) {
        for (index, nic) in spec.nics.enumerated() {
            let path = "nics[\(index + 1)]"
            if let described = nic.network?.spec {
                _ = try network(described.name).plan(described)
                continue
            }
            guard !isOnTestDriver else { continue }
            if let network = nic.network?.name, try hypervisor.networks?.network(network) == nil {
                throw Failure(
                    .badField, "\(path).network: \(hypervisor.uri) has no network \(network)",
                    hint: "limiq network list shows those it has; limiq.network { … } describes a new one")
            }
            if let bridge = nic.bridge, !hypervisor.hasBridge(bridge) {
                throw Failure(
                    .badField, "\(path).bridge: the host has no bridge \(bridge)",
                    hint: "ip link show type bridge shows those it has")
            }
        }
    }

    /// Makes the networks of a spec that are not there, and has each know the machine.
    ///
    /// - Returns: the spec with what only networks that are there have.
    /// - Throws: as `VirtualNetwork.up`.
    func joinNetworks(_ spec: VMSpec) throws(Failure) -> VMSpec {
        var spec = spec
        for index in spec.nics.indices {
            guard let described = spec.nics[index].network?.spec,
                let address = spec.nics[index].address.flatMap(IPAddress.init)
            else { continue }
            let network = network(described.name)
            try network.up(described)
            let known = try network.requireKnown()
            if described.mode == .private, let own = known.spec { spec.nics[index].network = .described(own) }
            try network.admit(
                NetworkMember(
                    name: NetworkMember.name(ofMachine: name, nic: index, of: spec.nics),
                    owner: NetworkMember.mark(state), address: address,
                    address6: described.address6(beside: address),
                    macAddress: described.reserves ? spec.macAddress(ofNIC: index) : nil),
                isGone: isGone)
        }
        return spec
    }

    /// Whether nothing is left of another machine of this host, or will be by then.
    private func isGone(_ other: String) throws(Failure) -> Bool {
        if gone.contains(other) { return true }
        return try Machine(other, on: hypervisor, state: state).isGone()
    }

    /// Whether nothing is left of the machine, and nobody makes it: its addresses are another's to have.
    func isGone() throws(Failure) -> Bool {
        guard try hypervisor.domain(name) == nil, !FileLock.isHeld(MachineLock.path(self)) else {
            return false
        }
        return try keptDisks().isEmpty
    }

    /// Takes the machine's addresses back from networks that it is on no more.
    ///
    /// - Parameter other: the nics it still has.
    func leaveNetworks(_ nics: [NICSpec], but other: [NICSpec] = []) throws(Failure) {
        let kept = Set(other.compactMap(\.network?.name))
        for name in Set(nics.filter { $0.address != nil }.compactMap(\.network?.name)).subtracting(kept)
            .sorted()
        {
            try network(name).dismiss(machine: self.name)
        }
    }

    /// Starts the networks of limiq's that the nics are on, where somebody has stopped them.
    func startNetworks(_ nics: [NICSpec]) throws(Failure) {
        for nic in nics {
            guard let described = nic.network?.spec, described.hasServer else { continue }
            if let known = try network(described.name).known(), !known.isActive {
                try hypervisor.networks?.startNetwork(described.name)
            }
        }
    }
}

extension VMSpec {
    /// The addresses of the nics on networks of limiq's, IPv4 first.
    var fixedAddresses: [String] {
        let addresses = nics.compactMap { nic in nic.address.flatMap(IPAddress.init).map { (nic, $0) } }
        let beside = addresses.compactMap { $0.network?.spec?.address6(beside: $1) }
        return (addresses.map(\.1) + beside).map(\.description)
    }
}
