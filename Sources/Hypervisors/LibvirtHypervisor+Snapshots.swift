import Basics
import Libvirt

extension LibvirtHypervisor: DomainSnapshots {
    public var snapshots: (any DomainSnapshots)? { self }

    public func create(_ name: String, _ xml: String, redefine: Bool) throws(Failure) {
        try withDomain("take a snapshot of", name) { domain throws(LibvirtError) in
            try domain.createSnapshot(xml, redefine: redefine)
        }
    }

    public func all(of name: String) throws(Failure) -> [String: String] {
        try withDomain("list the snapshots of", name, reads: true) { domain throws(LibvirtError) in
            Dictionary(try domain.snapshots().map { ($0.name, $0.xml) }) { first, _ in first }
        }
    }

    public func revert(_ name: String, to snapshot: String, running: Bool) throws(Failure) {
        try withDomain("go back to a snapshot of", name) { domain throws(LibvirtError) in
            try domain.revert(to: snapshot, running: running)
        }
    }

    public func delete(_ name: String, _ snapshot: String) throws(Failure) {
        try withDomain("delete a snapshot of", name) { domain throws(LibvirtError) in
            try domain.deleteSnapshot(snapshot)
        }
    }
}
