import Basics
import DiskImages
import Glibc
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec

/// The volumes of a machine that is being made on another host. Images and ISO images are files of this host and are
/// put there once; disks, seed and console log are the machine's own, named `web.boot-disk.qcow2`.
///
/// libvirt gives the volumes to QEMU's user when the guest starts; nothing there belongs to anybody else, so that no
/// label has to stay as it is.
struct MachineVolumes: MachineStorage {
    private let machine: Machine
    private let spec: VMSpec
    private(set) var layout: MachineLayout
    /// Whether the journal is written.
    private var isOpen = false
    /// The volumes that are there already, or may be; no more than these are removed where the rest cannot be made.
    private var made: [HostVolume] = []
    /// The machine that is changed; `nil` for a new one.
    private var changed: PresentDomain?
    /// The volumes its journal has beside what is made now.
    private var kept: [HostVolume] = []
    /// The machine's own volumes that a run which was killed has not finished.
    private var broken: [HostVolume] = []
    /// The record of the machine in its journal.
    private var record: MachineRecord?

    private var storage: any HostStorage { machine.hypervisor }

    init(_ machine: Machine, _ spec: VMSpec) {
        self.machine = machine
        self.spec = spec
        layout = MachineLayout(spec, of: machine)
    }

    // MARK: making

    func clearLeftovers() throws(Failure) {
        guard let journal = try MachineJournal.leftover(of: machine) else { return }
        try Ownership(
            of: machine, nil, files: journal.files, volumes: journal.volumes ?? [], isWhole: true
        ).removeAll()
    }

    func check() throws(Failure) {
        try checkCanBeSent()
        for (index, disk) in layout.disks.enumerated() where disk.isMade {
            do throws(Failure) {
                _ = try pool(of: disk.spec)
                guard let base = disk.spec.backingFile else { continue }
                _ = try capacity(of: disk.spec, on: try self.base(base))
            } catch {
                throw MachineFiles.named("disks[\(index + 1)]", error)
            }
        }
    }

    private func pool(of disk: DiskSpec) throws(Failure) -> String {
        guard let id = disk.poolID else { return try HostPool.own(machine.hypervisor) }
        return try HostPool.named(id, for: disk, on: machine.hypervisor)
    }

    /// An image that can be put on another host.
    private func base(_ path: String) throws(Failure) -> DiskImage {
        let chain = try Overlay.inspectBase(path)
        guard chain.count == 1 else {
            throw Failure(
                .badField, "backing_file \(path) is an overlay on \(chain[1].path)",
                hint: "only one file is put on another machine: make one of them with "
                    + "qemu-img convert -O qcow2", resource: path)
        }
        return chain[0]
    }

    /// The size of a disk, in bytes.
    private func capacity(of disk: DiskSpec, on base: DiskImage?) throws(Failure) -> UInt64 {
        let limit =
            disk.format == .raw ? UInt64(Int64.max) / 512 * 512 : QCOW2Image.limit(extendedL2: false)
        if let base { return try Overlay.virtualSize(disk.size, over: base, limit: limit) }
        return try DiskSize.rounded(disk.size ?? ByteSize(bytes: 0), limit: limit)
    }

    private func checkCanBeSent() throws(Failure) {
        guard spec.ignition != nil else { return }
        throw Failure(
            .hostNotAble, "\(machine.hypervisor.uri) is another machine: ignition is not put there",
            hint: "run limiq on that machine")
    }

    mutating func open(_ record: MachineRecord) throws(Failure) {
        try checkCanBeSent()
        layout.volumes = try volumes(besides: [])
        self.record = record
        self.record?.volumes = layout.volumes
        isOpen = true
        try writeDown([])
        try makeConsole()
    }

    /// All the volumes that the spec wants, each in its pool.
    ///
    /// - Parameter known: those of a machine that is there.
    private func volumes(besides known: [HostVolume]) throws(Failure) -> [HostVolume] {
        var volumes = known
        func isKnown(_ name: String) -> Bool { known.contains { $0.name == name } }
        for (index, disk) in layout.disks.enumerated() where disk.isMade {
            let name = machine.volumeName(of: disk.spec)
            guard !isKnown(name) else { continue }
            do throws(Failure) {
                volumes.append(HostVolume(pool: try pool(of: disk.spec), name: name))
            } catch {
                throw MachineFiles.named("disks[\(index + 1)].pool_id", error)
            }
        }
        var others =
            spec.cdroms.filter { $0.files != nil }.map(machine.volumeName) + [machine.consoleVolumeName]
        if spec.cloudInit != nil { others.append(machine.seedVolumeName) }
        // Asked for in any case: it is started where it is not.
        let own = try HostPool.own(machine.hypervisor)
        return volumes + others.filter { !isKnown($0) }.map { HostVolume(pool: own, name: $0) }
    }

