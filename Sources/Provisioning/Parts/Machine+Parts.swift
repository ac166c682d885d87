import Basics
import HostFiles
import Hypervisors
import MachineSpec
import XML

extension Machine {
    /// Whether a volume is called as limiq calls those it makes for this machine.
    func isOwnName(_ volume: HostVolume) -> Bool {
        guard volume.name.utf8.starts(with: "\(name).".utf8) else { return false }
        return [".qcow2", ".raw", ".iso"].contains(where: volume.name.hasSuffix)
            || [.console, .ignition].contains { volume.name == volumeName(of: $0) }
    }

    /// Whether a part lies where this machine's do: in its folder, or in a volume of its name. A record or a journal may be
    /// anybody's.
    func isOwnPlace(_ part: Part) -> Bool {
        switch part {
        case .file(let path): OwnFolder.name(of: path, in: folder) != nil
        case .volume(let volume): !isLocal && isOwnName(volume)
        }
    }

    /// The part of a kind that a record names, where it lies as this machine's do.
    func part(_ kind: Part.Kind, of record: MachineRecord?) -> Part? {
        record?.parts.first { $0.kind == kind && isOwnPlace($0) }
    }

    /// Removes a volume that is this machine's own, where it is there. The console's volume takes its old logs with it.
    func removeVolume(_ volume: HostVolume) throws(Failure) {
        try hypervisor.removeVolume(volume)
        guard volume.name == volumeName(of: .console) else { return }
        // libvirt begins a new log at 2 MiB and keeps three old ones: web.console.log.0 …
        try hypervisor.refreshPool(volume.pool)
        for old in try hypervisor.volumes(in: volume.pool) where old.hasPrefix(volume.name + ".") {
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
            return volume == (disk.path ?? volumeName(of: .disk(disk.id), disk))
        }
        guard !isLocal, let cdrom = spec.cdroms.first(where: { DomainXML.cdromAlias($0.id) == alias }) else {
            return false
        }
        guard let image = cdrom.isoPath else { return volume == volumeName(of: .cdrom(cdrom.id)) }
        return ImageUpload.isName(volume, of: image, ending: "iso")
    }

    /// The path at which the hypervisor finds an ISO image of this host: the same one here, or on another host that
    /// of a volume the image is put into once.
    func hostPath(ofISO path: String) throws(Failure) -> String {
        try store(try host()).bring(path, for: nil, Cancellation()) { _ in }?.path ?? path
    }
}
