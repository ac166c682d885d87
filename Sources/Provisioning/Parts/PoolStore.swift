import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// The storage pools of a host that is another machine. Images of this host are put there once; the machine's parts are
/// volumes of its name, `web.boot-disk.qcow2`.
///
/// libvirt gives the volumes to QEMU's user when the guest starts; nothing there belongs to anybody else, so that no
/// label has to stay as it is.
struct PoolStore: PartStore {
    let machine: Machine

    private var storage: any HostStorage { machine.hypervisor }

    func part(_ kind: Part.Kind, _ disk: DiskSpec?) throws(Failure) -> Part? {
        let pool =
            if let disk, let id = disk.poolID {
                try HostPool.named(id, for: disk, on: machine.hypervisor)
            } else {
                try HostPool.own(machine.hypervisor)
            }
        return .volume(HostVolume(pool: pool, name: machine.volumeName(of: kind, disk)))
    }

    func check(_ disk: DiskSpec) throws(Failure) {
        _ = try capacity(of: disk)
    }

    func readGiven(_ layout: inout MachineLayout, besides known: [DiskSpec]) {}

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
    private func capacity(of disk: DiskSpec) throws(Failure) -> UInt64 {
        let limit =
            disk.format == .raw ? UInt64(Int64.max) / 512 * 512 : QCOW2Image.limit(extendedL2: false)
        guard let path = disk.backingFile else {
            return try DiskSize.rounded(disk.size ?? ByteSize(bytes: 0), limit: limit)
        }
        return try Overlay.virtualSize(disk.size, over: try base(path), limit: limit)
    }

    var folderMode: mode_t { 0o700 }
    var bringsImages: Bool { true }

    func bring(
        _ image: String, for disk: Part?, _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) throws(Failure) -> VolumeSummary? {
        let (path, ending) =
            if disk == nil { (image, "iso") } else { (try base(image).path, try base(image).format) }
        let pool = if let disk { try volume(disk).pool } else { try HostPool.own(machine.hypervisor) }
        return try ImageUpload(storage: storage, pool: pool, cancellation: cancellation, tell: tell)
            .volume(for: path, ending: ending)
    }

    private func volume(_ part: Part) throws(Failure) -> HostVolume {
        if let volume = part.volume { return volume }
        throw Failure(.internal, "\(part) is no volume of \(machine.hypervisor.uri)")
    }

    func find(_ part: Part) throws(Failure) -> FoundPart? {
        guard let volume = part.volume else { return nil }
        do throws(Failure) { return try storage.volume(volume).map { found(part.kind, $0) } } catch {
            // Its pool is gone.
            if error.code == .notFound { return nil }
            throw error
        }
    }

    private func found(_ kind: Part.Kind, _ volume: VolumeSummary) -> FoundPart {
        // A log may be empty, and a disk is never looked into.
        let isWhole = kind.isDisk || kind == .console || volume.length > 0
        let facts = (volume.capacity, volume.backing.map { [$0] } ?? [])
        return FoundPart(path: volume.path, isWhole: isWhole) { facts }
    }

    func make(_ disk: DiskSpec, at part: Part, on image: VolumeSummary?) throws(Failure) -> [ImageStamp] {
        let volume = try volume(part)
        var description = VolumeXML(
            name: volume.name, format: disk.format, capacity: try capacity(of: disk))
        if let base = disk.backingFile {
            guard let image else { throw Failure(.internal, "\(base) was not brought to \(volume.pool)") }
            description.backing = BackingImage(path: image.path, format: try self.base(base).format)
        }
        _ = try storage.createVolume(description, in: volume.pool)
        return image.map { [ImageStamp($0)] } ?? []
    }

    /// Makes a volume in the place of an old one: a guest that runs keeps that open.
    func write(
        _ bytes: [UInt8], to part: Part, over old: Ownership?, _ cancellation: Cancellation
    ) throws(Failure) {
        try old?.removeParts()
        let volume = try volume(part)
        let length = UInt64(bytes.count)
        _ = try storage.createVolume(
            VolumeXML(name: volume.name, format: .raw, capacity: length), in: volume.pool)
        var rest = bytes[...]
        if length > 0 {
            try storage.upload(to: volume, length: length) { () throws(Failure) in
                try cancellation.check()
                defer { rest = rest.dropFirst(1 << 20) }
                return rest.isEmpty ? nil : .bytes(Array(rest.prefix(1 << 20)))
            }
        }
    }

    func read(_ part: Part, _ body: (_ path: String) throws(Failure) -> Void) throws(Failure) {
        let volume = try volume(part)
        // Whoever is killed before it is removed leaves what the next removal of the machine finds.
        let path = "\(machine.folder)/\(AtomicFile.temporaryName(for: volume.name))"
        try machine.makeFolder()
        defer {
            unlink(path)
            // Of a machine that was made from a third host nothing else is kept here.
            rmdir(machine.folder)
        }
        try writeBytes(try storage.download(volume, from: 0), to: path)
        try body(path)
    }
}
