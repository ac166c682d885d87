import Basics
import DiskImages
import Glibc
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec

/// The files of a machine that is being made on this host. What will be made stands in the journal before it is made.
struct MachineFiles: MachineStorage {
    private let machine: Machine
    private let spec: VMSpec
    private let host: HostDescription
    private(set) var layout: MachineLayout
    private var isOpen = false
    /// The machine that is changed; `nil` for a new one.
    private var changed: PresentDomain?

    init(_ machine: Machine, _ spec: VMSpec, host: HostDescription) {
        self.machine = machine
        self.spec = spec
        self.host = host
        layout = MachineLayout(spec, of: machine)
    }

    func check() throws(Failure) {
        try checkGiven(besides: [])
        for (index, disk) in layout.disks.enumerated() where disk.isMade {
            guard let base = disk.spec.backingFile else { continue }
            do throws(Failure) {
                let chain = try Overlay.inspectBase(base, access: AccessCheck(host.emulatorUser))
                _ = try Overlay.virtualSize(disk.spec.size, over: chain[0], limit: .max)
            } catch {
                throw Self.named("disks[\(index + 1)]", error)
            }
        }
    }

    /// Looks whether the disks whose files the spec names can be used.
    ///
    /// - Parameter known: those that the machine has already.
    private func checkGiven(besides known: [DiskSpec]) throws(Failure) {
        guard !machine.isOnTestDriver else { return }
        let access = AccessCheck(host.emulatorUser)
        for (index, disk) in layout.disks.enumerated() where !disk.isMade && disk.spec.poolID == nil {
            if known.contains(where: { $0.path == disk.path && $0.readonly == disk.spec.readonly }) {
                continue
            }
            do throws(Failure) {
                _ = try Overlay.inspectDisk(disk.path, readonly: disk.spec.readonly, access: access)
            } catch {
                throw Self.named("disks[\(index + 1)]", error)
            }
        }
    }

    func clearLeftovers() throws(Failure) {
        guard let journal = try MachineJournal.leftover(of: machine) else { return }
        try machine.requireRemovable(journal.files)
        try Ownership(of: machine, nil, files: journal.files, isWhole: true).removeAll()
    }