    mutating func uploadImages(
        _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) {
        for (index, disk) in newDisks {
            guard let path = disk.backingFile else { continue }
            try cancellation.check()
            try Self.naming(index) { () throws(Failure) in
                let base = try self.base(path)
                let upload = ImageUpload(
                    storage: storage, pool: pool(of: machine.volumeName(of: disk)),
                    cancellation: cancellation, tell: tell)
                let image = try upload.volume(for: base.path, ending: base.format)
                layout.disks[index].backing = [BackingImage(path: image.path, format: base.format)]
                layout.disks[index].stamps = [ImageStamp(image)]
            }
        }
        for (index, cdrom) in spec.cdroms.enumerated() {
            guard let path = cdrom.isoPath else { continue }
            if let changed, let known = image(in: cdrom, changed) {
                layout.cdroms[index] = known
            } else {
                layout.cdroms[index] = try machine.hostPath(ofISO: path, cancellation, tell: tell)
            }
        }
    }

    mutating func makeDisks(_ cancellation: Cancellation) throws(Failure) {
        for (index, disk) in newDisks {
            try cancellation.check()
            try Self.naming(index) { () throws(Failure) in
                let base = try disk.backingFile.map { path throws(Failure) in try self.base(path) }
                var description = VolumeXML(
                    name: machine.volumeName(of: disk), format: disk.format,
                    capacity: try capacity(of: disk, on: base))
                description.backing = layout.disks[index].backing.first
                layout.disks[index].path = try make(description).path
            }
        }
    }

    /// The disks to be made, each with its place in the spec.
    private var newDisks: [(index: Int, disk: DiskSpec)] {
        let known = changed?.record.spec.idsOfMadeDisks ?? []
        return layout.disks.enumerated().filter { $1.isMade && !known.contains($1.spec.id) }
            .map { ($0.offset, $0.element.spec) }
    }

    /// Runs `body`, so that an error of a disk says which one it is.
    private static func naming(_ index: Int, _ body: () throws(Failure) -> Void) throws(Failure) {
        do throws(Failure) { try body() } catch { throw MachineFiles.named("disks[\(index + 1)]", error) }
    }

    mutating func makeSeed() throws(Failure) {
        guard let documents = spec.cloudInit else { return }
        let bytes = try ISOImage.bytes(
            label: "cidata", files: Cidata.files(documents, name: machine.name, nics: spec.nics))
        var isSent = false
        layout.seed = try makeAnew(machine.seedVolumeName, length: UInt64(bytes.count)) {
            defer { isSent = true }
            return isSent ? nil : .bytes(bytes)
        }
        try layout.writeHostKeys(documents.hostKeys)
    }

    mutating func makeMedia(_ cancellation: Cancellation) throws(Failure) {
        // As the machine's record keeps it.
        let digests = changed.map { spec.withDigests(like: $0.record.spec) }
        for (index, cdrom) in spec.cdroms.enumerated() {
            guard let files = cdrom.files, try !isThere(digests?.cdroms[index]) else { continue }
            let path = file(of: cdrom)
            try writeDown(made)
            defer { unlink(path) }
            try ISOImage.write(to: path, cdrom.label, files)
            var reader = SparseReader(try ReadableFile(path))
            layout.cdroms[index] = try makeAnew(machine.volumeName(of: cdrom), length: reader.length) {
                () throws(Failure) in
                try cancellation.check()
                return try reader.next()
            }
        }
    }

    /// Whether the machine that is changed has this image of files.
    ///
    /// - Parameter cdrom: the drive, with digests of its files.
    private func isThere(_ cdrom: CDROMSpec?) throws(Failure) -> Bool {
        guard let cdrom, let record = changed?.record, record.spec.cdroms.contains(cdrom),
            let volume = record.volumes?.first(where: { $0.name == machine.volumeName(of: cdrom) }),
            !broken.contains(volume)
        else { return false }
        return try (storage.volume(volume)?.length ?? 0) > 0
    }

    /// The path of the file in which an image of files is on its way.
    private func file(of cdrom: CDROMSpec) -> String { "\(layout.folder)/cdrom-\(cdrom.id).iso" }

