import Basics
import Glibc
import HostFiles

/// An empty qcow2 image, version 3: the bytes `qemu-img create` writes, at a fortieth of the time.
///
/// Layout, in clusters: header, refcount table, refcount block, first-level table; the file ends with that table's
/// last entry. Source: QEMU's `docs/interop/qcow2.txt`.
package struct QCOW2Image {
    /// The size the guest sees, in bytes, a multiple of 512.
    let virtualSize: UInt64
    /// The base: an absolute path and its format.
    var backing: (file: String, format: String)?
    /// Whether clusters are of 128 KiB in 32 parts that are allocated one by one: a guest's small writes into a fresh
    /// overlay copy 4 KiB of the base instead of 64. Else clusters are of 64 KiB.
    var extendedL2: Bool

    private var clusterBits: Int { extendedL2 ? 17 : 16 }
    private var clusterSize: Int { 1 << clusterBits }
    private var bytesPerL1Entry: UInt64 {
        UInt64(clusterSize) / (extendedL2 ? 16 : 8) * UInt64(clusterSize)
    }
    private var l1Entries: Int { Int((virtualSize + bytesPerL1Entry - 1) / bytesPerL1Entry) }

    /// The largest disk, in bytes: QEMU takes a first-level table of 32 MiB at most.
    package static func limit(extendedL2: Bool) -> UInt64 { (4 << 20) * (extendedL2 ? 1 << 30 : 512 << 20) }

    /// Writes the image into an empty file.
    ///
    /// - Throws: `Failure` with code `io`, or `bad_field` where the base's path is too long for the format.
    func write(to descriptor: Int32, _ path: String) throws(Failure) {
        try AtomicFile.write(try header(), to: descriptor, at: 0, path)
        var table = [UInt8](repeating: 0, count: 8)
        table.putBig(UInt64(clusterSize * 2), at: 0)
        try AtomicFile.write(table, to: descriptor, at: clusterSize, path)
        // One 16-bit count for each cluster: the three before the first-level table and its own.
        let clusters = 3 + (l1Entries * 8 + clusterSize - 1) / clusterSize
        var block: [UInt8] = []
        for _ in 0..<clusters { block += [0, 1] }
        try AtomicFile.write(block, to: descriptor, at: clusterSize * 2, path)
        guard ftruncate(descriptor, off_t(clusterSize * 3 + l1Entries * 8)) == 0 else {
            throw Failure.system(errno, "cannot write \(path)", resource: path)
        }
    }

    private func header() throws(Failure) -> [UInt8] {
        var extensions: [UInt8] = []
        if let backing {
            extensions += Self.extended(QCOW2Header.Extension.backingFormat, Array(backing.format.utf8))
        }
        extensions += Self.extended(QCOW2Header.Extension.featureNames, Self.featureNames)
        extensions += Self.extended(QCOW2Header.Extension.end, [])
        let name = backing.map { Array($0.file.utf8) } ?? []
        guard name.count <= 1023 else {
            throw Failure(
                .badField, "the path of the base is \(name.count) bytes long, and qcow2 takes 1023",
                hint: "move the base to a folder with a shorter path", resource: backing?.file)
        }

        var bytes = [UInt8](repeating: 0, count: 112)
        bytes.putBig(UInt32(0x5146_49FB), at: 0)
        bytes.putBig(UInt32(3), at: 4)
        if !name.isEmpty {
            bytes.putBig(UInt64(112 + extensions.count), at: 8)
            bytes.putBig(UInt32(name.count), at: 16)
        }
        bytes.putBig(UInt32(clusterBits), at: 20)
        bytes.putBig(virtualSize, at: 24)
        bytes.putBig(UInt32(l1Entries), at: 36)
        bytes.putBig(UInt64(clusterSize * 3), at: 40)
        bytes.putBig(UInt64(clusterSize), at: 48)
        bytes.putBig(UInt32(1), at: 56)
        bytes.putBig(extendedL2 ? QCOW2Header.Incompatible.extendedL2 : 0, at: 72)
        bytes.putBig(UInt32(4), at: 96)
        bytes.putBig(UInt32(112), at: 100)
        return bytes + extensions + name
    }

    /// A header extension: type, length, data, padded to 8 bytes.
    private static func extended(_ type: UInt32, _ data: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8)
        bytes.putBig(type, at: 0)
        bytes.putBig(UInt32(data.count), at: 4)
        return bytes + data + [UInt8](repeating: 0, count: (8 - data.count % 8) % 8)
    }

    /// The names of features, each with kind, bit and 46 bytes, so that an older reader can say what it lacks.
    private static let featureNames: [UInt8] = {
        let features: [(kind: UInt8, bit: UInt8, name: String)] = [
            (0, 0, "dirty bit"), (0, 1, "corrupt bit"), (0, 2, "external data file"),
            (0, 3, "compression type"),
            (0, 4, "extended L2 entries"), (1, 0, "lazy refcounts"), (2, 0, "bitmaps"),
            (2, 1, "raw external data"),
        ]
        var table: [UInt8] = []
        for feature in features {
            let name = Array(feature.name.utf8)
            table += [feature.kind, feature.bit]
            table += name
            table += [UInt8](repeating: 0, count: 46 - name.count)
        }
        return table
    }()
}
