import Basics
import Hypervisors
import MachineSpec

extension VirtualNetwork {
    /// Gives a member its addresses for life: in the network's DNS and its DHCP server, while it runs too.
    ///
    /// - Parameter isGone: whether nothing is left of a machine, and nobody makes it.
    /// - Throws: `Failure` with code `in_use` where another member has one of them.
    func admit(
        _ member: NetworkMember, isGone: (_ machine: String) throws(Failure) -> Bool
    ) throws(Failure) {
        try hold { () throws(Failure) in
            let known = try requireKnown()
            let networks = try networks()
            guard !known.others.contains(member.address) else {
                throw taken(member, "an entry that somebody has made in the network")
            }
            for other in known.members where other.name != member.name {
                let isSame =
                    other.address == member.address
                    || other.macAddress != nil && other.macAddress == member.macAddress
                guard isSame else { continue }
                // Of a machine that is gone only the entry is left.
                guard other.owner == member.owner, other.machine != member.machine, try isGone(other.machine)
                else { throw taken(member, other.name) }
                try dismiss(other, networks)
            }
            if let there = known.members.first(where: { $0.name == member.name }) {
                if there == member { return }
                // A machine of this name that another limiq is making.
                guard there.owner == member.owner else { throw taken(member, there.name) }
                try dismiss(there, networks)
            }
            for name in member.names {
                try networks.updateNetwork(self.name, .name(xml: name.xml, adding: true))
            }
            if let reservation = member.reservation {
                try networks.updateNetwork(name, .reservation(xml: reservation.xml, adding: true))
            }
        }
    }

    private func taken(_ member: NetworkMember, _ other: String) -> Failure {
        Failure(
            .inUse, "\(member.address) on network \(name) is the address of \(other) already",
            hint: "give \(member.machine) another address, or run it again to have one chosen",
            resource: member.machine)
    }

    /// Takes the addresses of a machine back. Does nothing where it has none, or where there is no such network of
    /// limiq's.
    func dismiss(machine: String) throws(Failure) {
        guard hypervisor.networks != nil, try known()?.record != nil else { return }
        try hold { () throws(Failure) in
            guard let known = try known(), known.record != nil else { return }
            let networks = try networks()
            let mark = NetworkMember.mark(state)
            for member in known.members where member.machine == machine && member.owner == mark {
                try dismiss(member, networks)
            }
        }
    }

    private func dismiss(_ member: NetworkMember, _ networks: any HostNetworks) throws(Failure) {
        // The names last: they are the list of members.
        if let reservation = member.reservation {
            try networks.updateNetwork(name, .reservation(xml: reservation.xml, adding: false))
        }
        for element in member.lostNames {
            try networks.updateNetwork(name, .name(xml: element.xml, adding: false))
        }
    }
}