    /// Makes a volume in the place of one of this name that the machine may have: a guest that runs keeps that open. As
    /// it may hold secrets its mode is 0600.
    ///
    /// - Returns: its path.
    private mutating func makeAnew(
        _ name: String, length: UInt64, _ next: () throws(Failure) -> UploadPart?
    ) throws(Failure) -> String {
        let old = kept.filter { $0.name == name }
        // Whoever is killed from here on has none that is whole.
        if !old.isEmpty { try writeDown(made + old) }
        try Ownership(of: machine, changed?.domain, files: [], volumes: old).removeParts()
        let volume = try make(VolumeXML(name: name, format: .raw, capacity: length))
        try storage.upload(to: volume.volume, length: length, next)
        return volume.path
    }

    /// The path at which a drive has the ISO image of this host that the spec names; `nil` where it has another. An
    /// image whose file is another by now stays until the script names another.
    private func image(in cdrom: CDROMSpec, _ domainNow: PresentDomain) -> String? {
        let isSame = domainNow.record.spec.cdroms.contains {
            $0.id == cdrom.id && $0.isoPath == cdrom.isoPath
        }
        return isSame ? source(of: DomainXML.cdromAlias(cdrom.id), domainNow) : nil
    }

    /// The source a drive has at the next start, where that is what the spec says.
    private func source(of alias: String, _ domainNow: PresentDomain) -> String? {
        guard let source = domainNow.next.drive(alias)?.first("source"),
            machine.isSource(source, of: alias, spec)
        else { return nil }
        return source.attributes["file"] ?? source.attributes["name"]
    }

    private func pool(of name: String) -> String {
        layout.volumes.first { $0.name == name }?.pool ?? LibvirtHypervisor.ownPool
    }

    /// Makes a volume. What the journal names is ours to remove: a volume comes into it when it is asked for and not
    /// before, as another host that shares the pool may have one of this name.
    private mutating func make(_ description: VolumeXML) throws(Failure) -> VolumeSummary {
        let volume = HostVolume(pool: pool(of: description.name), name: description.name)
        if try storage.volume(volume) == nil { try writeDown(made + [volume]) }
        do throws(Failure) {
            let summary = try storage.createVolume(description, in: volume.pool)
            made.append(volume)
            return summary
        } catch {
            // Whoever loses the answer does not know whether it was made.
            if error.code == .diskExists { try writeDown(made) } else { made.append(volume) }
            throw error
        }
    }

