import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// An image below a disk of a machine that is not what it was when the disk was made.
struct ChangedBase: Sendable, Equatable {
    /// The disk's id.
    var disk: String
    var was: ImageStamp
    /// The stamp of the image that is there now; `nil` where it is gone.
    var now: ImageStamp?
}

extension ChangedBase {
    func change(in spec: VMSpec) -> Change {
        let field = FieldPath("disks", disk, "backing_file")
        return Change(
            field, path: field.text(in: [spec]), current: .found("\"\(was.path)\" as it was"),
            wanted: .found("\"\(was.path)\" as it is now"), isSaid: false, cost: .replace, cause: .drift)
    }
}

extension Machine {
    /// The images below the machine's disks that have become others; and, by the disks' ids, what is to be kept of all
    /// below them where that is something else than the record has: of one that was only copied or touched, as its
    /// digest says, of one that somebody has put the disk on with `qemu-img rebase`, of a machine that an older limiq
    /// made.
    ///
    /// - Throws: `Failure` with code `cancelled`, `io` or `libvirt`.
    func comparedBases(
        _ record: MachineRecord, _ cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> (changed: [ChangedBase], kept: [String: [ImageStamp]]) {
        var changed: [ChangedBase] = []
        var kept: [String: [ImageStamp]] = [:]
        for disk in record.spec.disks where disk.path == nil && disk.backingFile != nil {
            let known = record.bases?[disk.id] ?? []
            var stamps = stampsBelow(disk, known, record)
            for (index, stamp) in stamps.enumerated() where known.contains(stamp) {
                let now = try stampNow(stamp, disk, record)
                if let now, stamp.looksLike(now) { continue }
                if let now = try now.flatMap({ (now) throws(Failure) in
                    try same(stamp, now, cancellation)
                }) {
                    stamps[index] = now
                } else {
                    changed.append(ChangedBase(disk: disk.id, was: stamp, now: now))
                }
            }
            if stamps != known { kept[disk.id] = stamps }
        }
        return (changed, kept)
    }

    /// The stamps of the images a disk stands on now: as noted for those that were noted, as they are for the rest.
    private func stampsBelow(
        _ disk: DiskSpec, _ known: [ImageStamp], _ record: MachineRecord
    ) -> [ImageStamp] {
        guard let path = part(.disk(disk.id), of: record)?.file, access(path, R_OK) == 0 else {
            return known
        }
        return imagesBelow(path).compactMap { image in
            known.first { $0.path == image }
                ?? ImageStamp(file: image, digest: ImageDigests(state: state).digest(of: image))
        }
    }

    /// The stamp of now, with the digest, of an image that holds what it held; `nil` for one that does not. The file is
    /// read through where it may be the same.
    private func same(
        _ stamp: ImageStamp, _ now: ImageStamp, _ cancellation: Cancellation
    ) throws(Failure) -> ImageStamp? {
        guard let digest = stamp.digest, stamp.size == now.size,
            try FileDigest(of: stamp.path, cancellation).value == digest
        else { return nil }
        var now = now
        now.digest = digest
        return now
    }

    private func stampNow(
        _ stamp: ImageStamp, _ disk: DiskSpec, _ record: MachineRecord
    ) throws(Failure) -> ImageStamp? {
        if isLocal { return ImageStamp(file: stamp.path) }
        guard let pool = part(.disk(disk.id), of: record)?.volume?.pool else { return stamp }
        return try hypervisor.volume(HostVolume(pool: pool, name: lastComponent(stamp.path)))
            .map(ImageStamp.init)
    }

    /// - Throws: `Failure` with code `bad_image` that names the disk and what it stands on, and the ways out.
    func requireSameBases(_ record: MachineRecord) throws(Failure) {
        let (changed, kept) = try comparedBases(record)
        if let first = changed.first { throw otherBase(first, record) }
        try remember(bases: kept, of: record)
    }

    func otherBase(_ base: ChangedBase, _ record: MachineRecord) -> Failure {
        let layout = MachineLayout(record.spec, of: self)
        let disk = layout.disks.first { $0.spec.id == base.disk }?.path ?? base.disk
        guard let now = base.now else {
            return Failure(
                .notFound, "\(base.was.path), which the disk \(disk) of vm \(name) stands on, is gone",
                hint:
                    "put it back; up { replace = true } makes \(name) anew, without what its guest has written",
                resource: base.was.path)
        }
        return Failure(
            .badImage,
            "\(base.was.path) is not what it was when the disk \(disk) of vm \(name) was made on it: "
                + base.was.difference(now),
            hint:
                "put the image back that it was; or up { replace = true } makes \(name) anew on this one, without "
                + "what its guest has written; or, where it was only copied or touched and holds the same, "
                + "up { accept_base = true } takes it for the same",
            resource: base.was.path)
    }

    /// Takes the images below the machine's disks for what they are now.
    ///
    /// - Parameter bases: by the disks' ids.
    func remember(bases: [String: [ImageStamp]], of record: MachineRecord) throws(Failure) {
        guard !bases.isEmpty else { return }
        var record = record
        record.bases = (record.bases ?? [:]).merging(bases) { $1 }
        try hypervisor.setMetadata(name, try record.element())
    }

    /// The stamps of the images that are in the place of changed ones, for those that are to be taken for the same.
    func accepted(_ changed: [ChangedBase], _ record: MachineRecord) -> [String: [ImageStamp]] {
        var bases: [String: [ImageStamp]] = [:]
        for base in changed {
            guard let now = base.now else { continue }
            bases[base.disk] = (bases[base.disk] ?? record.bases?[base.disk] ?? []).map {
                $0.path == now.path ? now : $0
            }
        }
        return bases
    }
}

extension MachineLayout {
    /// The stamps of the images the disks stand on, as a record keeps them.
    var bases: [String: [ImageStamp]]? {
        let bases = disks.filter { !$0.stamps.isEmpty }.map { ($0.spec.id, $0.stamps) }
        return bases.isEmpty ? nil : Dictionary(bases) { first, _ in first }
    }
}
