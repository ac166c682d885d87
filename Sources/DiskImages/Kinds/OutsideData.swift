import Basics
import HostFiles

/// The formats whose images can keep their data in other files, or stand on others, and limiq does not follow them: such an
/// image could name any file of this host, and a guest would read it.
enum OutsideData {
    /// - Parameter format: the name QEMU gives it.
    /// - Throws: `Failure` with code `bad_image` for an image that is not all in this file.
    static func requireNone(in file: borrowing ReadableFile, format: String) throws(Failure) {
        switch format {
        case DiskFormatName.vmdk: try requireWholeVMDK(file)
        case DiskFormatName.vdi:
            // VirtualBox' VDICore.h: 1 is dynamic, 2 fixed; the others hold the changes to a parent.
            let type = try file.read(at: 0x4C, count: 4)
            guard type.count == 4, [1, 2].contains(type.little32(0)) else {
                throw standsOnOther(file.path, "VDI")
            }
        case DiskFormatName.vhd:
            // "Virtual Hard Disk Image Format Specification": the footer is at the end; 2 is fixed, 3 dynamic, 4 differs
            // from a parent.
            guard file.length >= 512 else { throw standsOnOther(file.path, "VHD") }
            let footer = try file.read(at: file.length - 512, count: 512)
            guard footer.starts(with: "conectix".utf8) else {
                throw cutShort(file.path, file.length)
            }
            guard [2, 3].contains(footer.big32(60)) else { throw standsOnOther(file.path, "VHD") }
        case DiskFormatName.vhdx: try requireWholeVHDX(file)
        default: return
        }
    }

    /// Source: "VMware Virtual Disk Format 5.0", and which descriptors QEMU's `block/vmdk.c` reads.
    private static func requireWholeVMDK(_ file: borrowing ReadableFile) throws(Failure) {
        let header = try file.read(at: 0, count: 512)
        // A descriptor on its own; and without a capacity QEMU takes the one inside for one that names other files.
        guard header.count == 512, header.starts(with: "KDMV".utf8), header.little64(12) > 0 else {
            throw elsewhere(file.path)
        }
        // Where the header says it is, and where QEMU looks for a parent.
        let place = min(header.little64(28), 1 << 40) * 512
        let size = Int(min(header.little64(36), 128) * 512)
        let descriptor = try file.read(at: place, count: size) + (try file.read(at: 512, count: 20 * 512))
        let lines = descriptor.split { $0 == 0 || $0 == 0x0A || $0 == 0x0D }.map {
            String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }.lowercased()
        }
        let hasParent = lines.contains {
            $0.contains("parentfilenamehint") || $0.hasPrefix("parentcid=") && $0 != "parentcid=ffffffff"
        }
        if hasParent { throw standsOnOther(file.path, "VMDK") }
        let extents = lines.filter {
            $0.hasPrefix("rw") || $0.hasPrefix("rdonly") || $0.hasPrefix("noaccess")
        }
        guard extents.count <= 2, extents.allSatisfy({ $0.contains("sparse\"") && !$0.contains("vmfs") })
        else {
            throw elsewhere(file.path)
        }
    }

    private static func elsewhere(_ path: String) -> Failure {
        Failure(
            .badImage, "\(path) is a VMDK whose data are in other files",
            hint: "make one file of them where they all are: qemu-img convert -O qcow2", resource: path)
    }

    /// Source: [MS-VHDX], 2.2.3 (regions), 2.6 (metadata) and 2.6.2.1 (file parameters).
    private static func requireWholeVHDX(_ file: borrowing ReadableFile) throws(Failure) {
        let regions = try file.read(at: 192 << 10, count: 64 << 10)
        // 8B7CA206-4790-4B9A-B8FE-575F050F886E, CAA16737-FA36-4D43-B3B6-33F0AA44E76B
        let metadata: [UInt8] = [
            0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E,
        ]
        let parameters: [UInt8] = [
            0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D, 0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B,
        ]
        guard regions.count == 64 << 10, regions.starts(with: "regi".utf8),
            let region = entry(metadata, in: regions, from: 16, count: regions.little32(8))
        else { throw cutShort(file.path, file.length) }
        let place = regions.little64(region + 16)
        let table = try file.read(at: place, count: 64 << 10)
        guard table.count == 64 << 10, table.starts(with: "metadata".utf8),
            let item = entry(parameters, in: table, from: 32, count: table.little32(8) >> 16)
        else { throw cutShort(file.path, file.length) }
        let flags = try file.read(at: place + UInt64(table.little32(item + 16)) + 4, count: 4)
        guard flags.count == 4 else { throw cutShort(file.path, file.length) }
        if flags.little32(0) & 2 != 0 { throw standsOnOther(file.path, "VHDX") }
    }

    /// The offset of the entry of 32 bytes that begins with a GUID.
    private static func entry(_ guid: [UInt8], in table: [UInt8], from start: Int, count: UInt32) -> Int? {
        (0..<Int(min(count, 2047))).lazy.map { start + $0 * 32 }
            .first { $0 + 32 <= table.count && table[$0..<$0 + 16].elementsEqual(guid) }
    }

    private static func standsOnOther(_ path: String, _ format: String) -> Failure {
        Failure(
            .badImage, "\(path) is a \(format) that stands on another image",
            hint: "make one file of the two where they both are: qemu-img convert -O qcow2", resource: path)
    }
}
