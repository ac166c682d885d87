import Basics
import HostFiles
import Hypervisors
import MachineSpec

/// The facts that `limiq list` and `limiq show` tell of a machine.
public struct MachineInfo: Sendable, Equatable {
    public var name: String
    public var uuid: String
    public var state: DomainState
    /// The record limiq keeps in the domain; `nil` for a domain limiq did not make, or where it was not asked for.
    public var record: MachineRecord?
    /// The guest's own addresses; empty where it is off.
    public var addresses: [String]
    /// The forwards that are set now; empty where the guest is off.
    public var forwards: [PortForward]
}

extension MachineInfo {
    /// The guest's addresses that others reach: those on networks and bridges. The one it has on user networking is known
    /// to nobody else.
    public var reachableAddresses: [String] {
        guard let record, record.spec.nics.contains(where: \.isUser) else { return addresses }
        // QEMU's router gives a guest an address of IPv6 as well, below the prefix of its own.
        return addresses.filter { $0 != record.userAddress ?? "10.0.2.15" && !$0.hasPrefix("fec0:") }
    }
}

extension Machine {
    /// - Parameter withGuest: its addresses and forwards as well, which need a look at the guest.
    /// - Throws: `Failure` with code `not_found`.
    public func info(withGuest: Bool = true) throws(Failure) -> MachineInfo {
        let domain = try requireDomain()
        let record = withGuest ? try record() : nil
        var info = MachineInfo(
            name: name, uuid: domain.uuid, state: domain.state, record: record, addresses: [], forwards: [])
        guard withGuest, domain.state.isActive else { return info }
        info.addresses = (try? addresses()) ?? []
        let nics = record?.spec.nics ?? []
        if nics.contains(where: { !$0.forward.isEmpty }),
            let text = try? hypervisor.monitor(name, "info usernet")
        {
            let present = PortForwards.parse(text).values.flatMap(\.self)
            info.forwards = nics.flatMap(\.forward).filter(present.contains)
        }
        return info
    }

    /// The machines limiq made on this hypervisor, by name.
    public static func list(on hypervisor: any Hypervisor, state: StateFolder) throws(Failure) -> [Machine] {
        var machines: [Machine] = []
        for domain in try hypervisor.domains().sorted(by: { comesBefore($0.name, $1.name) }) {
            let machine = Machine(domain.name, on: hypervisor, state: state)
            // A domain that goes away meanwhile, or whose record is of a newer limiq, is none of ours to show.
            if (try? machine.record(of: domain)) != nil { machines.append(machine) }
        }
        return machines
    }
}
