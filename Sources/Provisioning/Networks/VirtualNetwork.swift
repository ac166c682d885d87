import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// A network by its name on one hypervisor: one of limiq's, or any other there as far as it needs no more than a name.
public struct VirtualNetwork: Sendable {
    public let name: String
    public let hypervisor: any Hypervisor
    let state: StateFolder
    /// The script that works on it; `nil` for no script.
    public var script: String?
    /// The routes of this host, as the kernel lists them; others in tests.
    var routes: @Sendable () -> [HostRoute] = HostRoute.all

    public init(_ name: String, on hypervisor: any Hypervisor, state: StateFolder) {
        self.name = name
        self.hypervisor = hypervisor
        self.state = state
    }

    /// What is known of a network that is there.
    struct Known {
        var isActive: Bool
        var uuid: String
        /// limiq's record, where it is this network's own: a copy of one has the same.
        var record: NetworkRecord?
        /// The spec, of one that limiq made.
        var spec: NetworkSpec?
        var ranges: [IPRange]
        var members: [NetworkMember]
        /// The addresses that others have put into its DNS or its DHCP server.
        var others: Set<IPAddress>
        /// The elements that others have put there, which a change keeps.
        var foreign: NetworkXML.Foreign

        init(_ summary: NetworkSummary) throws(Failure) {
            let node = try XMLReader.parse(summary.xml)
            isActive = summary.isActive
            uuid = node.first("uuid")?.text.trimmed() ?? ""
            ranges = node.ipRanges
            (members, others) = NetworkMember.all(of: node)
            foreign = NetworkXML.Foreign(node)
            if let record = try NetworkRecord(of: node), record.name == summary.name, record.uuid == uuid {
                self.record = record
                spec = NetworkSpec(node, record)
            }
        }
    }

    /// - Throws: `Failure` with code `host_not_able` for a host without networks.
    func networks() throws(Failure) -> any HostNetworks {
        guard let networks = hypervisor.networks else {
            throw Failure(.hostNotAble, "\(hypervisor.uri) has no networks", hint: "leave network out")
        }
        return networks
    }

    func known() throws(Failure) -> Known? {
        try hypervisor.networks?.network(name).map { summary throws(Failure) in try Known(summary) }
    }

    /// The network as it is.
    ///
    /// - Throws: `Failure` with code `not_found` where there is none of this name.
    func requireKnown() throws(Failure) -> Known {
        if let known = try known() { return known }
        let names = try networks().networkNames()
        let nearest = nearestName(to: name, in: names)
        throw Failure(
            .notFound, "there is no network \(name) on \(hypervisor.uri)",
            hint: nearest.map { "did you mean \($0)?" } ?? "limiq network list shows those that are there",
            resource: name)
    }

    /// - Throws: `Failure` with code `not_ours` for a network that limiq did not make, or that a newer one did.
    func requireOwn(_ known: Known) throws(Failure) -> (record: NetworkRecord, spec: NetworkSpec) {
        guard let record = known.record, let spec = known.spec else {
            throw Failure(
                .notOurs, "the network \(name) on \(hypervisor.uri) was not made by limiq, and is left alone",
                hint: "choose another name; nics take it as it is by network = \"\(name)\"", resource: name)
        }
        guard record.version <= NetworkRecord.currentVersion else {
            throw Failure(
                .notOurs,
                "network \(name) on \(hypervisor.uri) was made by a newer limiq, and is left as it is",
                hint: "use that one", resource: name)
        }
        return (record, spec)
    }

