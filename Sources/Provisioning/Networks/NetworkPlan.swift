import Basics
import Hypervisors
import MachineSpec

/// The plan of what `up` does with a network.
public struct NetworkPlan: Sendable, Equatable {
    public enum Action: String, Sendable { case make, change, start, none }

    public var action = Action.none
    /// The fields that change, each with what it is and what it will be; `nil` for nothing.
    public var changes: [Difference] = []

    /// The plan of a network that is not there.
    public static var making: NetworkPlan { NetworkPlan(action: .make) }

    public struct Difference: Sendable, Equatable {
        public var field: String
        public var current: String?
        public var wanted: String?
    }
}

extension VirtualNetwork {
    /// The plan of what `up` with this spec would do now.
    ///
    /// - Throws: as `up`.
    public func plan(_ spec: NetworkSpec) throws(Failure) -> NetworkPlan {
        try spec.check()
        let networks = try networks()
        guard !spec.hasServer || networks.runsNetworks else {
            throw Failure(
                .hostNotAble,
                "network \(name): \(hypervisor.uri) runs no networks of mode \(spec.mode.rawValue)",
                hint:
                    "mode = \"private\" needs no root, and a nic on user networking beside it reaches the world; "
                    + "or --connect qemu:///system", resource: name)
        }
        guard let known = try known() else {
            try requireFreeRanges(spec)
            return NetworkPlan(action: .make)
        }
        let (_, current) = try requireOwn(known)
        let changes = current.differences(to: spec)
        guard changes.isEmpty else {
            try requireChangeable(changes, known, spec)
            return NetworkPlan(action: .change, changes: changes)
        }
        return NetworkPlan(action: spec.hasServer && !known.isActive ? .start : .none)
    }

    /// Makes sure that no guest is cut off, and that no machine has an address that would be none of the network's.
    private func requireChangeable(
        _ changes: [NetworkPlan.Difference], _ known: Known, _ spec: NetworkSpec
    ) throws(Failure) {
        let users = try users(known)
        let what = changes.map { "\($0.field) \($0.current ?? "none") → \($0.wanted ?? "none")" }
            .joined(separator: ", ")
        var active: [String] = []
        for user in users where try hypervisor.domain(user)?.state.isActive == true { active.append(user) }
        if !active.isEmpty {
            throw Failure(
                .inUse,
                "network \(name) cannot change while \(active.joined(separator: ", ")) runs on it: \(what)",
                hint: "shut down \(active.count == 1 ? "that machine" : "those machines") first",
                resource: name)
        }
        let lost = known.members.filter { !spec.takes($0.address) }.map { "\($0.name) (\($0.address))" }
        if !lost.isEmpty, !users.isEmpty {
            throw Failure(
                .inUse,
                "network \(name) has machines whose addresses would not be its own: "
                    + "\(lost.joined(separator: ", ")); \(what)",
                hint: "remove them first", resource: name)
        }
        if changes.contains(where: { $0.field == "cidr" || $0.field == "ipv6" }) {
            try requireFreeRanges(spec)
        }
    }
}

extension NetworkSpec {
    /// The fields in which another spec differs.
    func differences(to wanted: NetworkSpec) -> [NetworkPlan.Difference] {
        zip(facts, wanted.facts).compactMap { own, other in
            own.text == other.text
                ? nil : NetworkPlan.Difference(field: own.field, current: own.text, wanted: other.text)
        }
    }

    private var facts: [(field: String, text: String?)] {
        [
            ("cidr", range?.description), ("mode", mode.rawValue), ("ipv6", range6?.description),
            ("domain", domain), ("dhcp", dhcpText), ("mtu", mtu.map { String($0) }),
            ("dns", dns.isEmpty ? nil : nameservers.joined(separator: " ")),
        ]
    }

    private var dhcpText: String? {
        switch dhcp {
        case .off: "off"
        case nil, .from: lent.map { "\($0.lowerBound) to \($0.upperBound)" }
        }
    }
}
