import Basics
import DiskImages
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec

/// The parts of one machine, wherever they lie: the order in which they are made, the journal that names them before, what
/// is undone, and what a run that was killed has left.
struct MachineParts {
    let machine: Machine
    let spec: VMSpec
    let store: any PartStore
    /// The machine as it is; `nil` for a new one.
    private let domainNow: PresentDomain?
    /// All parts that limiq makes of the machine, once their places are known.
    private(set) var all: [Part] = []
    /// The parts that the machine had before, by its record and its journal.
    private var kept: [Part] = []
    /// The parts, of `kept`, that a run which was killed has not finished.
    private var broken: [Part] = []
    /// The parts that this run has made, or may have: no more than these are removed where the rest cannot be made.
    private var begun: [Part] = []
    /// The record of the machine in its journal.
    private var record: MachineRecord?
    /// Whether the journal is written.
    private var isOpen = false
    /// The volumes of images of this host that were brought to where the parts are, by the disk or drive they are for.
    private var brought: [Part.Kind: VolumeSummary] = [:]
    /// The stamps of the images below the disks that were made, by the disks' ids.
    private var stamps: [String: [ImageStamp]] = [:]

    init(_ machine: Machine, _ spec: VMSpec, of domainNow: PresentDomain? = nil) throws(Failure) {
        self.machine = machine
        self.spec = spec
        self.domainNow = domainNow
        store = machine.store(try machine.host())
    }

    // MARK: what is to be made

    /// All parts of the spec that limiq makes. Those of a machine that is there stay where they are.
    func places() throws(Failure) -> [Part] {
        var parts: [Part] = []
        func add(_ kind: Part.Kind, _ disk: DiskSpec? = nil) throws(Failure) {
            let known = machine.part(kind, of: domainNow?.record)
            if let part = if let known { known } else { try store.part(kind, disk) } { parts.append(part) }
        }
        for (index, disk) in spec.disks.enumerated() where disk.path == nil {
            try Self.naming(index, ".pool_id") { () throws(Failure) in try add(.disk(disk.id), disk) }
        }
        for cdrom in spec.cdroms where cdrom.isoPath == nil { try add(.cdrom(cdrom.id)) }
        for kind in spec.partKinds.filter({ !$0.isDisk && !$0.isCDROM }) + [.console] { try add(kind) }
        return parts
    }

    /// Finds out whether all can be made, as far as can be told beforehand.
    func check() throws(Failure) {
        var layout = MachineLayout(spec, of: machine)
        try store.readGiven(&layout, besides: [])
        _ = try places()
        for (index, disk) in spec.disks.enumerated() where disk.path == nil {
            try Self.naming(index) { () throws(Failure) in try store.check(disk) }
        }
    }

    /// Runs `body`, so that an error of a disk says which one it is. A disk's own functions know no field names: `size is …`
    /// becomes `disks[1].size is …`.
    static func naming(
        _ index: Int, _ field: String = "", _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        do throws(Failure) { try body() } catch {
            var failure = error
            let isSize = error.message.hasPrefix("size ")
            if error.code == .badField {
                failure.message = "disks[\(index + 1)]\(field)\(isSize ? "." : ": ")\(error.message)"
            }
            throw failure
        }
    }

    // MARK: the journal

    /// Removes what a run that was killed has left of a machine without a domain.
    ///
    /// - Throws: `Failure` with code `folder_taken` where the machine's folder holds something else.
    func clearLeftovers() throws(Failure) {
        guard let journal = try MachineJournal.leftover(of: machine) else { return }
        try machine.requireRemovable(journal.parts)
        try Ownership(of: machine, nil, journal.parts, isWhole: true).removeAll()
    }

    /// Writes down what will be made of a new machine.
    ///
    /// - Parameter record: what the domain will have; gets the parts.
    mutating func begin(_ record: inout MachineRecord) throws(Failure) {
        all = try places()
        record.parts = all
        self.record = record
        // libvirt's test driver touches no file.
        guard !all.isEmpty || !machine.isOnTestDriver else { return }
        if let taken = all.files.first(where: fileExists) {
            throw Failure(
                .folderTaken, "\(taken) is there, and is of no VM \(machine.name)",
                hint: "look what it is and move it away", resource: taken)
        }
        isOpen = true
        try writeDown(inOwnFolder)
        try make(.console, Cancellation())
    }

    /// Begins with the parts of a machine that is there, in the place of `begin`: what a killed change had begun is
    /// removed.
    mutating func beginChange() throws(Failure) {
        guard let domainNow else { return }
        let known = domainNow.record.parts
        all = try places()
        let journal = MachineJournal.read(in: machine.folder)
        let left = (journal?.making ?? []).without(known)
        // What the journal knows besides may hold what somebody wants: a snapshot that was gone back to knew nothing of it.
        kept = known + (journal?.parts ?? []).without(known + left)
        broken = journal?.broken(of: domainNow.record) ?? []
        record = journal?.record
        try Ownership(of: machine, domainNow.domain, left).removeParts()
        let new = inOwnFolder.without(known).filter { !fileExists("\($0)") }
        // Also what will be removed: once the domain says no more of it, nobody else would know.
        if !(new + left + broken + kept.without(all)).isEmpty { try writeDown(new) }
    }

