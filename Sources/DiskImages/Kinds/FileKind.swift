import Basics
import HostFiles

/// The kind of a file as its bytes show it, whatever its name says.
///
/// A raw disk has no mark of its own: one is told by what is on it, a partition table, a boot sector or a filesystem.
package enum FileKind: Equatable, Sendable {
    case empty
    /// An image of a disk with a header: the name QEMU gives its format.
    case image(String)
    /// The contents of a CD-ROM or DVD: ISO 9660 or UDF.
    case medium
    /// A raw disk, by what is on it: `ext4`, `a GPT`.
    case disk(String)
    /// The beginning of a blank disk, or of a file for which room was made and nothing written.
    case blank
    /// A compressed file, of a kind that is unpacked where images are taken in.
    case packed(Packing)
    /// A file of another kind, in words that follow "is", with the way out.
    case other(what: String, hint: String)
    case unknown

    /// The bytes by which most files are told.
    package static let headLength = 4096

    /// - Throws: `Failure` with code `io`.
    package init(of file: borrowing ReadableFile) throws(Failure) {
        let head = try file.read(at: 0, count: Self.headLength)
        if let kind = Self(head: head) {
            self = kind
        } else if try DiscVolume.isThere(in: file) {
            // Before what a raw disk has: an image for CD-ROM and stick has a partition table too.
            self = .medium
        } else if let packed = Self.packedOrOther(head) {
            self = packed
        } else if let trailer = try Self.trailer(of: file) {
            self = trailer
        } else if let found = try DiskContent.find(in: file) {
            self = .disk(found)
        } else {
            self = head.allSatisfy { $0 == 0 } ? .blank : .unknown
        }
    }

    /// The kind by the first bytes alone, of a file that is still coming.
    ///
    /// - Parameter head: the first 512 bytes or more, or all there are.
    /// - Returns: `nil` where the first bytes do not tell.
    package init?(start head: [UInt8]) {
        guard let kind = Self(head: head) ?? Self.packedOrOther(head) else { return nil }
        self = kind
    }

    private init?(head: [UInt8]) {
        if head.isEmpty {
            self = .empty
            return
        }
        let format = DiskFormatName.detect(head)
        guard format != DiskFormatName.raw else { return nil }
        self = .image(format)
    }

    private static func packedOrOther(_ head: [UInt8]) -> FileKind? {
        if let packing = Packing(head) { return .packed(packing) }
        return FileSignature.find(in: head) ?? TextFile(head).map(\.kind)
    }

    /// A fixed VHD begins as the disk does, and ends with what makes it one (Microsoft's "Virtual Hard Disk Image Format
    /// Specification", "Hard Disk Footer Format"); Apple's disk images end with a mark too.
    private static func trailer(of file: borrowing ReadableFile) throws(Failure) -> FileKind? {
        guard file.length >= 1024 else { return nil }
        let end = try file.read(at: file.length - 512, count: 512)
        if end.starts(with: "conectix".utf8) { return .image(DiskFormatName.vhd) }
        return end.starts(with: "koly".utf8)
            ? .other(what: "an Apple disk image", hint: "take the image out of it first") : nil
    }
}

/// A way a file is compressed, of those in which publishers offer images.
package enum Packing: String, Sendable, CaseIterable {
    case xz
    case gzip
    case zstd
    case bzip2

    /// The first bytes of a file. Sources: xz-file-format.txt 2.1.1.1, RFC 1952 2.3.1, RFC 8878 3.1.1, bzip2's `decompress.c`.
    private var mark: [UInt8] {
        switch self {
        case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .gzip: [0x1F, 0x8B, 0x08]
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
        // "BZh" and the size of a block; then the magic of the first block.
        case .bzip2: [0x42, 0x5A, 0x68]
        }
    }

    /// The ending of a file's name.
    package var ending: String {
        switch self {
        case .xz: ".xz"
        case .gzip: ".gz"
        case .zstd: ".zst"
        case .bzip2: ".bz2"
        }
    }

    /// - Returns: `nil` for a file that is not compressed so.
    package init?(_ head: [UInt8]) {
        guard let found = Self.allCases.first(where: { head.starts(with: $0.mark) }) else { return nil }
        self = found
    }
}
