import CLibvirt
import Glibc

/// The memory of a guest that libvirt keeps by itself while its domain is off, and from which the next start goes on,
/// whatever the domain's description says by then.
extension Domain {
    /// Whether libvirt keeps the guest's memory; `false` for a driver that has no such thing.
    public func hasManagedSave() throws(LibvirtError) -> Bool {
        do throws(LibvirtError) {
            return try checked(virDomainHasManagedSaveImage(pointer, 0)) == 1
        } catch {
            if error.code == .noSupport { return false }
            throw error
        }
    }

    /// Keeps the guest's memory and ends it: the next start goes on from there. Returns when all is written.
    public func managedSave() throws(LibvirtError) { try checked(virDomainManagedSave(pointer, 0)) }

    /// Throws the memory away: the next start is a boot.
    public func removeManagedSave() throws(LibvirtError) {
        try checked(virDomainManagedSaveRemove(pointer, 0))
    }

    /// The description of the guest whose memory it is.
    public func managedSaveXML() throws(LibvirtError) -> String {
        try checked(virDomainManagedSaveGetXMLDesc(pointer, 0))
    }
}

extension Connection {
    /// The names of the domains with a managed save, in one call however many there are; none for a driver that has no such
    /// thing.
    public func savedDomains() -> Set<String> {
        var list: UnsafeMutablePointer<virDomainPtr?>?
        let count = virConnectListAllDomains(pointer, &list, VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE.rawValue)
        guard count > 0, let list else { return [] }
        defer { free(list) }
        return Set((0..<Int(count)).compactMap { index in list[index].map { Domain(owning: $0).name } })
    }
}