    /// The parts in the machine's own folder, which nobody else has.
    private var inOwnFolder: [Part] { all.filter { $0.file != nil } }

    private mutating func writeDown(_ parts: [Part]) throws(Failure) {
        begun = parts
        // A machine that is changed may have been made from another host.
        try machine.makeFolder(mode: store.folderMode)
        var journal = MachineJournal(
            machine: machine.name, uri: machine.hypervisor.uri, parts: kept + begun.without(kept),
            record: record)
        guard domainNow != nil else { return try journal.begin(in: machine.folder) }
        journal.making = begun + broken.without(begun)
        try journal.takePlace(of: MachineJournal.read(in: machine.folder), in: machine.folder)
    }

    /// Makes sure that what was made is there after a power failure too: libvirt is told of it next.
    func sync() throws(Failure) {
        if isOpen { try syncFolder(machine.folder) }
    }

    /// Removes what was made, where anything was.
    func remove() throws(Failure) {
        if isOpen { try Ownership(of: machine, nil, begun, isWhole: true).removeAll() }
    }

    // MARK: making

    /// The disks to be made, each with its place in the spec.
    private var newDisks: [(index: Int, disk: DiskSpec, part: Part)] {
        let known = domainNow?.record.spec.idsOfMadeDisks ?? []
        return spec.disks.enumerated().compactMap { index, disk in
            known.contains(disk.id) ? nil : all[.disk(disk.id)].map { (index, disk, $0) }
        }
    }

    /// Brings the images that disks stand on and those of CD-ROM drives to where the hypervisor reads them.
    ///
    /// - Parameter tell: told how far it is.
    mutating func bringImages(
        _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) {
        for (index, disk, part) in newDisks {
            guard let path = disk.backingFile else { continue }
            try cancellation.check()
            try Self.naming(index) { () throws(Failure) in
                brought[.disk(disk.id)] = try store.bring(path, for: part, cancellation, tell: tell)
            }
        }
        for cdrom in spec.cdroms where presentImage(in: cdrom) == nil {
            guard let path = cdrom.isoPath else { continue }
            brought[.cdrom(cdrom.id)] = try store.bring(path, for: nil, cancellation, tell: tell)
        }
    }

    mutating func makeDisks(_ cancellation: Cancellation) throws(Failure) {
        var layout = MachineLayout(spec, of: machine)
        try store.readGiven(&layout, besides: domainNow?.record.spec.disks ?? [])
        for (index, disk, part) in newDisks where !isBack(disk, part) {
            try cancellation.check()
            let image = brought[.disk(disk.id)]
            try Self.naming(index) { () throws(Failure) in
                stamps[disk.id] = try making(part) { (store) throws(Failure) in
                    try store.make(disk, at: part, on: image)
                }
            }
        }
    }

    /// Whether a disk is one that the machine had before, and that was kept when the spec said it no more.
    func isBack(_ disk: DiskSpec, _ part: Part) -> Bool {
        guard kept.contains(part), !broken.contains(part), disk.backingFile == nil,
            let size = try? store.find(part)?.inspect().virtualSize
        else { return false }
        return size == disk.sizeGiB << 30
    }

    /// The disks that have come back, with what is on them.
    var returned: [(disk: DiskSpec, part: Part)] {
        newDisks.filter { isBack($0.disk, $0.part) }.map { ($0.disk, $0.part) }
    }

    /// Makes a part that is no disk, in the place of what the machine has of it.
    mutating func make(_ kind: Part.Kind, _ cancellation: Cancellation) throws(Failure) {
        guard let part = all[kind], let bytes = try content(kind) else { return }
        try cancellation.check()
        var old: Ownership?
        // What lies in the machine's own folder is no other's.
        if kept.contains(part) || part.file != nil {
            old = try Ownership(of: machine, domainNow?.domain, [part])
            // Whoever is killed from here on has none that is whole, or another one.
            if !begun.contains(part) { try writeDown(begun + [part]) }
        }
        try making(part) { (store) throws(Failure) in
            try store.write(bytes, to: part, over: old, cancellation)
        }
        if kind == .seed {
            try MachineLayout(spec, of: machine).writeHostKeys(spec.cloudInit?.hostKeys ?? [])
        }
    }

    /// Makes a part. What the journal names is ours to remove: a volume comes into it when it is asked for and not before,
    /// as another host that shares the pool may have one of its name.
    private mutating func making<Result>(
        _ part: Part, _ body: (any PartStore) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let before = begun
        if !before.contains(part), try store.find(part) == nil { try writeDown(before + [part]) }
        do throws(Failure) { return try body(store) } catch {
            // Whoever loses the answer does not know whether it was made.
            if error.code == .diskExists { try writeDown(before) }
            throw error
        }
    }

