import Basics
import HostFiles

/// A disk image as it is described by its file; a chain of them is an image and those below it.
public struct DiskImage: Sendable, Equatable {
    /// The path as it was named: absolute for every member of a chain but the first.
    public var path: String
    /// The name QEMU gives the format's driver: `qcow2`, `raw`, `vmdk`.
    public var format: String
    /// The bytes the guest sees.
    public var virtualSize: UInt64
    /// The bytes of the host's disk the file takes.
    public var allocatedSize: UInt64
    /// The image below, as an absolute path.
    public var backingFile: String?
    /// The format of the image below, as this image itself says it; `nil` where it has a base and does not say.
    public var backingFormat: String?

    /// The most images in a chain, as libvirt has it.
    static let maximumDepth = 200

    /// Reads an image and all below it, the top first. Regular local files only: nothing here can hang.
    ///
    /// - Parameters:
    ///   - path: of a regular file.
    ///   - gate: asked for each image below.
    /// - Throws: `Failure` with code `not_found` where a member is missing (and which), `bad_field` for what is no
    ///   file, `bad_image` for a damaged one, a loop, or a base that is no local file, `forbidden`.
    public static func inspect(_ path: String, _ gate: Gate = .open) throws(Failure) -> [DiskImage] {
        try chain(path, format: nil, gate) { (_, _, _) throws(Failure) in }
    }

    /// Follows a chain and shows each open member to `visit`, with its header where it is qcow2.
    ///
    /// - Parameter format: that of the first member; `nil` reads it from the file.
    package static func chain(
        _ path: String, format: String?, _ gate: Gate = .open,
        visit: (borrowing ReadableFile, DiskImage, QCOW2Header?) throws(Failure) -> Void
    ) throws(Failure) -> [DiskImage] {
        var chain: [DiskImage] = []
        var seen: Set<FileIdentity> = []
        var next: (path: String, format: String?)? = (path, format)
        while let (path, format) = next {
            let file: ReadableFile
            do { file = try ReadableFile(path) } catch {
                guard let parent = chain.last, error.code == .notFound else { throw error }
                throw Failure(
                    .notFound, "\(path), the base of \(parent.path), is not there",
                    hint: "put it back, or name its new place with: qemu-img rebase -u", resource: path)
            }
            guard seen.insert(file.identity).inserted else {
                throw Failure(
                    .badImage, "\(path) is its own base, by way of others", resource: chain.first?.path)
            }
            guard chain.count < maximumDepth else {
                throw Failure(
                    .badImage, "\(chain[0].path) stands on more than \(maximumDepth) images",
                    hint: "merge some with: qemu-img rebase", resource: chain[0].path)
            }
            let (image, header) = try read(file, format: format, gate)
            try visit(file, image, header)
            chain.append(image)
            next = try image.backingFile.map { base throws(Failure) in
                (try gate.reading(base), image.backingFormat)
            }
        }
        return chain
    }

    /// - Parameter format: what the file is said to be; it must be that.
    private static func read(
        _ file: borrowing ReadableFile, format: String?, _ gate: Gate
    ) throws(Failure) -> (DiskImage, QCOW2Header?) {
        let path = file.path
        let detected = DiskFormatName.detect(try file.read(at: 0, count: DiskFormatName.probeLength))
        if let format, format != detected,
            // A fixed VHD and others begin like a raw disk: for them QEMU is asked below.
            detected != DiskFormatName.raw || format == DiskFormatName.qcow2
        {
            throw Failure(
                .badImage, "\(path) is \(detected), not \(format)",
                hint:
                    "the guest would see a damaged disk; leave the format out to have it read from the file",
                resource: path)
        }
        var image = DiskImage(
            path: path, format: format ?? detected, virtualSize: file.length, allocatedSize: file.allocated)
        switch image.format {
        case DiskFormatName.raw:
            // QEMU rounds an odd length up to whole sectors.
            image.virtualSize = (file.length + 511) / 512 * 512
            return (image, nil)
        case DiskFormatName.qcow2:
            let header = try QCOW2Header(file)
            image.virtualSize = header.virtualSize
            image.backingFile = try header.backingFile.map { name throws(Failure) in try absolute(name, path)
            }
            image.backingFormat = header.backingFormat
            return (image, header)
        default:
            try gate.foreignFormat(image.format, path)
            let info = try QemuImg.info(resolved(path), format: image.format)
            image.virtualSize = info.virtualSize
            image.backingFile = try info.backingFile.map { name throws(Failure) in try absolute(name, path) }
            image.backingFormat = info.backingFormat
            return (image, nil)
        }
    }

    /// The absolute path of a base that an image names, as QEMU understands it: relative to the folder of the image
    /// that names it.
    static func absolute(_ name: String, _ path: String) throws(Failure) -> String {
        if name.utf8.first == UInt8(ascii: "/") { return name }
        // A colon before the first slash makes a protocol of it: nbd://host, json:{…}.
        if name.utf8.prefix(while: { $0 != UInt8(ascii: "/") }).contains(UInt8(ascii: ":")) {
            throw Failure(
                .badImage, "the base of \(path) is \"\(name)\", not a local file",
                hint: "copy it into one file with: qemu-img convert -O qcow2", resource: path)
        }
        return folder(of: path) + name
    }
}
