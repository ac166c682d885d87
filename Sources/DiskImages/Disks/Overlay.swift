import Basics
import HostFiles

/// The overlays: qcow2 disks that hold what a guest changed and read the rest from a base.
public enum Overlay {
    /// Makes an overlay. The file appears whole, with mode 0600 or as `user` needs, or not at all.
    ///
    /// The base and all below it are looked at first: what a guest would stumble over is a failure here.
    ///
    /// - Parameters:
    ///   - path: absolute; must be free.
    ///   - base: absolute; kept in the overlay with its links resolved, so that a link that later points elsewhere
    ///     does not change the guest's disk.
    ///   - format: the base's; `nil` reads it from the base.
    ///   - size: of the guest's disk; `nil` takes the base's.
    ///   - user: the account QEMU runs under; `nil` does not check what it may reach.
    ///   - gate: asked for each image below the base.
    ///   - emulatorVersion: of the QEMU that will run it, as libvirt counts (major × 1,000,000 + minor × 1,000);
    ///     `nil` asks the installed qemu-img.
    /// - Returns: the overlay and the chain below it.
    /// - Throws: `Failure` with code `disk_exists`, `bad_field` (a size below the base's: the message begins with
    ///   `size is`), `not_found`, `bad_image`, `disk_in_use`, `host_not_able` or `io`.
    @discardableResult
    public static func create(
        _ path: String, base: String, format: String? = nil, size: ByteSize? = nil, user: EmulatorUser? = nil,
        emulatorVersion: Int? = nil, gate: Gate = .open
    ) throws(Failure) -> [DiskImage] {
        try requireAbsolute(path, "path")
        try requireAbsolute(base, "backing_file")
        if fileExists(path) {
            throw Failure(
                .diskExists, "\(path) exists", hint: "remove it first, or choose another path", resource: path
            )
        }
        let access = user.map(AccessCheck.init)
        try access?.requireSearchable(foldersOf: path)
        let chain = try inspectBase(base, format: format, access: access, gate)
        let backing = chain[0]
        let extendedL2 = emulatorVersion.map { $0 >= 5_002_000 } ?? QemuImg.knowsExtendedL2()
        let image = QCOW2Image(
            virtualSize: try virtualSize(
                size, over: backing, limit: QCOW2Image.limit(extendedL2: extendedL2)),
            backing: (backing.path, backing.format), extendedL2: extendedL2)
        var allocated: UInt64 = 0
        try AtomicFile.write(
            path, existing: .refuse(.diskExists), user: user.map { FileUser($0, .write) }
        ) { (descriptor, temporary) throws(Failure) in
            try image.write(to: descriptor, path)
            allocated = try ReadableFile(temporary).allocated
        }
        OverlayIndex.note(path)
        let top = DiskImage(
            path: path, format: DiskFormatName.qcow2, virtualSize: image.virtualSize,
            allocatedSize: allocated,
            backingFile: backing.path, backingFormat: backing.format)
        return [top] + chain
    }

    /// The image that is to lie below an overlay, with its links resolved, and all below that.
    ///
    /// - Throws: as `create`, for an image that can be no base.
    package static func inspectBase(
        _ base: String, format: String? = nil, access: AccessCheck? = nil, _ gate: Gate = .open
    ) throws(Failure) -> [DiskImage] {
        // What is missing, or no file, is told by the name the caller knows.
        let given = try ReadableFile(base)
        // What its own header says of an image below it is said.
        try FileKind.requireDisk(given, isSaidRaw: format == DiskFormatName.raw)
        try access?.requireSearchable(foldersOf: base)
        return try DiskImage.chain(try resolved(base), format: format, gate) {
            (file, image, header) throws(Failure) in
            try require(file, image, header)
            try access?.requireSearchable(foldersOf: image.path)
            try access?.requireReadable(image.path)
        }
    }

