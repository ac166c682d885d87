import Basics
import Glibc
import Hypervisors
import MachineSpec
import Steps
import XML

/// The changes of a machine that is there. First the files and how large they are, then what its next start takes, then
/// the running guest: whoever is killed between two of them finds the rest to be done at the next `up`, as all is
/// compared anew with what is.
extension UpRun {
    func change(_ plan: MachinePlan, _ domainNow: PresentDomain) throws(Failure) {
        if plan.makesSeed { try checkCloudInit() }
        let host = try machine.host()
        var parts = try MachineParts(machine, spec, of: domainNow)
        try parts.beginChange()
        let known = domainNow.record.spec.idsOfMadeDisks
        let makesDisks = spec.disks.contains { $0.path == nil && !known.contains($0.id) }
        if spec.namesImages, makesDisks || plan.otherParts.contains(where: \.isCDROM) {
            try bringImages(&parts)
        }
        for (disk, part) in parts.returned {
            warn(
                "the disk \(disk.id) of \(machine.name) is the one it had before, with what is on it: \(part)"
            )
        }
        if makesDisks {
            try timed(.disks) { () throws(Failure) in try parts.makeDisks(cancellation) }
        }
        try make(plan.otherParts, &parts)
        if plan.makesSeed, spec.cloudInit != nil { machine.forgetOutcome() }
        let layout = try parts.layout()
        var record = MachineRecord(
            spec: spec, uuid: domainNow.domain.uuid, owner: domainNow.record.owner,
            acceleration: domainNow.record.acceleration,
            parts: parts.all,
            folder: parts.all.files.isEmpty ? domainNow.record.folder : layout.folder,
            after: domainNow.record)
        record.bases = layout.bases
        record.script = machine.script ?? domainNow.record.script
        record.loginUser = record.loginUser ?? machine.imageUser
        record.run = domainNow.record.run
        // Whoever gives an old machine a ttl does not want it gone at once.
        record.expires =
            spec.ttl == domainNow.record.spec.ttl
            ? domainNow.record.expires : spec.ttl.map { time(nil) + $0 }
        let next = record
        let changes = try timed(.change) { () throws(Failure) -> [Change] in
            let grown = try growDisks(plan, domainNow, parts)
            if plan.action == .adopt {
                _ = try define(layout, host, record)
                return plan.changes
            }
            let merge = try self.merge(domainNow, layout, changesSeed: plan.makesSeed)
            try describe(merge, next, domainNow)
            var live = LiveChanges(
                machine: machine, spec: spec, domainNow: domainNow, description: merge.after,
                cancellation: cancellation)
            try live.apply(plan.changes)
            // Last: an emulator that has just translated many programs anew may end at a processor that is plugged in.
            growFileSystems(grown)
            report.pending += live.unfollowed
            for change in live.unfollowed { warn(notice(of: change)) }
            return plan.changes.filter { change in !live.unfollowed.contains { $0.path == change.path } }
        }
        if domainNow.isActive, !plan.restarts { try rememberLive(changes, plan, record, domainNow) }
        try parts.removeUnused()
        for disk in domainNow.record.spec.idsOfMadeDisks.subtracting(spec.disks.map(\.id)).sorted() {
            guard let part = machine.part(.disk(disk), of: domainNow.record) else { continue }
            warn(
                "the disk \(disk) of \(machine.name) is used no more, and kept until the machine is removed: \(part)"
            )
        }
        try machine.leaveNetworks(
            domainNow.record.spec.nics, but: spec.nics + (domainNow.liveRecord?.spec.nics ?? []))
        try MachineJournal.endChange(in: machine.folder, record)
        report.changes = changes
        report.changed = true
        if plan.redefines { warn("\(machine.name) had been undefined while it runs, and is defined again") }
        for change in changes { tell(.changed(path: change.path)) }
    }

