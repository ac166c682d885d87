import Basics
import DiskImages
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// The disks of a machine whose files its spec names. What lies below such a file is its owner's business: it may have been
/// rebased, or put back flat, while the machine was off. The domain names the whole chain, so that libvirt gives no image
/// below to QEMU's account, and is told anew before each start.
extension Machine {
    /// Writes into the domain what lies below its given disks now.
    ///
    /// - Throws: as `Overlay.inspectDisk`.
    func renewGivenChains(_ spec: VMSpec) throws(Failure) {
        let given = spec.disks.filter { $0.path != nil && $0.poolID == nil }
        guard !given.isEmpty, !isOnTestDriver else { return }
        let host = try host()
        guard host.isLocal else { return }
        var domain = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: true))
        let access = AccessCheck(host.emulatorUser)
        var isOther = false
        for disk in given {
            guard let path = disk.path else { continue }
            let chain = try Overlay.inspectDisk(path, readonly: disk.readonly, access: access)
            let backing = MachineLayout.backing(chain)
            let alias = DomainXML.diskAlias(disk.id)
            guard let drive = domain.drive(alias), drive.backing != backing else { continue }
            let element = DomainXML.backingStore(backing[...], on: host)
            domain.replaceBacking(of: alias, by: try XMLReader.parse(element.xml))
            isOther = true
        }
        if isOther { _ = try hypervisor.define(XMLElement(domain).xml) }
    }
}

extension XMLNode {
    /// The images that a disk's description has below it, the nearest first.
    fileprivate var backing: [BackingImage] {
        guard let below = first("backingStore"), let file = below.first("source")?.attributes["file"] else {
            return []
        }
        let format = below.first("format")?.attributes["type"] ?? ""
        return [BackingImage(path: file, format: format)] + below.backing
    }

    /// Ends the chain explicitly too where there is nothing below: libvirt then looks for nothing.
    fileprivate mutating func replaceBacking(of alias: String, by element: XMLNode) {
        for devices in children.indices where children[devices].name == "devices" {
            for index in children[devices].children.indices
            where children[devices].children[index].alias == alias {
                children[devices].children[index].children.removeAll { $0.name == "backingStore" }
                children[devices].children[index].children.append(element)
            }
        }
    }
}