    /// A disk's file that is there, and all below it, as a guest may be given it: what lies below is held to what lies below
    /// an overlay, so that no image names a file that QEMU's account could not read by itself.
    ///
    /// - Parameters:
    ///   - readonly: the guest only reads it, and libvirt leaves its owner.
    ///   - isNew: no guest has written to it as this machine's yet, and it must be whole and known for a disk.
    ///   - isSaidRaw: whoever gives it says that it is raw.
    /// - Throws: as `create`, for an image that can be no disk.
    package static func inspectDisk(
        _ path: String, readonly: Bool, isNew: Bool = false, isSaidRaw: Bool = false,
        access: AccessCheck? = nil
    ) throws(Failure) -> [DiskImage] {
        if isNew {
            let given = try ReadableFile(path)
            try FileKind.requireDisk(given, isSaidRaw: isSaidRaw, isBlankTaken: true)
        }
        var isTop = true
        return try DiskImage.chain(try resolved(path), format: nil) { (file, image, header) throws(Failure) in
            defer { isTop = false }
            if !isTop {
                try require(file, image, header)
            } else {
                // QEMU repairs what it may write.
                try header?.requireUsable(image.path, isRepaired: !readonly)
                if isNew { try header?.requireComplete(file) }
                try requireFormat(ofBaseOf: image)
            }
            if !isTop || readonly {
                try access?.requireSearchable(foldersOf: image.path)
                try access?.requireReadable(image.path)
            }
        }
    }

    /// Refuses an image that may not lie below an overlay.
    private static func require(
        _ file: borrowing ReadableFile, _ image: DiskImage, _ header: QCOW2Header?
    ) throws(Failure) {
        if image.virtualSize == 0 {
            throw Failure(.badImage, "\(image.path) is empty, no base for a disk", resource: image.path)
        }
        try header?.requireUsable(image.path)
        if DiskLock.hasWriter(file) {
            throw Failure(
                .inUse, "\(image.path) is open for writing by a running guest or program",
                hint: "a base must not change under its overlays: stop the guest, or copy the disk",
                resource: image.path)
        }
        try header?.requireComplete(file)
        try requireFormat(ofBaseOf: image)
    }

    /// Refuses an image that does not say its base's format: without it libvirt and QEMU would look what the base is,
    /// and a guest may write into a raw one whatever it likes.
    private static func requireFormat(ofBaseOf image: DiskImage) throws(Failure) {
        if let base = image.backingFile, image.backingFormat == nil {
            throw Failure(
                .badImage, "\(image.path) does not say which format its base \(base) has",
                hint: "write it in with: qemu-img rebase -u -b \(base) -F FORMAT \(image.path)",
                resource: image.path)
        }
    }

    /// The size of an overlay that is to have `size`, or its base's.
    package static func virtualSize(
        _ size: ByteSize?, over base: DiskImage, limit: UInt64
    ) throws(Failure) -> UInt64 {
        guard let size else { return base.virtualSize }
        let rounded = try DiskSize.rounded(size, limit: limit)
        guard rounded >= base.virtualSize else {
            throw Failure(
                .badField, "size is \(size), smaller than its base (\(ByteSize(bytes: base.virtualSize)))",
                hint:
                    "leave size out to take the base's size, or ask for \(DiskSize.asked(base.virtualSize)) or more",
                resource: base.path)
        }
        return rounded
    }
}

/// The rules every disk's size and path obey.
package enum DiskSize {
    /// The size in whole sectors of 512 bytes.
    ///
    /// - Throws: `Failure` with code `bad_field` for 0 and for more than `limit`.
    package static func rounded(_ size: ByteSize, limit: UInt64) throws(Failure) -> UInt64 {
        guard size.bytes > 0 else { throw Failure(.badField, "size is 0", hint: "ask for 1MiB or more") }
        guard size.bytes <= limit else {
            throw Failure(.badField, "size is \(size), more than a disk can have (\(ByteSize(bytes: limit)))")
        }
        return (size.bytes + 511) / 512 * 512
    }

    /// The next size a script can write: `3GiB`.
    static func asked(_ bytes: UInt64) -> String {
        let mib = (bytes + (1 << 20) - 1) >> 20
        return mib % 1024 == 0 ? "\(mib / 1024)GiB" : "\(mib)MiB"
    }
}

/// Refuses a relative name: it would depend on where the process stands, and to QEMU on where the overlay lies.
func requireAbsolute(_ path: String, _ field: String) throws(Failure) {
    guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else {
        throw Failure(
            .badField, "\(field) must be an absolute path, not \"\(path)\"",
            hint: "disks are local files: /var/lib/images/base.qcow2", resource: path)
    }
}
