import Basics
import HostFiles

/// What a raw disk is told by: a partition table, a boot sector, or a filesystem or volume on the whole of it.
///
/// blkid(8) and libmagic know more kinds; each is a process or a library of some megabytes for what is here a read of a few
/// sectors at each `up`. The table is held against `blkid` and the kernels' own programs by tests.
enum DiskContent {
    /// - Returns: its name in words; `nil` where there is none.
    static func find(in file: borrowing ReadableFile) throws(Failure) -> String? {
        if try GPT(file) != nil { return "a GPT" }
        for (name, offset, mark) in marks
        where try file.read(at: UInt64(offset), count: mark.count) == mark {
            return name
        }
        let sector = try file.read(at: 0, count: 512)
        guard sector.count == 512, sector[510] == 0x55, sector[511] == 0xAA else { return nil }
        return MBR(sector).partitions.isEmpty ? "a boot sector" : "an MBR"
    }

    /// The bytes a disk must have for what its own tables say; `nil` where they do not say.
    static func length(of file: borrowing ReadableFile) throws(Failure) -> UInt64? {
        if let table = try GPT(file) { return table.end }
        let sector = try file.read(at: 0, count: 512)
        if sector.count == 512, sector[510] == 0x55, sector[511] == 0xAA {
            let ends = MBR(sector).partitions.filter { $0.type != MBR.protective }
                .map { (UInt64($0.start) + UInt64($0.count)) * 512 }
            if let end = ends.max() { return end }
        }
        return try filesystemLength(file)
    }

    /// Sources: Linux' `fs/ext4/ext4.h` and `fs/xfs/libxfs/xfs_format.h`.
    private static func filesystemLength(_ file: borrowing ReadableFile) throws(Failure) -> UInt64? {
        let head = try file.read(at: 0, count: 2048)
        guard head.count == 2048 else { return nil }
        if head.starts(with: "XFSB".utf8) {
            let (length, isTooLarge) = UInt64(head.big32(4)).multipliedReportingOverflow(by: head.big64(8))
            return isTooLarge ? .max : length
        }
        // The low halves: a filesystem of more than 16 TiB is no file here.
        guard head[1080] == 0x53, head[1081] == 0xEF, head.little32(1048) <= 6 else { return nil }
        return UInt64(head.little32(1028)) * 1024 << UInt64(head.little32(1048))
    }

    /// Sources: `libblkid/src/superblocks` and `partitions` of util-linux, which name the kernels' own headers.
    private static let marks: [(name: String, offset: Int, mark: [UInt8])] = [
        ("ext", 1080, [0x53, 0xEF]),
        ("xfs", 0, Array("XFSB".utf8)),
        ("btrfs", 65_600, Array("_BHRfS_M".utf8)),
        ("f2fs", 1024, [0x10, 0x20, 0xF5, 0xF2]),
        ("bcachefs", 4120, [0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA]),
        ("squashfs", 0, Array("hsqs".utf8)),
        ("erofs", 1024, [0xE2, 0xE1, 0xF5, 0xE0]),
        ("jfs", 32_768, Array("JFS1".utf8)),
        ("reiserfs", 65_588, Array("ReIsEr".utf8)),
        ("hfs+", 1024, Array("H+".utf8)),
        ("hfsx", 1024, Array("HX".utf8)),
        ("apfs", 32, Array("NXSB".utf8)),
        ("ufs", 66_908, [0x19, 0x01, 0x54, 0x19]),
        ("ufs", 9564, [0x19, 0x01, 0x54, 0x19]),
        ("swap space", 4086, Array("SWAPSPACE2".utf8)),
        ("an LVM volume", 536, Array("LVM2 001".utf8)),
        ("an LVM volume", 24, Array("LVM2 001".utf8)),
        ("a member of a RAID", 4096, [0xFC, 0x4E, 0x2B, 0xA9]),
        ("a BSD disk label", 512, [0x57, 0x45, 0x56, 0x82]),
        ("a BSD disk label", 64, [0x57, 0x45, 0x56, 0x82]),
        ("a Sun disk label", 508, [0xDA, 0xBE]),
        ("an Apple partition map", 512, Array("PM\0\0".utf8)),
    ]
}

/// The partition table of a PC (UEFI specification, 5.2.1).
private struct MBR {
    /// The type of the entry behind which a GPT is.
    static let protective: UInt8 = 0xEE

    /// Positions and lengths are in sectors of 512 bytes.
    let partitions: [(type: UInt8, start: UInt32, count: UInt32)]

    init(_ sector: [UInt8]) {
        let entries = stride(from: 446, to: 510, by: 16).map {
            (
                status: sector[$0], type: sector[$0 + 4], start: sector.little32($0 + 8),
                count: sector.little32($0 + 12)
            )
        }
        // A boot sector without a table has code there.
        let isTable = entries.allSatisfy { $0.status & 0x7F == 0 }
        partitions = entries.filter { isTable && $0.type != 0 && $0.count > 0 }.map {
            ($0.type, $0.start, $0.count)
        }
    }
}

/// The GUID partition table (UEFI specification, 5.3), with sectors of 512 or 4096 bytes.
private struct GPT {
    /// The byte behind the last that a partition has.
    let end: UInt64

    /// - Returns: `nil` where there is none.
    init?(_ file: borrowing ReadableFile) throws(Failure) {
        for sector in [UInt64(512), 4096] {
            let header = try file.read(at: sector, count: 92)
            guard header.count == 92, header.starts(with: "EFI PART".utf8) else { continue }
            let (first, count, size) = (header.little64(72), header.little32(80), header.little32(84))
            var last = UInt64(0)
            if size >= 128, size <= 4096, count <= 4096, first < UInt64(1) << 40 {
                let table = try file.read(at: first * sector, count: Int(count) * Int(size))
                for at in stride(from: 0, to: table.count - 127, by: Int(size))
                where table[at..<at + 16].contains(where: { $0 != 0 }) {
                    last = max(last, min(table.little64(at + 40), 1 << 48))
                }
            }
            end = last == 0 ? 0 : (last + 1) * sector
            return
        }
        return nil
    }
}

/// The volume on a CD-ROM or DVD. Its descriptors begin in sector 16: ISO 9660's (ECMA-119, 8.1.2) or UDF's (ECMA-167,
/// 2/9.2).
enum DiscVolume {
    private static let start: UInt64 = 16 * 2048

    static func isThere(in file: borrowing ReadableFile) throws(Failure) -> Bool {
        let mark = try file.read(at: start, count: 6).dropFirst()
        return mark.elementsEqual("CD001".utf8) || mark.elementsEqual("BEA01".utf8)
    }

    /// The bytes of the volume as its primary descriptor has them (ECMA-119, 8.4); `nil` where there is none, as with UDF
    /// alone.
    static func length(of file: borrowing ReadableFile) throws(Failure) -> UInt64? {
        let descriptor = try file.read(at: start, count: 2048)
        guard descriptor.count == 2048 else { return isCut }
        guard descriptor[0] == 1, descriptor[1...5].elementsEqual("CD001".utf8) else { return nil }
        return UInt64(descriptor.little32(80)) * UInt64(descriptor.little32(128) & 0xFFFF)
    }

    /// A length that no file has.
    private static let isCut = UInt64.max
}