    /// - Returns: `nil` for a disk.
    private func content(_ kind: Part.Kind) throws(Failure) -> [UInt8]? {
        switch kind {
        case .disk: return nil
        case .cdrom(let id):
            guard let cdrom = spec.cdroms.first(where: { $0.id == id }) else { return nil }
            return try ISOImage.bytes(cdrom.label, cdrom.files ?? ISOContents())
        case .seed:
            return try ISOImage.bytes(
                label: "cidata",
                files: Cidata.files(spec.cloudInit ?? CloudInitSpec(), name: machine.name, nics: spec.nics))
        case .ignition: return Array((spec.ignition ?? "").utf8)
        case .console: return []
        }
    }

    // MARK: a machine that is there

    /// The parts of a machine that are gone or not whole.
    func lost(of record: MachineRecord) throws(Failure) -> [Part] {
        var lost: [Part] = []
        for part in record.parts where try store.find(part)?.isWhole != true { lost.append(part) }
        return lost
    }

    /// The proof that a disk that is to grow is the machine's own.
    ///
    /// - Throws: `Failure` with code `in_use` or `not_ours`, as `Ownership`.
    @discardableResult
    func requireOwn(_ disk: DiskSpec) throws(Failure) -> Ownership {
        try Ownership(of: machine, domainNow?.domain, all.filter { $0.kind == .disk(disk.id) })
    }

    /// Grows a disk of a machine that is off.
    func grow(_ disk: DiskSpec, _ cancellation: Cancellation) throws(Failure) {
        guard let part = all[.disk(disk.id)] else { return }
        if let own = presentSource(DomainXML.diskAlias(disk.id)), own != (try store.find(part)?.path) {
            throw Failure(
                .hostNotAble,
                "the disk \(disk.id) of \(machine.name) is at \(own), where limiq has not put it",
                hint: "it grows while the guest runs", resource: own)
        }
        try requireOwn(disk).grow(part, to: ByteSize(gib: disk.sizeGiB), cancellation)
    }

    /// Removes what the machine had and the spec does not say any more; whoever has it open keeps it. A disk stays until the
    /// machine is removed.
    func removeUnused() throws(Failure) {
        let unused = kept.without(all).filter { !$0.kind.isDisk }
        try Ownership(of: machine, domainNow?.domain, unused).removeParts()
    }

    /// The paths of all parts, as the domain names them.
    func layout() throws(Failure) -> MachineLayout {
        var layout = MachineLayout(spec, of: machine)
        try store.readGiven(&layout, besides: domainNow?.record.spec.disks ?? spec.disks)
        for part in try all.isEmpty ? places() : all {
            guard let found = try store.find(part) else {
                // A guest that runs needs no file of its seed any more.
                if part.file != nil, !part.kind.isDisk { continue }
                throw Failure(
                    .notFound, "\(part) of vm \(machine.name) is gone",
                    hint: "remove the VM, so that it can be made anew", resource: "\(part)")
            }
            switch part.kind {
            case .disk(let id):
                guard let index = spec.disks.firstIndex(where: { $0.id == id }) else { continue }
                // One that somebody has moved stays where it is: what the guest has written since is there.
                layout.disks[index].path = presentSource(DomainXML.diskAlias(id)) ?? found.path
                layout.disks[index].stamps = stamps[id] ?? domainNow?.record.bases?[id] ?? []
                // What a guest writes to a blank disk may look like an overlay's header.
                if spec.disks[index].backingFile != nil {
                    layout.disks[index].backing = try found.inspect().backing
                }
            case .cdrom(let id):
                for index in spec.cdroms.indices where spec.cdroms[index].id == id {
                    layout.cdroms[index] = found.path
                }
            case .seed: layout.seed = found.path
            case .ignition: layout.ignition = found.path
            case .console: layout.consoleLog = found.path
            }
        }
        for (index, cdrom) in spec.cdroms.enumerated() {
            guard let path = cdrom.isoPath else { continue }
            layout.cdroms[index] =
                if let present = presentImage(in: cdrom) ?? brought[.cdrom(cdrom.id)]?.path { present } else {
                    try machine.hostPath(ofISO: path)
                }
        }
        return try machine.withCeph(layout)
    }

    /// The path at which a drive has the ISO image of this host that the spec names; `nil` where it has another. An
    /// image whose file is another by now stays until the script names another.
    private func presentImage(in cdrom: CDROMSpec) -> String? {
        let isSame = domainNow?.record.spec.cdroms.contains {
            $0.id == cdrom.id && $0.isoPath == cdrom.isoPath
        }
        return isSame == true ? presentSource(DomainXML.cdromAlias(cdrom.id)) : nil
    }

    /// The source a drive has at the next start, where that is what the spec says of a volume.
    private func presentSource(_ alias: String) -> String? {
        guard let source = domainNow?.next.drive(alias)?.first("source"),
            machine.isSource(source, of: alias, spec)
        else { return nil }
        return source.attributes["file"] ?? source.attributes["name"]
    }
}