    private func writeDown(_ volumes: [HostVolume]) throws(Failure) {
        // A machine that is changed may have been made from another host.
        try machine.makeFolder()
        var journal = MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri,
            files: spec.cdroms.filter { $0.files != nil }.map(file),
            volumes: kept + volumes.filter { !kept.contains($0) }, record: record)
        guard changed != nil else { return try journal.begin(in: layout.folder) }
        journal.makingVolumes = volumes + broken.filter { !volumes.contains($0) }
        try journal.takePlace(of: MachineJournal.read(in: layout.folder), in: layout.folder)
    }

    func sync() throws(Failure) {
        if isOpen { try syncFolder(layout.folder) }
    }

    func remove() throws(Failure) {
        guard isOpen else { return }
        try Ownership(
            of: machine, nil, files: spec.cdroms.map(file), volumes: made, isWhole: true
        ).removeAll()
    }

    // MARK: a machine that is there

    mutating func openChange(of domainNow: PresentDomain) throws(Failure) {
        changed = domainNow
        let known = domainNow.record.volumes ?? []
        layout.volumes = try volumes(besides: known)
        let journal = MachineJournal.read(in: layout.folder)
        let begun = (journal?.makingVolumes ?? []).filter { !known.contains($0) }
        kept = known + (journal?.volumes ?? []).filter { !known.contains($0) && !begun.contains($0) }
        broken = journal?.broken(of: domainNow.record) ?? []
        record = journal?.record
        let images = journal?.files ?? []
        try Ownership(of: machine, domainNow.domain, files: images, volumes: begun).removeParts()
        // Also what will be removed: once the domain says no more of it, nobody else would know.
        let isAnythingUnused = kept.contains { !isWanted($0) }
        if isAnythingUnused || !begun.isEmpty || !broken.isEmpty || !images.isEmpty { try writeDown([]) }
    }

    func requireOwn(_ disk: DiskSpec, _ domainNow: PresentDomain) throws(Failure) {
        let volumes = volume(of: disk, domainNow.record).map { [$0] } ?? []
        _ = try Ownership(of: machine, domainNow.domain, files: [], volumes: volumes)
    }

    func grow(
        _ disk: DiskSpec, _ domainNow: PresentDomain, _ cancellation: Cancellation
    ) throws(Failure) {
        guard let volume = volume(of: disk, domainNow.record) else { return }
        let path = try storage.volume(volume)?.path
        if let own = source(of: DomainXML.diskAlias(disk.id), domainNow), own != path {
            throw Failure(
                .hostNotAble,
                "the disk \(disk.id) of \(machine.name) is at \(own), where limiq has not put it",
                hint: "it grows while the guest runs", resource: own)
        }
        try Ownership(of: machine, domainNow.domain, files: [], volumes: [volume])
            .grow(volume, to: ByteSize(gib: disk.sizeGiB).bytes)
    }

    func removeUnused(of domainNow: PresentDomain) throws(Failure) {
        // Of what was made only images can be unused: a disk goes with the machine.
        let unused = kept.filter { $0.name.hasSuffix(".iso") && !isWanted($0) }
        try Ownership(of: machine, domainNow.domain, files: [], volumes: unused).removeParts()
    }

    private func isWanted(_ volume: HostVolume) -> Bool {
        volume.name == machine.consoleVolumeName
            || volume.name == machine.seedVolumeName && spec.cloudInit != nil
            || spec.disks.contains { $0.path == nil && machine.volumeName(of: $0) == volume.name }
            || spec.cdroms.contains { $0.files != nil && machine.volumeName(of: $0) == volume.name }
    }

    private func volume(of disk: DiskSpec, _ record: MachineRecord) -> HostVolume? {
        record.volumes?.first { $0.name == machine.volumeName(of: disk) }
    }

    func lost(of record: MachineRecord) throws(Failure) -> LostParts {
        var lost = LostParts()
        for volume in record.volumes ?? [] {
            let found = try storage.pool(volume.pool) == nil ? nil : try storage.volume(volume)
            let isWhole = found.map { $0.length > 0 } ?? false
            switch volume.name {
            case machine.seedVolumeName: lost.seed = !isWhole
            case machine.consoleVolumeName: lost.console = found == nil
            case _ where record.spec.cdroms.map(machine.volumeName).contains(volume.name):
                lost.media = lost.media || !isWhole
            default: if found == nil { lost.disk = lost.disk ?? "\(volume.pool)/\(volume.name)" }
            }
        }
        return lost
    }

    mutating func makeConsole() throws(Failure) {
        layout.consoleLog = try make(
            VolumeXML(name: machine.consoleVolumeName, format: .raw, capacity: 0)
        ).path
    }

    func virtualSize(of disk: DiskSpec, _ record: MachineRecord) throws(Failure) -> UInt64? {
        guard let volume = volume(of: disk, record) else { return nil }
        return try storage.volume(volume)?.capacity
    }

    func existing(_ domainNow: PresentDomain) throws(Failure) -> MachineLayout {
        var layout = layout
        layout.takeStamps(of: domainNow.record, self.layout)
        let known = domainNow.record.volumes ?? []
        layout.volumes = (known + made.filter { !known.contains($0) }).filter(isWanted)
        func summary(_ name: String) throws(Failure) -> VolumeSummary {
            if let volume = layout.volumes.first(where: { $0.name == name }),
                let found = try storage.volume(volume)
            {
                return found
            }
            throw Failure(
                .notFound, "the volume \(name) of vm \(machine.name) is gone",
                hint: "remove the VM, so that it can be made anew", resource: name)
        }
        let madeBefore = domainNow.record.spec.idsOfMadeDisks
        for (index, disk) in layout.disks.enumerated() where disk.isMade {
            let found = try summary(machine.volumeName(of: disk.spec))
            layout.disks[index].path = found.path
            layout.disks[index].backing = found.backing.map { [$0] } ?? []
            // One that somebody has moved stays where it is: what the guest has written since is there.
            if madeBefore.contains(disk.spec.id),
                let own = source(of: DomainXML.diskAlias(disk.spec.id), domainNow)
            {
                layout.disks[index].path = own
            }
        }
        if spec.cloudInit != nil { layout.seed = try summary(machine.seedVolumeName).path }
        layout.consoleLog = try summary(machine.consoleVolumeName).path
        for (index, cdrom) in spec.cdroms.enumerated() {
            if cdrom.files != nil {
                layout.cdroms[index] = try summary(machine.volumeName(of: cdrom)).path
            } else if let known = image(in: cdrom, domainNow) {
                layout.cdroms[index] = known
            } else if let path = cdrom.isoPath, layout.cdroms[index] == path {
                layout.cdroms[index] = try machine.hostPath(ofISO: path, Cancellation()) { _ in }
            }
        }
        return layout
    }
}