    /// Grows the disks that are to be larger, before the domain says so: a size is looked at no more once the domain
    /// has it.
    ///
    /// - Returns: those that the running guest has, by their serial numbers.
    private func growDisks(
        _ plan: MachinePlan, _ domainNow: PresentDomain, _ parts: MachineParts
    ) throws(Failure) -> [(id: String, serial: String)] {
        var grown: [(id: String, serial: String)] = []
        let known = domainNow.record.spec.idsOfMadeDisks
        // In the place of one that is made at the next start the guest may still have somebody's own.
        let live = domainNow.liveRecord?.spec.idsOfMadeDisks ?? []
        for disk in spec.disks where disk.path == nil && known.contains(disk.id) {
            let size = FieldPath("disks", disk.id, "size_gib")
            guard plan.changes.contains(where: { $0.field == size }) else { continue }
            let drive = domainNow.live?.drive(DomainXML.diskAlias(disk.id))
            if live.contains(disk.id), let target = drive?.first("target")?.attributes["dev"] {
                try parts.requireOwn(disk)
                try hypervisor.change(machine.name, .diskSize(target: target, bytes: disk.sizeGiB << 30))
                if let serial = drive?.first("serial")?.text { grown.append((disk.id, serial)) }
            } else {
                try parts.grow(disk, cancellation)
            }
        }
        return grown
    }

    private func growFileSystems(_ disks: [(id: String, serial: String)]) {
        for disk in disks {
            let reason = machine.growFileSystem(onDisk: disk.serial, cancellation: cancellation)
            if let reason {
                warn("disk \(disk.id) of \(machine.name) is larger, and its file system is not: \(reason)")
            }
        }
    }

    /// Merges the old and the new description of the next start.
    private func merge(
        _ domainNow: PresentDomain, _ layout: MachineLayout, changesSeed: Bool
    ) throws(Failure) -> DomainMerge {
        let record = domainNow.record
        let old = self.old(record.spec, layout)
        let present = try XMLReader.parse(try hypervisor.xml(machine.name, inactive: true, secrets: true))
        var restored: Set<String> = []
        let after = try machine.description(of: spec, record, layout)
        let wanted = DomainFacts(after)
        let facts = DomainFacts(domainNow.next)
        for path in Set(wanted.values.keys).union(facts.values.keys)
        where facts.values[path] != wanted.values[path] {
            switch path.list {
            case "disks": restored.insert(DomainXML.diskAlias(path.id))
            case "nics": restored.insert(DomainXML.nicAlias(path.id))
            case "cdroms": restored.insert(DomainXML.cdromAlias(path.id))
            case "shares": restored.insert(DomainXML.shareAlias(path.id))
            case _ where path.field.hasSuffix("memory_mib"): restored.insert("memory")
            case _ where path.field.contains("cpu"): restored.formUnion(["vcpu", "cpu"])
            default:
                // A boot order that was changed by hand stands in every device.
                restored.formUnion(present.all("devices").flatMap(\.children).compactMap(\.alias))
            }
        }
        // Somebody else's devices are named in no spec.
        let ours = spec.aliases.union(record.spec.aliases)
        restored = restored.filter { !$0.hasPrefix(DomainXML.ownAlias) || ours.contains($0) }
        // The same file of another content: taken out by hand, it is put in again.
        if changesSeed { restored.insert(DomainXML.cdromAlias(DomainXML.seedID)) }
        return DomainMerge(
            before: try machine.description(of: record.spec, record, old),
            after: after, present: present, restored: restored)
    }

    /// The layout of what was, with the names it has in the new layout where it is the same.
    private func old(_ was: VMSpec, _ new: MachineLayout) -> MachineLayout {
        var layout = MachineLayout(was, of: machine)
        layout.consoleLog = new.consoleLog
        if layout.seed != nil, let seed = new.seed { layout.seed = seed }
        if layout.ignition != nil, let ignition = new.ignition { layout.ignition = ignition }
        for (index, disk) in was.disks.enumerated() {
            let same = new.disks.first {
                $0.spec.id == disk.id && $0.spec.path == disk.path && $0.spec.poolID == disk.poolID
                    && (disk.path != nil || $0.spec.format == disk.format)
            }
            guard let same else { continue }
            layout.disks[index] = same
            layout.disks[index].spec = disk
        }
        for (index, cdrom) in was.cdroms.enumerated() {
            let same = spec.cdroms.firstIndex { $0.id == cdrom.id && $0.isoPath == cdrom.isoPath }
            if let same { layout.cdroms[index] = new.cdroms[same] }
        }
        return layout
    }

