import Basics
import Glibc
import XML

/// The changes of a VM that is there. First the files, then what its next start takes, then the running guest: whoever is
/// killed between two of them finds the rest to be done at the next `up`, as all is compared anew with what is.
extension UpRun {
    func change(_ plan: MachinePlan, _ standing: MachineStanding) throws(Failure) {
        let changesSeed = (plan.changes + plan.pending).contains {
            $0.field.field.hasPrefix("cloud_init.") && $0.cause == .script
        }
        if changesSeed { try checkCloudInit() }
        let host = try machine.host()
        let known = standing.record.spec.disks
        let added = spec.disks.filter { disk in disk.path == nil && !known.contains { $0.id == disk.id } }
        let begun = try writeDown(standing.record)
        if !added.isEmpty {
            try timed("disks") { () throws(Failure) in
                try make(added, standing.record, begun, on: host)
            }
        }
        if (plan.changes + plan.pending).contains(where: { $0.field.list == "cdroms" }) {
            try timed("media") { () throws(Failure) in
                var files = MachineFiles(machine, spec, host: host)
                try files.makeMedia()
            }
        }
        if changesSeed, spec.cloudInit != nil {
            try timed("seed") { () throws(Failure) in
                var files = MachineFiles(machine, spec, host: host)
                try files.makeSeed()
            }
        }
        let changes = try timed("change") { () throws(Failure) -> [Change] in
            if !standing.isActive { try growDisks(plan) }
            let merge = try self.merge(standing, changesSeed: changesSeed)
            try describe(merge, standing)
            var live = LiveChanges(
                machine: machine, spec: spec, standing: standing, description: merge.after,
                cancellation: cancellation)
            try live.apply(plan.changes)
            for change in live.unfollowed {
                report.pending.append(change)
                warn("the guest of \(machine.name) does not give its memory back: a start anew does")
            }
            return plan.changes.filter { change in !live.unfollowed.contains { $0.path == change.path } }
        }
        if standing.isActive, !plan.restarts { try rememberLive(plan, standing) }
        removeUnused(standing.record)
        try MachineJournal.endChange(in: machine.folder)
        report.changes = changes
        report.changed = true
        for change in changes { tell("changed", change.path) }
    }

    /// What the VM will have beside what it has, before it is made.
    ///
    /// - Returns: what a run that was killed had begun to make.
    private func writeDown(_ record: MachineRecord) throws(Failure) -> [String] {
        let new = MachineLayout(spec, of: machine).madeFiles.filter { !record.made.contains($0) }
        guard !new.isEmpty else { return [] }
        var journal = MachineJournal(machine: machine.name, uri: hypervisor.uri, files: record.made + new)
        journal.making = new.filter { !fileExists($0) }
        return try journal.amend(in: machine.folder)
    }

    /// New disks of a VM that is there.
    private func make(
        _ disks: [DiskSpec], _ record: MachineRecord, _ begun: [String], on host: HostDescription
    ) throws(Failure) {
        var part = spec
        part.disks = disks
        var files = MachineFiles(machine, part, host: host)
        // Of a run that was killed before the domain had it. Any other may hold what somebody wants: a snapshot that was gone
        // back to knew nothing of it.
        for disk in files.layout.disks where begun.contains(disk.path) && !record.made.contains(disk.path) {
            unlink(disk.path)
        }
        try files.makeDisks(cancellation, tell: tell)
    }

    private func growDisks(_ plan: MachinePlan) throws(Failure) {
        for disk in MachineLayout(spec, of: machine).disks where disk.isMade {
            let size = FieldPath("disks", disk.spec.id, "size_gib")
            guard plan.changes.contains(where: { $0.field == size }) else { continue }
            try Disk.resize(
                disk.path, to: ByteSize(gib: disk.spec.sizeGiB), cancellation: cancellation)
        }
    }

    /// The old and the new description of the next start.
    private func merge(
        _ standing: MachineStanding, changesSeed: Bool
    ) throws(Failure) -> DomainMerge {
        let record = standing.record
        var layout = MachineLayout(spec, of: machine)
        try layout.readChains()
        var old = MachineLayout(record.spec, of: machine)
        for index in old.disks.indices {
            guard let same = layout.disks.first(where: { $0.path == old.disks[index].path }) else { continue }
            old.disks[index].backing = same.backing
            old.disks[index].format = same.format
        }
        let present = try XMLReader.parse(try hypervisor.xml(machine.name, inactive: true, secrets: true))
        var restored: Set<String> = []
        let wanted = DomainFacts(try machine.description(of: spec, record, layout))
        let facts = DomainFacts(standing.next)
        for path in Set(wanted.values.keys).union(facts.values.keys)
        where facts.values[path] != wanted.values[path] {
            switch path.list {
            case "disks": restored.insert(DomainXML.diskAlias(path.id))
            case "nics": restored.insert(DomainXML.nicAlias(path.id))
            case "cdroms": restored.insert(DomainXML.cdromAlias(path.id))
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
            after: try machine.description(of: spec, record, layout), present: present, restored: restored)
    }

    /// Writes down what the next start takes.
    private func describe(
        _ merge: DomainMerge, _ standing: MachineStanding
    ) throws(Failure) {
        let record = self.record(after: standing.record)
        guard merge.isNeeded || record != standing.record else { return }
        let element = XMLNode(
            name: "machine", namespace: DomainXML.namespace, text: try record.json())
        _ = try hypervisor.define(XMLElement(merge.merged(metadata: element)).xml)
    }

    /// What is kept of a spec, in the place of what was.
    private func record(after old: MachineRecord) -> MachineRecord {
        let layout = MachineLayout(spec, of: machine)
        return MachineRecord(
            spec: spec, owner: old.owner, acceleration: old.acceleration, made: layout.madeFiles,
            folder: layout.folder, after: old)
    }

    /// What the running guest has now: all of the spec, or where something waits for its next start, what can be seen
    /// nowhere but here.
    private func rememberLive(_ plan: MachinePlan, _ standing: MachineStanding) throws(Failure) {
        guard let old = standing.liveRecord else { return }
        let kept = self.record(after: standing.record)
        var record = kept
        if !plan.pending.isEmpty {
            record = old
            record.spec.labels = spec.labels
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

    /// A seed that no description has any more; whoever has it open keeps it.
    private func removeUnused(_ old: MachineRecord) {
        let made = MachineLayout(spec, of: machine).madeFiles
        for file in old.made where !made.contains(file) { unlink(file) }
    }
}

extension VMSpec {
    /// The aliases of its devices.
    fileprivate var aliases: Set<String> {
        Set(
            disks.map { DomainXML.diskAlias($0.id) } + nics.map { DomainXML.nicAlias($0.id) }
                + cdroms.map { DomainXML.cdromAlias($0.id) })
    }
}
