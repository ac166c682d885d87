import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// The addresses that networks have lent to the guest.
///
/// A DHCP server keeps a lease until it ends, whatever became of who had it: one of an earlier boot, of a machine that was
/// removed and made again under the same name (and so with the same MAC address), or of the same guest under another
/// client id. What was lent before this boot and not again since is no address of the guest's.
extension Machine {
    /// The addresses that were lent last: of each nic one of each family.
    func leasedAddresses() throws(Failure) -> [String] {
        let before = leasesBeforeBoot
        let leases = try hypervisor.leases(name).filter { !before.contains($0) }
        var newest: [(key: String, lease: AddressLease)] = []
        for lease in leases {
            let key = "\(lease.macAddress) \(lease.address.contains(":"))"
            guard let index = newest.firstIndex(where: { $0.key == key }) else {
                newest.append((key, lease))
                continue
            }
            if lease.end >= newest[index].lease.end { newest[index].lease = lease }
        }
        return newest.map(\.lease.address)
    }

    /// The leases the guest's nics had when this boot began, as far as they end.
    var leasesBeforeBoot: Set<AddressLease> {
        readBytes(layoutOfNothing.leases)
            .flatMap { try? JSONDecoder().decode(Set<AddressLease>.self, from: Data($0)) } ?? []
    }

    /// Notes what the guest's nics are lent, at the beginning of a boot.
    func noteLeases(_ nics: [NICSpec]) {
        let path = layoutOfNothing.leases
        guard nics.contains(where: { $0.network != nil }) else { return }
        // One that does not end says nothing of when it was lent.
        let leases = Set((try? hypervisor.leases(name))?.filter { $0.expires != nil } ?? [])
        guard !leases.isEmpty, let data = try? JSONEncoder().encode(leases) else {
            unlink(path)
            return
        }
        // A machine on another host may have been made from a third one; one of this host that was made with another
        // state folder has none here.
        if !isLocal { try? makeFolders(folder, mode: 0o700) }
        guard fileExists(folder) else { return }
        try? writeBytes(data, to: path)
    }

    private var layoutOfNothing: MachineLayout { MachineLayout(VMSpec(name: name), of: self) }
}

extension AddressLease {
    fileprivate var end: Int64 { expires ?? .max }
}
