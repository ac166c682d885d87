import Basics
import Glibc

/// The files of a VM that is being made on this machine. What will be made stands in the journal before it is made.
struct MachineFiles: MachineStorage {
    private let machine: Machine
    private let spec: VMSpec
    private let host: HostDescription
    private(set) var layout: MachineLayout
    private var isOpen = false
    /// The ids of disks that are there already.
    private var known: Set<String> = []

    init(_ machine: Machine, _ spec: VMSpec, host: HostDescription) {
        self.machine = machine
        self.spec = spec
        self.host = host
        layout = MachineLayout(spec, of: machine)
    }

    func check() throws(Failure) {
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

    func clearLeftovers() throws(Failure) {
        guard let journal = try MachineJournal.leftover(of: machine) else { return }
        try Machine.removeFiles(journal.files, layout)
    }

    mutating func open() throws(Failure) {
        // libvirt's test driver touches no file.
        guard !layout.madeFiles.isEmpty || !machine.isOnTestDriver else { return }
        let user = host.emulatorUser
        // QEMU must be able to pass, and nobody to look.
        try makeFolders(layout.folder, mode: user.uid == geteuid() ? 0o700 : 0o711)
        isOpen = true
        try MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri, files: layout.madeFiles
        ).begin(in: layout.folder)
    }

    func sync() throws(Failure) {
        if isOpen { try syncFolder(layout.folder) }
    }

    mutating func makeDisks(
        _ cancellation: Cancellation, tell: @escaping (_ phase: String, _ detail: String?) -> Void
    ) throws(Failure) {
        for (index, disk) in layout.disks.enumerated() where disk.isMade && !known.contains(disk.spec.id) {
            try cancellation.check()
            do throws(Failure) {
                if let base = disk.spec.backingFile {
                    let chain = try Overlay.create(
                        disk.path, base: base, size: disk.spec.size, user: host.emulatorUser,
                        emulatorVersion: host.emulatorVersion)
                    layout.disks[index].backing = MachineLayout.backing(chain)
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
        try Cidata.create(
            path, documents, name: machine.name, nics: spec.nics, user: host.emulatorUser)
        try layout.writeHostKeys(documents.hostKeys)
    }

    /// The images of CD-ROM drives whose files the spec gives.
    mutating func makeMedia(_ cancellation: Cancellation) throws(Failure) {
        for (cdrom, path) in zip(spec.cdroms, layout.cdroms) {
            guard let files = cdrom.files else { continue }
            try cancellation.check()
            try ISOImage.write(to: path, cdrom.label, files, user: host.emulatorUser)
        }
    }

    /// As secret as a seed.
    mutating func makeIgnition() throws(Failure) {
        guard let path = layout.ignition, let text = spec.ignition else { return }
        try AtomicFile.write(
            path, existing: .replace, user: FileUser(host.emulatorUser, .read)
        ) { (descriptor, _) throws(Failure) in
            try AtomicFile.write(Array(text.utf8), to: descriptor, path)
        }
    }

    // MARK: a VM that is there

    mutating func openChange(of standing: MachineStanding) throws(Failure) {
        let record = standing.record
        known = record.spec.idsOfMadeDisks
        let new = layout.madeFiles.filter { !record.made.contains($0) }
        guard !new.isEmpty else { return }
        var journal = MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri, files: record.made + new)
        journal.making = new.filter { !fileExists($0) }
        let begun = try journal.amend(in: layout.folder)
        // Of a run that was killed before the domain had it. Any other may hold what somebody wants: a snapshot that was gone
        // back to knew nothing of it.
        for disk in layout.disks where disk.isMade && begun.contains(disk.path) && new.contains(disk.path) {
            unlink(disk.path)
        }
    }

    func grow(
        _ disk: DiskSpec, _ standing: MachineStanding, _ cancellation: Cancellation
    ) throws(Failure) {
        guard let file = layout.disks.first(where: { $0.spec.id == disk.id }) else { return }
        try Disk.resize(file.path, to: ByteSize(gib: disk.sizeGiB), cancellation: cancellation)
    }

    func removeUnused(of record: MachineRecord) throws(Failure) {
        for file in record.made where !layout.madeFiles.contains(file) { unlink(file) }
    }

    func missing(of record: MachineRecord, before plan: MachinePlan) throws(Failure) -> String? {
        let anew = (plan.makesSeed ? [layout.seed] : []) + (plan.makesMedia ? layout.cdroms : [])
        return record.made.first { !fileExists($0) && !anew.contains($0) }
    }

    func virtualSize(of disk: DiskSpec, _ record: MachineRecord) throws(Failure) -> UInt64? {
        let file = MachineLayout(record.spec, of: machine).disks.first { $0.spec.id == disk.id }
        return file.flatMap { try? DiskImage.inspect($0.path) }?.first?.virtualSize
    }

    func existing(_ standing: MachineStanding) throws(Failure) -> MachineLayout {
        var layout = MachineLayout(spec, of: machine)
        try layout.readChains()
        return layout
    }

    /// A disk's own functions know no field names: `size is …` becomes `disks[1].size is …`.
    static func named(_ path: String, _ failure: Failure) -> Failure {
        guard failure.code == .badField else { return failure }
        var failure = failure
        failure.message =
            failure.message.hasPrefix("size ") ? "\(path).\(failure.message)" : "\(path): \(failure.message)"
        return failure
    }

    func remove() throws(Failure) {
        guard isOpen else { return }
        try Machine.removeFiles(layout.madeFiles, layout)
    }
}

extension MachineLayout {
    /// Removes the folder where a run was killed before it had written down anything to make.
    func removeEmptyFolder() -> Bool {
        AtomicFile.removeLeftovers(in: folder)
        return rmdir(folder) == 0
    }

    /// The images below the first one of a chain.
    static func backing(_ chain: [DiskImage]) -> [BackingImage] {
        chain.dropFirst().map { BackingImage(path: $0.path, format: $0.format) }
    }

    /// Reads from the overlays what lies below them.
    mutating func readChains() throws(Failure) {
        for (index, disk) in disks.enumerated() where disk.isMade && disk.spec.backingFile != nil {
            disks[index].backing = Self.backing(try DiskImage.inspect(disk.path))
        }
        try readFormats()
    }

    /// The format of a disk that was there is what the file is: the wrong one would show the guest a qcow2 header
    /// as its first sector.
    mutating func readFormats() throws(Failure) {
        for (index, disk) in disks.enumerated() where !disk.isMade && disk.spec.poolID == nil {
            guard let image = try DiskImage.inspect(disk.path).first else { continue }
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