    /// Runs `body` while no other limiq of this state folder changes the network.
    func hold<Result>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let folder = state.root + "/networks"
        try makeFolders(folder)
        let host = HypervisorURI(hypervisor.uri)
        let place = host.isLocal ? name : "\(name)@\(host.fileName)"
        return try FileLock.hold("\(folder)/.\(place).lock", for: "network \(name)", Cancellation(), body)
    }

    // MARK: - Making and changing

    /// Brings the network to what a spec says: makes and starts what is missing, changes what differs; does nothing where
    /// all is so already.
    ///
    /// - Returns: whether something was done.
    /// - Throws: `Failure` with code `bad_field`, `in_use` for a range that others have or a change that guests would
    ///   not survive, `not_ours`, `host_not_able`.
    @discardableResult
    public func up(_ spec: NetworkSpec) throws(Failure) -> Bool {
        try hold { () throws(Failure) in
            let plan = try plan(spec)
            let networks = try networks()
            switch plan.action {
            case .none: return false
            case .start: break
            case .make:
                try networks.defineNetwork(
                    try description(of: spec, uuid: UUID().uuidString.lowercased()), autostart: spec.hasServer
                )
            case .change:
                let known = try requireKnown()
                try networks.defineNetwork(
                    try description(
                        of: spec, uuid: known.uuid, segment: known.record?.segment,
                        members: Self.kept(known.members, in: spec), foreign: known.foreign),
                    autostart: spec.hasServer)
                if known.isActive { try networks.stopNetwork(name) }
            }
            guard spec.hasServer else { return true }
            do throws(Failure) { try networks.startNetwork(name) } catch {
                var failure = error
                if plan.action == .make {
                    do throws(Failure) { try networks.undefineNetwork(name) } catch {
                        failure.add(hint: "limiq network rm \(name) removes what is left of it")
                    }
                }
                throw failure
            }
            return true
        }
    }

    /// The members that a changed network keeps: those whose addresses it still has.
    private static func kept(_ members: [NetworkMember], in spec: NetworkSpec) -> [NetworkMember] {
        members.filter { spec.takes($0.address) }.map { member in
            var member = member
            member.address6 = spec.address6(beside: member.address)
            if !spec.reserves { member.macAddress = nil }
            return member
        }
    }

    private func description(
        of spec: NetworkSpec, uuid: String, segment: String? = nil, members: [NetworkMember] = [],
        foreign: NetworkXML.Foreign = NetworkXML.Foreign()
    ) throws(Failure) -> String {
        let record = NetworkRecord(
            spec, uuid: uuid, owner: MachineRecord.currentOwner(), script: script,
            segment: segment ?? Self.segment())
        return try NetworkXML(spec: spec, record: record, members: members, foreign: foreign).text()
    }

    /// A multicast group of those that no other network is likely to have (RFC 2365, section 6.2), and a port.
    private static func segment() -> String {
        let group = (0..<3).map { _ in String(UInt8.random(in: 1...254)) }
        return "239.\(group.joined(separator: ".")):\(UInt16.random(in: 20_000...60_000))"
    }

    // MARK: - Removing

    /// Removes the network.
    ///
    /// - Returns: `false` where there is none.
    /// - Throws: `Failure` with code `in_use` while a machine is on it, `not_ours` for one that limiq did not make.
    @discardableResult
    public func remove() throws(Failure) -> Bool {
        try hold { () throws(Failure) in
            guard try removal() else { return false }
            let networks = try networks()
            if try requireKnown().isActive { try networks.stopNetwork(name) }
            try networks.undefineNetwork(name)
            return true
        }
    }

    /// Looks whether the network may be removed.
    ///
    /// - Parameter gone: the machines that will be gone by then.
    /// - Returns: `false` where there is none.
    /// - Throws: as `remove`.
    public func removal(after gone: Set<String> = []) throws(Failure) -> Bool {
        guard let known = try known() else { return false }
        _ = try requireOwn(known)
        let users = try users(known).filter { !gone.contains($0) }
        guard users.isEmpty else {
            throw Failure(
                .inUse, "network \(name) is in use by \(users.joined(separator: ", "))",
                hint: "remove \(users.count == 1 ? "that machine" : "those machines") first", resource: name)
        }
        return true
    }

    /// The machines and other domains on the network, in order.
    func users(_ known: Known) throws(Failure) -> [String] {
        let uses = try hypervisor.uses()
        var users = Set(
            uses.domains.values.filter { uses in uses.nics.contains { $0.segment == .network(name) } }.map(
                \.name))
        // A nic on a private network is none of libvirt's.
        users.formUnion(known.members.map(\.machine).filter { uses.domains[$0] != nil })
        return users.sorted()
    }
}
