import CLibvirt
import Glibc

/// A snapshot as its domain lists it.
public struct SnapshotDescription: Sendable {
    public var name: String
    /// libvirt's document of it (https://libvirt.org/formatsnapshot.html).
    public var xml: String
}

extension Domain {
    /// - Parameter redefine: only keep the description, of a snapshot whose data is there already.
    public func createSnapshot(_ xml: String, redefine: Bool) throws(LibvirtError) {
        let flags = redefine ? VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE.rawValue : 0
        guard let snapshot = virDomainSnapshotCreateXML(pointer, xml, flags) else {
            throw LibvirtError.last()
        }
        virDomainSnapshotFree(snapshot)
    }

    public func snapshots() throws(LibvirtError) -> [SnapshotDescription] {
        var list: UnsafeMutablePointer<virDomainSnapshotPtr?>?
        let count = virDomainListAllSnapshots(pointer, &list, 0)
        guard count >= 0 else { throw LibvirtError.last() }
        defer { free(list) }
        let snapshots = (0..<Int(count)).compactMap { list?[$0] }
        defer { for snapshot in snapshots { virDomainSnapshotFree(snapshot) } }
        var result: [SnapshotDescription] = []
        for snapshot in snapshots {
            guard let name = virDomainSnapshotGetName(snapshot),
                // With passwords: a machine that is described by it again keeps its own.
                let xml = virDomainSnapshotGetXMLDesc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE.rawValue)
            else { throw LibvirtError.last() }
            defer { free(xml) }
            result.append(SnapshotDescription(name: String(cString: name), xml: String(cString: xml)))
        }
        return result
    }

    /// - Parameter running: start the guest where the snapshot is of one that was off.
    public func revert(to snapshot: String, running: Bool) throws(LibvirtError) {
        let flags = running ? VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING.rawValue : 0
        try withSnapshot(snapshot) { virDomainRevertToSnapshot($0, flags) }
    }

    public func deleteSnapshot(_ snapshot: String) throws(LibvirtError) {
        try withSnapshot(snapshot) { virDomainSnapshotDelete($0, 0) }
    }

    private func withSnapshot(_ name: String, _ body: (virDomainSnapshotPtr) -> Int32) throws(LibvirtError) {
        guard let snapshot = virDomainSnapshotLookupByName(pointer, name, 0) else {
            throw LibvirtError.last()
        }
        defer { virDomainSnapshotFree(snapshot) }
        try checked(body(snapshot))
    }
}
