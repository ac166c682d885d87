import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

/// The machine's own folder on this host. libvirt makes the console's log there by itself.
struct FolderStore: PartStore {
    let machine: Machine
    let host: HostDescription

    private var user: EmulatorUser { host.emulatorUser }

    func part(_ kind: Part.Kind, _ disk: DiskSpec?) -> Part? {
        kind == .console ? nil : .file("\(machine.folder)/\(kind.fileName(disk))")
    }

    func check(_ disk: DiskSpec) throws(Failure) {
        guard let base = disk.backingFile else { return }
        let chain = try Overlay.inspectBase(base, access: AccessCheck(user))
        _ = try Overlay.virtualSize(disk.size, over: chain[0], limit: .max)
    }

    func readGiven(_ layout: inout MachineLayout, besides known: [DiskSpec]) throws(Failure) {
        for (index, disk) in layout.disks.enumerated() where !disk.isMade && disk.spec.poolID == nil {
            let isKnown = known.contains { $0.path == disk.path && $0.readonly == disk.spec.readonly }
            try MachineParts.naming(index) { () throws(Failure) in
                guard !isKnown else { return }
                // libvirt's test driver opens no file, and has no account.
                _ = try Overlay.inspectDisk(
                    disk.path, readonly: disk.spec.readonly, isNew: true,
                    isSaidRaw: disk.spec.format == .raw,
                    access: machine.isOnTestDriver ? nil : AccessCheck(user))
            }
            let chain = try DiskImage.inspect(disk.path)
            guard let image = chain.first else { continue }
            layout.disks[index].backing = MachineLayout.backing(chain)
            // The wrong one would show the guest a qcow2 header as its first sector.
            guard let format = DiskFormat.allCases.first(where: { $0.libvirtName == image.format }) else {
                throw Failure(
                    .badField,
                    "disks[\(index + 1)].path is a \(image.format) image; limiq runs qcow2 and raw",
                    hint: "qemu-img convert -O qcow2 turns it into one")
            }
            layout.disks[index].format = format
        }
    }

    // QEMU must be able to pass, and nobody to look.
    var folderMode: mode_t { user.uid == geteuid() ? 0o700 : 0o711 }
    var bringsImages: Bool { false }

    func bring(
        _ image: String, for disk: Part?, _ cancellation: Cancellation, tell: @escaping (String) -> Void
    ) -> VolumeSummary? { nil }

    func find(_ part: Part) throws(Failure) -> FoundPart? {
        guard let path = part.file, fileExists(path) else { return nil }
        var found = FoundPart(path: path)
        switch part.kind {
        case .disk:
            found.inspect = { () throws(Failure) in
                let chain = try DiskImage.inspect(path)
                return (chain[0].virtualSize, MachineLayout.backing(chain))
            }
        case .cdrom, .seed: found.isWhole = ISOImage.isWhole(path)
        case .ignition, .console: found.isWhole = (try? ReadableFile(path).length) ?? 0 > 0
        }
        return found
    }

    func make(_ disk: DiskSpec, at part: Part, on image: VolumeSummary?) throws(Failure) -> [ImageStamp] {
        try machine.hypervisor.requireSpace()
        guard let base = disk.backingFile else {
            let size = disk.size ?? ByteSize(bytes: 0)
            try Disk.create("\(part)", size: size, format: disk.format, user: user)
            return []
        }
        let chain = try Overlay.create(
            "\(part)", base: base, size: disk.size, user: user, emulatorVersion: host.emulatorVersion)
        let digests = ImageDigests(state: machine.state)
        return chain.dropFirst().compactMap {
            ImageStamp(file: $0.path, digest: digests.digest(of: $0.path))
        }
    }

    /// Writes a file in the place of another: a guest that has that open keeps it. What is not whole, or no file, goes
    /// before, as nothing is lost with it.
    func write(
        _ bytes: [UInt8], to part: Part, over old: Ownership?, _ cancellation: Cancellation
    ) throws(Failure) {
        let path = "\(part)"
        if try find(part)?.isWhole != true { try old?.removeParts() }
        try AtomicFile.write(path, existing: .replace, user: FileUser(user, .read)) {
            (descriptor, _) throws(Failure) in
            try AtomicFile.write(bytes, to: descriptor, path)
        }
    }

    func read(_ part: Part, _ body: (_ path: String) throws(Failure) -> Void) throws(Failure) {
        try body("\(machine.folder)/\(part.fileName)")
    }
}

extension MachineLayout {
    /// The images below the first one of a chain.
    static func backing(_ chain: [DiskImage]) -> [BackingImage] {
        chain.dropFirst().map { BackingImage(path: $0.path, format: $0.format) }
    }
}
