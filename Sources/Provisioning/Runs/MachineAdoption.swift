import Basics
import DiskImages
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import XML

/// A machine that was finished and whose domain is gone, undefined by hand: its disks hold what its guest has written,
/// and are never a leftover. The next `up` takes it up again with them.
extension Machine {
    /// The disks of a machine without a domain, that were kept: files of this host, or `POOL/VOLUME`.
    ///
    /// - Returns: none where no machine of this name was finished here, or its disks are gone too.
    public func keptDisks() throws(Failure) -> [String] {
        guard let journal = try keptJournal() else { return [] }
        var disks: [String] = []
        for part in journal.parts where part.kind.isDisk {
            if let path = part.file, fileExists(path) { disks.append(path) }
            guard let volume = part.volume else { continue }
            guard try hypervisor.pool(volume.pool) != nil else { throw poolGone(volume) }
            if try hypervisor.volume(volume) != nil { disks.append("\(part)") }
        }
        return disks
    }

    func keptJournal() throws(Failure) -> MachineJournal? {
        guard let opened = try OwnFolder.open(folder), var journal = MachineJournal.read(in: opened),
            journal.isFinished, journal.uri == hypervisor.uri
        else { return nil }
        journal.parts.removeAll { !isOwnPlace($0) }
        return journal
    }

    /// The record of the machine whose disks were kept; `nil` where none were.
    ///
    /// - Parameter spec: what it is to be. An older limiq has written down no more than which files it made: what those are
    ///   is read from them, and the rest is taken from here.
    func keptRecord(beside spec: VMSpec) throws(Failure) -> MachineRecord? {
        guard let journal = try keptJournal(), try !keptDisks().isEmpty else { return nil }
        if let record = journal.record, record.version <= MachineRecord.currentVersion,
            record.name == name, record.folder == folder
        {
            return record
        }
        var was = spec
        try readDisks(of: journal, &was)
        return MachineRecord(
            spec: was, uuid: UUID().uuidString.lowercased(), owner: MachineRecord.currentOwner(),
            acceleration: .emulation, parts: journal.parts, folder: folder)
    }

    private func readDisks(of journal: MachineJournal, _ spec: inout VMSpec) throws(Failure) {
        let made = journal.parts.filter(\.kind.isDisk)
        // One that the machine never had is made; one that is there in another format is no other disk.
        spec.disks.removeAll { $0.path == nil && made[.disk($0.id)]?.format != $0.format }
        let known = Set(spec.disks.map { Part.Kind.disk($0.id) })
        for part in made where !known.contains(part.kind) {
            guard case .disk(let id) = part.kind, let format = part.format else { continue }
            var disk = DiskSpec(id: id)
            disk.format = format
            spec.disks.append(disk)
        }
        for index in spec.disks.indices where spec.disks[index].path == nil {
            let disk = spec.disks[index]
            guard let path = made[.disk(disk.id)]?.file, fileExists(path) else { continue }
            let chain = try DiskImage.inspect(path)
            let base = chain.dropFirst().first?.path
            let isSame =
                base.flatMap(FileIdentity.init(of:)) == disk.backingFile.flatMap(FileIdentity.init(of:))
            if !isSame { spec.disks[index].backingFile = base }
            if disk.sizeGiB != 0 { spec.disks[index].sizeGiB = chain[0].virtualSize >> 30 }
        }
    }
}

extension Part {
    /// The format of the disk that it is, by its name; `nil` for no disk.
    fileprivate var format: DiskFormat? {
        DiskFormat.allCases.first { description.hasSuffix(".\($0.libvirtName)") }
    }
}

extension UpRun {
    /// Defines a machine anew whose domain is gone, with the disks that were kept, and goes on with it.
    func takeUp(_ record: MachineRecord) throws(Failure) {
        // Somebody else may use them by now.
        _ = try machine.ownership(nil)
        let plan = try machine.planAdoption(spec, options, record)
        var record = record
        record.acceleration = chooseAcceleration(try machine.host())
        let domain = DomainSummary(
            name: machine.name, uuid: record.uuid ?? UUID().uuidString.lowercased(), state: .shutOff)
        let domainNow = PresentDomain(
            domain: domain, next: XMLNode(name: "domain"), record: record, live: nil, liveRecord: nil)
        if plan.action == .replace { return try replace(plan, domainNow) }
        warn(
            "the domain of \(machine.name) was gone; it is taken up again with "
                + plan.kept.joined(separator: ", "))
        try change(plan, domainNow)
        try continueWith(try machine.requireDomain())
    }
}
