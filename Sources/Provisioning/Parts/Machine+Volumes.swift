import Basics
import HostFiles
import Hypervisors
import MachineSpec
import XML

extension Machine {
    /// The volume of the machine's console log, in limiq's own pool.
    var consoleVolumeName: String { "\(name).console.log" }
    /// The volume of the machine's cidata image, in that pool too.
    var seedVolumeName: String { "\(name).seed.iso" }

    /// The volume of a disk that is made. A machine's name has no dot, so that no two volumes have one name.
    func volumeName(of disk: DiskSpec) -> String { "\(name).\(disk.id).\(disk.format.libvirtName)" }

    /// The volume of the image in a CD-ROM drive that is made of files.
    func volumeName(of cdrom: CDROMSpec) -> String { "\(name).cdrom-\(cdrom.id).iso" }

    /// Whether a volume is called as limiq calls those it makes for this machine.
    func isOwnName(_ volume: HostVolume) -> Bool {
        guard volume.name.utf8.starts(with: "\(name).".utf8) else { return false }
        return volume.name == consoleVolumeName
            || [".qcow2", ".raw", ".iso"].contains(where: volume.name.hasSuffix)
    }

    /// Removes a volume that is this machine's own, where it is there. The console's volume takes its old logs with it.
    func removeVolume(_ volume: HostVolume) throws(Failure) {
        try hypervisor.removeVolume(volume)
        guard volume.name == consoleVolumeName else { return }
        // libvirt begins a new log at 2 MiB and keeps three old ones: web.console.log.0 …
        try hypervisor.refreshPool(volume.pool)
        for old in try hypervisor.volumes(in: volume.pool) where old.hasPrefix(consoleVolumeName + ".") {
            try hypervisor.removeVolume(HostVolume(pool: volume.pool, name: old))
        }
    }

    /// The failure of a volume that cannot be removed: nobody can tell whether it has gone with its pool.
    func poolGone(_ volume: HostVolume) -> Failure {
        Failure(
            .poolGone,
            "the storage pool \(volume.pool) of \(hypervisor.uri) is not there, "
                + "and \(volume.name) of vm \(name) is in it",
            hint:
                "define that pool again (virsh -c '\(hypervisor.uri)' pool-define), and try again; where its volumes "
                + "are gone for good: virsh -c '\(hypervisor.uri)' undefine \(name), and rm -r \(folder)",
            resource: volume.name)
    }

    /// The layout with Ceph's address and names filled in for the disks that are in a Ceph pool.
    func withCeph(_ layout: MachineLayout) throws(Failure) -> MachineLayout {
        var layout = layout
        for (index, disk) in layout.disks.enumerated() {
            guard let pool = disk.spec.poolID, let rbd = try hypervisor.pool(pool)?.rbd else { continue }
            layout.disks[index].rbd = rbd
            if !disk.isMade { layout.disks[index].path = "\(rbd.pool)/\(disk.path)" }
        }
        return layout
    }

    /// The description of a domain with the sources its drives have at present, where those are what the spec says: a
    /// host names the volumes of its pools, and limiq would have to ask for each.
    ///
    /// - Parameter present: the domain's own.
    func withSources(of present: XMLNode, _ description: XMLNode, _ spec: VMSpec) -> XMLNode {
        var description = description
        for index in description.children.indices where description.children[index].name == "devices" {
            for place in description.children[index].children.indices {
                guard let alias = description.children[index].children[place].alias,
                    let source = present.drive(alias)?.first("source"),
                    isSource(source, of: alias, spec)
                else { continue }
                description.children[index].children[place].children.removeAll { $0.name == "source" }
                description.children[index].children[place].children.append(source)
            }
        }
        return description
    }

    func isSource(_ source: XMLNode, of alias: String, _ spec: VMSpec) -> Bool {
        let volume = lastComponent(source.attributes["file"] ?? source.attributes["name"] ?? "")
        if let disk = spec.disks.first(where: { DomainXML.diskAlias($0.id) == alias }) {
            guard disk.poolID != nil || !isLocal else { return false }
            return volume == (disk.path ?? volumeName(of: disk))
        }
        guard !isLocal, let cdrom = spec.cdroms.first(where: { DomainXML.cdromAlias($0.id) == alias }) else {
            return false
        }
        guard let image = cdrom.isoPath else { return volume == volumeName(of: cdrom) }
        return ImageUpload.isName(volume, of: image, ending: "iso")
    }

    /// The path at which the hypervisor finds an ISO image of this host: the same one here, or on another host that
    /// of a volume the image is put into once.
    func hostPath(
        ofISO path: String, _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) -> String {
        if isLocal { return path }
        let pool = try HostPool.own(hypervisor)
        let upload = ImageUpload(
            storage: hypervisor, pool: pool, cancellation: cancellation, tell: tell)
        return try upload.volume(for: path, ending: "iso").path
    }
}
