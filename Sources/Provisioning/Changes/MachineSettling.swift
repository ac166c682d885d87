import Basics
import Hypervisors
import MachineSpec
import Synchronization

/// What a spec leaves to limiq, settled: the nic of a machine whose script says nothing of nics, the host's ports of its
/// forwards, and its addresses on networks. What was chosen once stays for the machine's life: its record has it.
extension Machine {
    /// The settled spec of a machine that is only looked at.
    ///
    /// - Parameter kept: what the machine is, or will be by then; `nil` for a new one.
    public func settled(_ spec: VMSpec, after kept: VMSpec?) throws(Failure) -> VMSpec {
        try settled(spec, after: kept, holding: ChosenPorts())
    }

    /// The settled spec of a machine as it stands.
    public func settled(_ spec: VMSpec) throws(Failure) -> VMSpec {
        guard let domain = try hypervisor.domain(name) else {
            return try settled(spec, after: try keptRecord(beside: spec)?.spec)
        }
        return try settled(spec, after: try domainNow(domain).record.spec)
    }

    /// The addresses that a machine of this spec has for life, whether it is there or not, IPv4 first.
    public func fixedAddresses(of spec: VMSpec) throws(Failure) -> [String] {
        guard spec.nics.contains(where: { $0.network != nil }) else { return [] }
        return try settled(spec).fixedAddresses
    }

    /// - Parameters:
    ///   - kept: what the machine is already; `nil` for a new one.
    ///   - ports: holds the ports that are chosen, as long as it lives.
    /// - Throws: `Failure` with code `port_in_use` where no port is free.
    func settled(
        _ spec: VMSpec, after kept: VMSpec?, holding ports: ChosenPorts
    ) throws(Failure) -> VMSpec {
        var spec = spec
        // One that could not go on stands on another image than its script says.
        if let kept, let warm = try? warmImage(of: spec),
            kept.disks.contains(where: { $0.backingFile == warm.base })
        {
            spec.standOnBase(of: warm)
        }
        if spec.nics == [.standard] { spec.nics = try standardNICs(after: kept) }
        for index in spec.nics.indices {
            let nic = spec.nics[index]
            let known = kept?.nics.first { $0.id == nic.id }?.forward ?? []
            for place in nic.forward.indices where nic.forward[place].host == PortForward.chosen {
                let forward = nic.forward[place]
                let port = known.first { old in
                    old.isSameWay(as: forward)
                        && !spec.nics.flatMap(\.forward).contains { $0.isSamePort(as: old) }
                }
                if let port {
                    spec.nics[index].forward[place] = port
                    continue
                }
                spec.nics[index].forward[place] = try chosenPort(
                    forward, nic.id, besides: spec.nics.flatMap(\.forward), ports)
            }
        }
        try spec.addShareMounts()
        return try addressed(spec, after: kept)
    }

    /// The nics of a machine whose script says nothing of them. One that was made without stays so.
    private func standardNICs(after kept: VMSpec?) throws(Failure) -> [NICSpec] {
        var nic = NICSpec.standard
        if let kept {
            if kept.nics.isEmpty { return [] }
            // As it was chosen.
            if let old = kept.nics.first(where: { $0.id == nic.id }), kept.nics.count == 1 { return [old] }
            return [nic]
        }
        // Of these no guest ever asks for an address.
        if isOnTestDriver { return [] }
        // A network that is only there may not be able to start.
        // Where nobody can be asked for networks, user networking needs none.
        if (try? hypervisor.networks?.network("default"))??.isActive == true {
            nic.network = "default"
            nic.forward = []
        }
        return [nic]
    }

    private func chosenPort(
        _ forward: PortForward, _ nic: String, besides own: [PortForward], _ ports: ChosenPorts
    ) throws(Failure) -> PortForward {
        let owner = "\(state.root)\0\(folderName)"
        return try portsByOwner.withLock { known throws(Failure) -> PortForward in
            let host = isLocal ? "" : hypervisor.uri
            if known[state.root] == nil { known[state.root] = recordedPorts() }
            let chosen = try ports.choose(forward, of: owner, nic: nic, isLocal: isLocal) { candidate in
                own.contains(where: candidate.isSamePort)
                    || known[state.root]?.contains {
                        $0.host == host && $0.machine != folderName && $0.forward.isSamePort(as: candidate)
                    } == true
            }
            known[state.root]?.append(OwnedPort(host: host, machine: folderName, forward: chosen))
            return chosen
        }
    }

    /// The ports that machines of this state folder have, whether they run or not.
    private func recordedPorts() -> [OwnedPort] {
        ((try? namesInFolder(state.machines)) ?? []).flatMap { name -> [OwnedPort] in
            guard let journal = MachineJournal.read(in: "\(state.machines)/\(name)") else { return [] }
            let host = HypervisorURI(journal.uri).isLocal ? "" : journal.uri
            return (journal.record?.spec.nics ?? []).flatMap(\.forward).map {
                OwnedPort(host: host, machine: name, forward: $0)
            }
        }
    }
}

private struct OwnedPort: Sendable {
    /// The host's URI; empty for this one, whichever of its hypervisors.
    var host: String
    /// The machine's folder.
    var machine: String
    var forward: PortForward
}

/// The ports of the machines of each state folder, as this process found them and chose them.
private let portsByOwner = Mutex<[String: [OwnedPort]]>([:])