    mutating func open(_ record: MachineRecord) throws(Failure) {
        // libvirt's test driver touches no file.
        guard !layout.madeFiles.isEmpty || !machine.isOnTestDriver else { return }
        let user = host.emulatorUser
        // QEMU must be able to pass, and nobody to look.
        try machine.makeFolder(mode: user.uid == geteuid() ? 0o700 : 0o711)
        // What the journal names is this machine's from here on.
        if let taken = layout.madeFiles.first(where: fileExists) {
            throw Failure(
                .folderTaken, "\(taken) is there, and is of no VM \(machine.name)",
                hint: "look what it is and move it away", resource: taken)
        }
        isOpen = true
        try MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri, files: layout.madeFiles, record: record
        ).begin(in: layout.folder)
    }

    func sync() throws(Failure) {
        if isOpen { try syncFolder(layout.folder) }
    }

    mutating func makeDisks(_ cancellation: Cancellation) throws(Failure) {
        try checkGiven(besides: changed?.record.spec.disks ?? [])
        let known = changed?.record.spec.idsOfMadeDisks ?? []
        for (index, disk) in layout.disks.enumerated() where disk.isMade && !known.contains(disk.spec.id) {
            try cancellation.check()
            do throws(Failure) {
                if let base = disk.spec.backingFile {
                    let chain = try Overlay.create(
                        disk.path, base: base, size: disk.spec.size, user: host.emulatorUser,
                        emulatorVersion: host.emulatorVersion)
                    layout.disks[index].backing = MachineLayout.backing(chain)
                    let digests = ImageDigests(state: machine.state)
                    layout.disks[index].stamps = chain.dropFirst().compactMap {
                        ImageStamp(file: $0.path, digest: digests.digest(of: $0.path))
                    }
                } else {
                    try Disk.create(
                        disk.path, size: disk.spec.size ?? ByteSize(bytes: 0), format: disk.format,
                        user: host.emulatorUser)
                }
            } catch {
                throw Self.named("disks[\(index + 1)]", error)
            }
        }
        try layout.readFormats()
    }

    mutating func makeSeed() throws(Failure) {
        guard let path = layout.seed, let documents = spec.cloudInit else { return }
        try clear(path)
        try Cidata.create(
            path, documents, name: machine.name, nics: spec.nics, user: host.emulatorUser)
        try layout.writeHostKeys(documents.hostKeys)
    }

    /// Makes the images of the CD-ROM drives whose files the spec gives.
    mutating func makeMedia(_ cancellation: Cancellation) throws(Failure) {
        for (cdrom, path) in zip(spec.cdroms, layout.cdroms) {
            guard let files = cdrom.files else { continue }
            try cancellation.check()
            try clear(path)
            try ISOImage.write(to: path, cdrom.label, files, user: host.emulatorUser)
        }
    }

    /// Writes Ignition's configuration, which is as secret as a seed.
    mutating func makeIgnition() throws(Failure) {
        guard let path = layout.ignition, let text = spec.ignition else { return }
        try clear(path)
        try AtomicFile.write(
            path, existing: .replace, user: FileUser(host.emulatorUser, .read)
        ) { (descriptor, _) throws(Failure) in
            try AtomicFile.write(Array(text.utf8), to: descriptor, path)
        }
    }

    /// Makes way for a file that is written anew. Only the machine's own is written over. What is not whole, or no
    /// file, goes before: nothing is lost with it.
    private func clear(_ path: String) throws(Failure) {
        guard fileExists(path) else { return }
        let own = try Ownership(of: machine, changed?.domain, files: [path])
        if !ISOImage.isWhole(path) { try own.removeParts() }
    }

    // MARK: a machine that is there

    mutating func openChange(of domainNow: PresentDomain) throws(Failure) {
        changed = domainNow
        _ = try OwnFolder.open(layout.folder)
        let record = domainNow.record
        let new = layout.madeFiles.filter { !record.made.contains($0) }
        guard !new.isEmpty else { return }
        var journal = MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri, files: record.made + new)
        journal.making = new.filter { !fileExists($0) }
        let begun = try journal.amend(in: layout.folder)
        // Of a run that was killed before the domain had it. Any other may hold what somebody wants: a snapshot that was gone
        // back to knew nothing of it.
        let broken = layout.disks.filter(\.isMade).map(\.path)
            .filter { begun.contains($0) && new.contains($0) }
        try Ownership(of: machine, domainNow.domain, files: broken).removeParts()
    }

    func requireOwn(_ disk: DiskSpec, _ domainNow: PresentDomain) throws(Failure) {
        let files = layout.disks.filter { $0.spec.id == disk.id }.map(\.path)
        _ = try Ownership(of: machine, domainNow.domain, files: files)
    }

    func grow(
        _ disk: DiskSpec, _ domainNow: PresentDomain, _ cancellation: Cancellation
    ) throws(Failure) {
        guard let file = layout.disks.first(where: { $0.spec.id == disk.id }) else { return }
        try Ownership(of: machine, domainNow.domain, files: [file.path])
            .grow(file.path, to: ByteSize(gib: disk.sizeGiB), cancellation)
    }

    func removeUnused(of domainNow: PresentDomain) throws(Failure) {
        let unused = domainNow.record.made.filter { !layout.madeFiles.contains($0) }
        try Ownership(of: machine, domainNow.domain, files: unused).removeParts()
    }

    func lost(of record: MachineRecord) throws(Failure) -> LostParts {
        let parts = MachineLayout(record.spec, of: machine)
        var lost = LostParts()
        for file in record.made {
            switch file {
            case parts.seed: lost.seed = !ISOImage.isWhole(file)
            case parts.ignition: lost.ignition = (try? ReadableFile(file).length) ?? 0 == 0
            case _ where parts.cdroms.contains(file): lost.media = lost.media || !ISOImage.isWhole(file)
            default: if !fileExists(file) { lost.disk = lost.disk ?? file }
            }
        }
        return lost
    }

    func virtualSize(of disk: DiskSpec, _ record: MachineRecord) throws(Failure) -> UInt64? {
        let file = MachineLayout(record.spec, of: machine).disks.first { $0.spec.id == disk.id }
        return file.flatMap { try? DiskImage.inspect($0.path) }?.first?.virtualSize
    }

    func existing(_ domainNow: PresentDomain) throws(Failure) -> MachineLayout {
        try checkGiven(besides: domainNow.record.spec.disks)
        var layout = MachineLayout(spec, of: machine)
        layout.takeStamps(of: domainNow.record, self.layout)
        try layout.readChains()
        return layout
    }

    /// Puts the name of a field into a disk's error. A disk's own functions know no field names: `size is …` becomes
    /// `disks[1].size is …`.
    static func named(_ path: String, _ failure: Failure) -> Failure {
        guard failure.code == .badField else { return failure }
        var failure = failure
        failure.message =
            failure.message.hasPrefix("size ") ? "\(path).\(failure.message)" : "\(path): \(failure.message)"
        return failure
    }

    func remove() throws(Failure) {
        guard isOpen else { return }
        try Ownership(of: machine, nil, files: layout.madeFiles, isWhole: true).removeAll()
    }
}

extension MachineLayout {
    /// The images below the first one of a chain.
    static func backing(_ chain: [DiskImage]) -> [BackingImage] {
        chain.dropFirst().map { BackingImage(path: $0.path, format: $0.format) }
    }

    /// Reads from the overlays which images lie below them.
    mutating func readChains() throws(Failure) {
        for (index, disk) in disks.enumerated() where disk.isMade && disk.spec.backingFile != nil {
            disks[index].backing = Self.backing(try DiskImage.inspect(disk.path))
        }
        try readFormats()
    }

    /// Takes the format of each disk that was there from its file: the wrong one would show the guest a qcow2 header as
    /// its first sector.
    mutating func readFormats() throws(Failure) {
        for (index, disk) in disks.enumerated() where !disk.isMade && disk.spec.poolID == nil {
            let chain = try DiskImage.inspect(disk.path)
            guard let image = chain.first else { continue }
            disks[index].backing = Self.backing(chain)
            switch image.format {
            case "qcow2": disks[index].format = .qcow2
            case "raw": disks[index].format = .raw
            default:
                throw Failure(
                    .badField,
                    "disks[\(index + 1)].path is a \(image.format) image; limiq runs qcow2 and raw",
                    hint: "qemu-img convert -O qcow2 turns it into one")
            }
        }
    }
}
