import Basics
import MachineSpec
import Synchronization

/// The addresses that machines of one run have or are to have on its networks: those that a script has given, and those that
/// were chosen. What is made stands in the networks themselves; the book knows what is not made yet, so that every clash
/// is said before anything is.
public final class AddressBook: Sendable {
    private struct Claim {
        var network: String
        var address: IPAddress?
        var macAddress: String?
        /// The field's path: `nics[1]`.
        var path: String
    }

    private struct Place: Hashable {
        /// The host's URI as the script named it; `nil` for the run's own.
        var host: String?
        var machine: String
    }

    private struct State {
        /// The claims of the machines that the script has described.
        var claims: [Place: [Claim]] = [:]
        /// The networks that the script has described.
        var networks: [Place: NetworkSpec] = [:]
        /// The addresses that were chosen, by host, network and member.
        var chosen: [String: [String: IPAddress]] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    // MARK: - What a script describes

    /// Notes a network that the script describes, and whether two are one another's.
    ///
    /// - Throws: `Failure` with code `bad_field` for another network of this name, `in_use` for one with its addresses.
    public func note(_ network: NetworkSpec, on host: String?) throws(Failure) {
        try state.withLock { state throws(Failure) in
            for (place, other) in state.networks where place.host == host {
                if other.name == network.name {
                    let differences = other.differences(to: network)
                    guard let first = differences.first else { continue }
                    throw Failure(
                        .badField,
                        "network \(network.name) is described twice: \(first.field) is \(first.current ?? "none") "
                            + "and \(first.wanted ?? "none")",
                        hint: "describe it once, and give nics that one", resource: network.name)
                }
                let ranges = [other.range, other.range6].compactMap(\.self)
                for range in [network.range, network.range6].compactMap(\.self)
                where ranges.contains(where: range.overlaps) {
                    throw Failure(
                        .inUse, "network \(network.name): \(range) has addresses of network \(other.name)",
                        hint: "choose a range that nobody has", resource: network.name)
                }
            }
            state.networks[Place(host: host, machine: network.name)] = network
        }
    }

    /// Notes a machine that the script describes; a machine of this name that was described before is forgotten.
    ///
    /// - Throws: `Failure` with code `in_use` where another machine has one of its addresses on the same network.
    public func note(_ spec: VMSpec, on host: String?) throws(Failure) {
        var claims: [Claim] = []
        for (index, nic) in spec.nics.enumerated() {
            guard let network = nic.network else { continue }
            if let network = network.spec { try note(network, on: host) }
            claims.append(
                Claim(
                    network: network.name, address: nic.address.flatMap(IPAddress.init),
                    macAddress: spec.macAddress(ofNIC: index), path: "nics[\(index + 1)]"))
        }
        let place = Place(host: host, machine: spec.name)
        guard !claims.isEmpty || state.withLock({ $0.claims[place] != nil }) else { return }
        try state.withLock { state throws(Failure) in
            for (other, theirs) in state.claims where other.host == host && other.machine != spec.name {
                for claim in claims {
                    for their in theirs where their.network == claim.network {
                        if let address = claim.address, address == their.address {
                            throw Self.taken(
                                "\(claim.path).address \(address)", of: spec.name, by: other.machine,
                                claim.network)
                        }
                        if let address = claim.macAddress, address == their.macAddress {
                            throw Self.taken(
                                "\(claim.path).mac_address \(address)", of: spec.name, by: other.machine,
                                claim.network)
                        }
                    }
                }
            }
            for claim in claims {
                guard let address = claim.address else { continue }
                for (key, chosen) in state.chosen where key.hasSuffix(" \(claim.network)") {
                    let other = chosen.first {
                        $0.value == address && $0.key != spec.name && !$0.key.hasSuffix(".\(spec.name)")
                    }
                    if let other {
                        throw Self.taken(
                            "\(claim.path).address \(address)", of: spec.name, by: other.key, claim.network)
                    }
                }
            }
            state.claims[place] = claims
        }
    }

    private static func taken(
        _ what: String, of machine: String, by other: String, _ network: String
    ) -> Failure {
        Failure(
            .inUse, "\(what) of vm \(machine) is that of \(other) on network \(network) already",
            hint: "give one of the two another; left out, one is chosen", resource: machine)
    }

    // MARK: - Choosing

    /// The address of a member: the one it has, else a free one, which is then its own for this run.
    ///
    /// - Parameters:
    ///   - host: the hypervisor's URI.
    ///   - members: those that the network has.
    ///   - others: the addresses that others than limiq have given.
    ///   - kept: the address that the machine had before; it has it again where nobody else does.
    ///   - isLent: whether the DHCP server has lent an address to somebody.
    func address(
        of member: String, on network: NetworkSpec, host: String, among members: [NetworkMember],
        besides others: Set<IPAddress>, kept: IPAddress?, isLent: (IPAddress) throws(Failure) -> Bool
    ) throws(Failure) -> IPAddress {
        if let own = members.first(where: { $0.name == member })?.address, network.takes(own) { return own }
        return try state.withLock { state throws(Failure) in
            let key = "\(host) \(network.name)"
            // What the script has given it elsewhere.
            let given = state.claims.first { $0.key.machine == member }?.value.first {
                $0.network == network.name
            }
            if let own = given?.address, network.takes(own) { return own }
            if let own = state.chosen[key]?[member], network.takes(own) { return own }
            var taken = Set(members.map(\.address)).union(others)
            for (name, address) in state.chosen[key] ?? [:] where name != member { taken.insert(address) }
            for claims in state.claims.values {
                for claim in claims where claim.network == network.name {
                    if let address = claim.address { taken.insert(address) }
                }
            }
            func choose(_ address: IPAddress) -> IPAddress {
                state.chosen[key, default: [:]][member] = address
                return address
            }
            if let kept, network.takes(kept), !taken.contains(kept) { return choose(kept) }
            guard let hosts = network.hosts else {
                throw Failure(.internal, "network \(network.name) has no addresses for machines")
            }
            var candidate: IPAddress? = hosts.first
            while let address = candidate, address <= hosts.last {
                if !taken.contains(address), try !isLent(address) { return choose(address) }
                candidate = address.advanced(by: 1)
            }
            throw Failure(
                .inUse, "network \(network.name) has no free address left in \(network.cidr)",
                hint: "remove machines from it, or choose a larger range", resource: network.name)
        }
    }

    /// Forgets a machine that was removed: its addresses are another's to have.
    func forget(machine: String, host: String) {
        state.withLock { state in
            for place in state.claims.keys where place.machine == machine { state.claims[place] = nil }
            for key in state.chosen.keys where key.hasPrefix("\(host) ") {
                for member in (state.chosen[key] ?? [:]).keys
                where member == machine || member.hasSuffix(".\(machine)") {
                    state.chosen[key]?[member] = nil
                }
            }
        }
    }

    /// Forgets a network that was removed: it may be described anew.
    public func forget(network: String) {
        state.withLock { state in
            for place in state.networks.keys where place.machine == network { state.networks[place] = nil }
        }
    }
}
