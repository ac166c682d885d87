import Basics
import Libvirt

extension LibvirtHypervisor: GuestMemory {
    public var memory: (any GuestMemory)? { location.isInProcess ? nil : self }

    public func save(_ name: String, to path: String) throws(Failure) {
        try withDomain("save", name) { domain throws(LibvirtError) in try domain.save(to: path) }
    }

    public func restorePaused(_ name: String, from path: String) throws(Failure) {
        defer { index.forget(name) }
        try call("cannot start \(name) from saved memory", on: name) { connection throws(LibvirtError) in
            try connection.restorePaused(from: path)
        }
    }
}