    /// Writes down what the next start takes.
    private func describe(
        _ merge: DomainMerge, _ record: MachineRecord, _ domainNow: PresentDomain
    ) throws(Failure) {
        guard merge.isNeeded || record != domainNow.record || !domainNow.isPersistent else { return }
        let element = XMLNode(
            name: "machine", namespace: DomainXML.namespace, text: try record.json())
        _ = try hypervisor.define(XMLElement(merge.merged(metadata: element)).xml)
    }

    /// Notes in the running domain what its guest has now: all of the spec, or where something waits for its next
    /// start, what can be seen nowhere but here.
    ///
    /// - Parameters:
    ///   - changes: those that were made.
    ///   - kept: the record of the next start.
    private func rememberLive(
        _ changes: [Change], _ plan: MachinePlan, _ kept: MachineRecord, _ domainNow: PresentDomain
    ) throws(Failure) {
        guard let old = domainNow.liveRecord else { return }
        var record = kept
        // A device that the guest has kept is limiq's as long as it has it.
        if !plan.pending.isEmpty || report.pending.contains(where: { $0.field.list != nil }) {
            record = old
            record.spec.labels = spec.labels
            (record.spec.protect, record.spec.ttl, record.spec.autostart) =
                (spec.protect, spec.ttl, spec.autostart)
            record.spec.cloudInit?.check = spec.cloudInit?.check
            record.expires = kept.expires
            func isLive(_ field: FieldPath) -> Bool {
                plan.changes.contains { $0.field == field && $0.kind == .live }
            }
            if isLive(FieldPath("guest_os")) { record.spec.guestOS = spec.guestOS }
            if isLive(FieldPath("secure_boot")) { record.spec.secureBoot = spec.secureBoot }
            if isLive(FieldPath("tpm")) { record.spec.tpm = spec.tpm }
            func isSet(_ list: String, _ id: String) -> Bool {
                changes.contains { $0.field == FieldPath(list, id) && $0.kind == .live }
            }
            record.spec.disks =
                old.spec.disks.filter { !isSet("disks", $0.id) }
                + kept.spec.disks.filter { isSet("disks", $0.id) }
            record.spec.nics =
                old.spec.nics.filter { !isSet("nics", $0.id) }
                + kept.spec.nics.filter { isSet("nics", $0.id) }
            // Windows' are on SATA, and wait as well.
            if !spec.isWindows { record.spec.cdroms = present(kept.spec.cdroms, old.spec.cdroms) }
            for index in record.spec.nics.indices {
                guard let nic = spec.nics.first(where: { $0.id == record.spec.nics[index].id }) else {
                    continue
                }
                record.spec.nics[index].forward = nic.forward
            }
            for index in record.spec.disks.indices {
                guard let disk = spec.disks.first(where: { $0.id == record.spec.disks[index].id }) else {
                    continue
                }
                record.spec.disks[index].sizeGiB = disk.sizeGiB
                if isLive(FieldPath("disks", disk.id, "bootable")) {
                    record.spec.disks[index].bootable = disk.bootable
                }
                if isLive(FieldPath("disks", disk.id, "format")) {
                    record.spec.disks[index].format = disk.format
                }
            }
        }
        guard record != old else { return }
        try hypervisor.change(machine.name, .metadata(try record.element()))
    }

    /// The drives of the running guest. An image that is made of other files waits for its next start.
    private func present(_ wanted: [CDROMSpec], _ old: [CDROMSpec]) -> [CDROMSpec] {
        wanted.map { cdrom in
            old.first { $0.id == cdrom.id && $0.files != nil && cdrom.files != nil } ?? cdrom
        }
    }
}

extension VMSpec {
    /// Whether the spec names files of this host that another host does not have.
    var namesImages: Bool {
        disks.contains { $0.backingFile != nil } || cdroms.contains { $0.isoPath != nil }
    }

    /// The ids of disks that limiq makes.
    var idsOfMadeDisks: Set<String> { Set(disks.filter { $0.path == nil }.map(\.id)) }

    /// The aliases of its devices.
    fileprivate var aliases: Set<String> {
        Set(
            disks.map { DomainXML.diskAlias($0.id) } + nics.map { DomainXML.nicAlias($0.id) }
                + cdroms.map { DomainXML.cdromAlias($0.id) }
                + (shares ?? []).map { DomainXML.shareAlias($0.id) })
    }
}
