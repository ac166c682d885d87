import Basics
import Libvirt

extension LibvirtHypervisor {
    public func savedXML(_ name: String) throws(Failure) -> String {
        try withDomain("describe what was saved of", name, reads: true) { domain throws(LibvirtError) in
            try domain.managedSaveXML()
        }
    }

    public func save(_ name: String) throws(Failure) {
        try withDomain("save", name) { domain throws(LibvirtError) in try domain.managedSave() }
    }

    public func dropSaved(_ name: String) throws(Failure) {
        try withDomain("drop the saved memory of", name) { domain throws(LibvirtError) in
            if try domain.hasManagedSave() { try domain.removeManagedSave() }
        }
    }

    /// The state of a domain: off is one thing, and off with the guest's memory kept another.
    static func state(of domain: borrowing Domain) throws(LibvirtError) -> DomainState {
        let state = DomainState(try domain.state())
        guard state == .shutOff else { return state }
        return try domain.hasManagedSave() ? .saved : state
    }
}
