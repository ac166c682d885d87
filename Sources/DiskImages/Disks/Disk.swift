import Basics
import Glibc
import HostFiles

/// Blank disks, and what can be done to a disk as a file.
public enum Disk {
    /// Makes a blank disk; it takes next to no room until the guest writes.
    ///
    /// - Parameters:
    ///   - path: absolute; must be free.
    ///   - user: the account QEMU runs under, where that is another than the caller's.
    /// - Throws: `Failure` with code `disk_exists`, `bad_field`, `not_found` (the folder) or `io`.
    public static func create(
        _ path: String, size: ByteSize, format: DiskFormat = .qcow2, user: EmulatorUser? = nil
    ) throws(Failure) {
        try requireAbsolute(path, "path")
        let limit = format == .raw ? UInt64(Int64.max) / 512 * 512 : QCOW2Image.limit(extendedL2: false)
        let bytes = try DiskSize.rounded(size, limit: limit)
        try user.map(AccessCheck.init)?.requireSearchable(foldersOf: path)
        try AtomicFile.write(
            path, existing: .refuse(.diskExists), user: user.map { FileUser($0, .write) }
        ) { (descriptor, _) throws(Failure) in
            switch format {
            case .qcow2:
                // Without a base there is nothing to copy, and QEMU's own default serves best.
                try QCOW2Image(virtualSize: bytes, extendedL2: false).write(to: descriptor, path)
            case .raw:
                guard ftruncate(descriptor, off_t(bytes)) == 0 else {
                    if errno == EFBIG {
                        throw Failure(
                            .badField, "size is \(size), more than a file of \(folder(of: path)) can have")
                    }
                    throw Failure.system(errno, "cannot write \(path)", resource: path)
                }
            }
        }
    }

    /// Copies a qcow2 disk and all it stands on into one new file, which holds no block of zeros.
    ///
    /// - Parameters:
    ///   - compressed: whether its clusters are compressed.
    /// - Throws: `Failure` with code `program`, `host_not_able`, `timeout` or `cancelled`.
    package static func flatten(
        _ path: String, to target: String, compressed: Bool, _ cancellation: Cancellation
    ) throws(Failure) {
        try requireAbsolute(path, "path")
        // -U: of a guest that stands still QEMU has the disk open.
        _ = try QemuImg.run(
            ["convert", "-q", "-U", "-f", "qcow2", "-O", "qcow2"] + (compressed ? ["-c"] : []) + [
                path, target,
            ],
            "cannot copy the disk \(path)", about: path, timeout: .seconds(7200), cancellation: cancellation)
    }

    /// Makes a disk larger. The guest must be off, and grows its own partitions at the next start.
    ///
    /// - Parameters:
    ///   - require: called before anything is written: what else speaks against it.
    ///   - gate: of the script whose disk it is.
    /// - Throws: `Failure` with code `bad_field` for a smaller size, `disk_in_use`, `not_found`, `bad_image`, `program`
    ///   or `forbidden`.
    public static func resize(
        _ path: String, to size: ByteSize, gate: Gate = .open,
        cancellation: Cancellation = Cancellation(), _ require: () throws(Failure) -> Void = {}
    ) throws(Failure) {
        try requireAbsolute(path, "path")
        let format: String
        let bytes: UInt64
        do {
            let file = try ReadableFile(path)
            guard !DiskLock.isUsed(file) else { throw inUse(path) }
            guard try looksLikeDisk(file) else { throw noDisk(path, "resizes") }
            var found: (image: DiskImage, header: QCOW2Header?)?
            _ = try DiskImage.chain(path, format: nil, gate) { (_, image, header) throws(Failure) in
                found = found ?? (image, header)
            }
            guard let found else { return }
            try found.header?.requireUsable(path)
            format = found.image.format
            // QEMU's program opens what an image names, and a script may have another there by then.
            if format != DiskFormatName.raw, gate.isBounded {
                throw Failure(
                    .forbidden, "\(path) is \(format), and --sandbox lets the script resize raw disks only",
                    hint: "make the disk in its final size", resource: path)
            }
            let extended = found.header?.hasExtendedL2 ?? false
            let limit =
                format == DiskFormatName.raw
                ? UInt64(Int64.max) / 512 * 512 : QCOW2Image.limit(extendedL2: extended)
            bytes = try DiskSize.rounded(size, limit: limit)
            let now = found.image.virtualSize
            guard bytes >= now else {
                throw Failure(
                    .badField, "size is \(size), smaller than \(path) is now (\(ByteSize(bytes: now)))",
                    hint: "shrinking would cut off the guest's data; make a new disk, or ask for "
                        + "\(DiskSize.asked(now)) or more", resource: path)
            }
            if bytes == now { return }
        }
        try require()
        try QemuImg.resize(resolved(path), format: format, to: bytes, cancellation: cancellation)
    }

    /// Removes a disk's file.
    ///
    /// - Parameter require: called before it is removed: what else speaks against it.
    /// - Throws: `Failure` with code `not_found`, `disk_in_use`, `bad_image` for a file that is no disk image, `io`.
    public static func remove(_ path: String, _ require: () throws(Failure) -> Void = {}) throws(Failure) {
        try requireAbsolute(path, "path")
        do {
            let file = try ReadableFile(path)
            guard !DiskLock.isUsed(file) else { throw inUse(path) }
            guard try looksLikeDisk(file) else { throw noDisk(path, "removes") }
        }
        try require()
        guard unlink(path) == 0 else { throw Failure.system(errno, "cannot remove \(path)", resource: path) }
    }

    private static func noDisk(_ path: String, _ verb: String) -> Failure {
        Failure(
            .badImage, "\(path) is no disk image", hint: "limiq \(verb) only what it knows for a disk",
            resource: path)
    }

    /// Whether a file is a disk. A raw disk has no mark of its own: whole sectors that are named as a disk, blank, or
    /// partitioned.
    private static func looksLikeDisk(_ file: borrowing ReadableFile) throws(Failure) -> Bool {
        let head = try file.read(at: 0, count: DiskFormatName.probeLength)
        if DiskFormatName.detect(head) != DiskFormatName.raw { return true }
        guard file.length > 0, file.length % 512 == 0 else { return false }
        return file.path.hasSuffix(".raw") || file.path.hasSuffix(".img")
            || head[0..<512].allSatisfy { $0 == 0 } || head[510] == 0x55 && head[511] == 0xAA
    }

    private static func inUse(_ path: String) -> Failure {
        Failure(
            .inUse, "\(path) is in use by a running guest or program", hint: "stop the guest first",
            resource: path)
    }
}
