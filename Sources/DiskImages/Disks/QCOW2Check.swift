import Basics
import HostFiles

extension QCOW2Header {
    /// Refuses an image that a guest's base must not be.
    ///
    /// - Parameter isRepaired: QEMU will open it for writing, and then mends what was not closed properly.
    /// - Throws: `Failure` with code `bad_image`.
    package func requireUsable(_ path: String, isRepaired: Bool = false) throws(Failure) {
        typealias Bit = Incompatible
        if incompatible & Bit.corrupt != 0 {
            throw Failure(
                .badImage, "\(path) is marked corrupt", hint: "repair it with: qemu-img check -r all \(path)",
                resource: path)
        }
        if incompatible & Bit.dirty != 0, !isRepaired {
            throw Failure(
                .badImage, "\(path) was not closed properly",
                hint: "repair it with: qemu-img check -r all \(path)",
                resource: path)
        }
        if incompatible & Bit.externalData != 0 {
            throw Failure(
                .badImage, "\(path) keeps its data in another file, which limiq does not follow",
                hint: "copy it into one file with: qemu-img convert -O qcow2", resource: path)
        }
        if cryptMethod != 0 {
            throw Failure(
                .badImage, "\(path) is encrypted, and limiq has no key to give",
                hint: "decrypt it into a copy with: qemu-img convert", resource: path)
        }
        if let bit = (0..<64).first(where: { (incompatible & ~Bit.known) >> UInt64($0) & 1 == 1 }) {
            throw Failure(
                .badImage, "\(path) uses incompatible qcow2 feature \(bit), which limiq does not know",
                hint: "copy it with: qemu-img convert -O qcow2", resource: path)
        }
        if virtualSize == 0 {
            throw Failure(.badImage, "\(path) is a disk of size 0", resource: path)
        }
    }

    /// Refuses an image whose tables or data lie beyond its end: a download or copy that stopped half-way.
    ///
    /// Reads the second-level tables, 64 KiB for each 512 MiB of data with the usual clusters. A cluster may stick
    /// out over the end, as QEMU writes only what is used of the last; it must begin before it.
    ///
    /// - Throws: `Failure` with code `bad_image`.
    package func requireComplete(_ file: borrowing ReadableFile) throws(Failure) {
        let length = file.length
        let path = file.path
        guard l1Entries >= (virtualSize + bytesPerL1Entry - 1) / bytesPerL1Entry, l1Entries <= 4 << 20 else {
            throw Self.bad(path, "its first-level table is too small for its size")
        }
        try Self.require(l1Offset, l1Entries * 8, within: length, path)
        try Self.require(
            refcountTableOffset, max(1, refcountTableClusters) * clusterSize, within: length, path,
            partly: true)
        let l1 = try file.read(at: l1Offset, count: Int(l1Entries * 8))
        var compressedBits = UInt64(0)
        if clusterBits >= 8 { compressedBits = 62 - UInt64(clusterBits - 8) }
        for index in 0..<Int(l1Entries) {
            let tableOffset = l1.big64(index * 8) & Self.offsetMask
            if tableOffset == 0 { continue }
            try Self.require(tableOffset, clusterSize, within: length, path)
            let table = try file.read(at: tableOffset, count: Int(clusterSize))
            var end = UInt64(0)
            for at in stride(from: 0, to: table.count, by: Int(l2EntrySize)) {
                let entry = table.big64(at)
                if entry == 0 { continue }
                if entry >> 62 & 1 == 1 {
                    end = max(end, entry & (1 << compressedBits - 1))
                } else if hasExtendedL2 ? table.big64(at + 8) & 0xFFFF_FFFF != 0 : entry & 1 == 0 {
                    end = max(end, entry & Self.offsetMask)
                }
            }
            if end >= length { throw cutShort(path, length) }
        }
    }

    /// The bits 9 to 55 of a table's entry.
    private static let offsetMask: UInt64 = 0x00FF_FFFF_FFFF_FE00

    private static func require(
        _ offset: UInt64, _ count: UInt64, within length: UInt64, _ path: String, partly: Bool = false
    ) throws(Failure) {
        guard offset <= length, partly ? offset < length : count <= length - offset else {
            throw cutShort(path, length)
        }
    }
}
