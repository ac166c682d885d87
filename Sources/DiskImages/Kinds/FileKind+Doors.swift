import Basics
import HostFiles

extension FileKind {
    /// Refuses what no disk of a machine can be, nor stand on: raw is what is said to be raw, or has something on it by
    /// which it is told.
    ///
    /// - Parameters:
    ///   - isSaidRaw: whoever gives the file to a machine says that it is a raw disk.
    ///   - isNamedRaw: its name says so, of a file of which nothing else can be told; `nil` where that is the name it has.
    ///   - isBlankTaken: a blank disk is one, as for a guest to write to.
    ///   - isWhole: all of it is here, and not its beginning alone.
    /// - Throws: `Failure` with code `bad_image`, or `io`.
    package static func requireDisk(
        _ file: borrowing ReadableFile, isSaidRaw: Bool = false, isNamedRaw: Bool? = nil,
        isBlankTaken: Bool = false, isWhole: Bool = true
    ) throws(Failure) {
        let kind = try FileKind(of: file)
        switch kind {
        case .image(DiskFormatName.luks) where !isSaidRaw:
            throw Failure(
                .badImage, "\(file.path) is encrypted by LUKS, and limiq has no key to give",
                hint: "decrypt it into a copy with: qemu-img convert", resource: file.path)
        case .image(let format) where isWhole: try OutsideData.requireNone(in: file, format: format)
        case .empty: throw kind.refusedAsDisk(file.path)
        case .image: return
        case _ where isSaidRaw: return
        case .disk:
            if isWhole, let length = try DiskContent.length(of: file), length > file.length {
                throw cutShort(file.path, file.length)
            }
        case .blank where isBlankTaken: return
        // What makes a fixed VHD one is at its end.
        case .unknown where !isWhole: return
        case .blank, .unknown:
            if !(isNamedRaw ?? file.path.hasSuffix(".raw")) { throw kind.refusedAsDisk(file.path) }
        case .medium, .packed, .other: throw kind.refusedAsDisk(file.path)
        }
    }

    /// Refuses what a CD-ROM drive cannot hold.
    ///
    /// - Throws: `Failure` with code `bad_image`, `not_found`, `io`, or `bad_field` for what is no file.
    package static func requireMedium(_ path: String) throws(Failure) {
        let file = try ReadableFile(path)
        let kind = try FileKind(of: file)
        guard kind == .medium else { throw kind.refusedAsMedium(path) }
        if let length = try DiscVolume.length(of: file), length > file.length {
            throw cutShort(path, file.length)
        }
    }

    /// The failure of a file that is no disk's.
    private func refusedAsDisk(_ path: String) -> Failure {
        let (what, hint) =
            switch self {
            case .medium:
                (
                    "an ISO image, no disk's",
                    "put it into a CD-ROM drive: cdroms = { { iso_path = its path } }"
                )
            case .packed: ("compressed", "limiq image add NAME \(path) unpacks it into the library")
            case .blank:
                (
                    "no image: it begins with zeros, as a file does that was never filled",
                    "fetch it again; a blank disk is made with size, and is told as one by a name that ends in .raw"
                )
            case .unknown, .image, .disk:
                (
                    "no image: neither a partition table nor a filesystem is on it",
                    "fetch it again; a raw disk without either is told as one by a name that ends in .raw"
                )
            case .empty: ("empty", "fetch it again")
            case .other(let what, let hint): (what, hint)
            }
        return Failure(.badImage, "\(path) is \(what)", hint: hint, resource: path)
    }

    private func refusedAsMedium(_ path: String) -> Failure {
        let (what, hint) =
            switch self {
            case .image(let format):
                (
                    "an image of a disk (\(format)), no ISO image",
                    "give it to a disk: disks = { { backing_file = its path } }"
                )
            case .disk(let content):
                (
                    "a raw disk with \(content) on it, no ISO image",
                    "give it to a disk: disks = { { backing_file = its path } }"
                )
            case .packed(let packing):
                ("compressed", "unpack it first: \(packing.rawValue) --decompress --keep \(path)")
            case .blank, .unknown, .medium: ("no ISO image", "fetch it again")
            case .empty: ("empty", "fetch it again")
            case .other(let what, let hint): (what, hint)
            }
        return Failure(.badImage, "\(path) is \(what)", hint: hint, resource: path)
    }
}

/// The failure of a file that ends before what its own tables say.
///
/// - Parameter length: the bytes it has.
func cutShort(_ path: String, _ length: UInt64) -> Failure {
    Failure(
        .badImage,
        "\(path) is cut short: it ends after \(ByteSize(bytes: length)), before what it refers to",
        hint: "fetch or copy it again", resource: path)
}
