import Basics
import HostFiles

/// The header of a qcow2 file, version 2 or 3.
///
/// Source: QEMU's `docs/interop/qcow2.txt`. All numbers are big-endian.
package struct QCOW2Header: Equatable {
    var clusterBits: Int
    /// The bytes the guest sees.
    var virtualSize: UInt64
    var l1Entries: UInt64
    var l1Offset: UInt64
    var refcountTableOffset: UInt64
    var refcountTableClusters: UInt64
    var incompatible: UInt64
    var cryptMethod: UInt32
    var backingFile: String?
    /// The format of the base as the file says it; `nil` where it has a base and does not say its format.
    var backingFormat: String?

    /// The bytes of a cluster.
    var clusterSize: UInt64 { 1 << UInt64(clusterBits) }
    var hasExtendedL2: Bool { incompatible & Incompatible.extendedL2 != 0 }
    /// The bytes of an entry of a second-level table.
    var l2EntrySize: UInt64 { hasExtendedL2 ? 16 : 8 }
    /// The bytes of the guest's disk one entry of the first-level table stands for.
    var bytesPerL1Entry: UInt64 { clusterSize / l2EntrySize * clusterSize }

    /// The bits without which a reader must not go on.
    enum Incompatible {
        static let dirty: UInt64 = 1 << 0
        static let corrupt: UInt64 = 1 << 1
        static let externalData: UInt64 = 1 << 2
        static let compressionType: UInt64 = 1 << 3
        static let extendedL2: UInt64 = 1 << 4
        static let known: UInt64 = dirty | corrupt | externalData | compressionType | extendedL2
    }

    /// The types of header extensions.
    enum Extension {
        static let end: UInt32 = 0
        static let backingFormat: UInt32 = 0xE279_2ACA
        static let featureNames: UInt32 = 0x6803_F857
    }

    /// Reads and checks the header of an open file.
    ///
    /// - Throws: `Failure` with code `bad_image` for a header that contradicts itself or the file's length.
    init(_ file: borrowing ReadableFile) throws(Failure) {
        let path = file.path
        let head = try file.read(at: 0, count: 112)
        guard head.count >= 72 else { throw cutShort(path, file.length) }
        let version = head.big32(4)
        guard version == 2 || version == 3 else {
            throw Self.bad(path, "it is qcow2 of version \(version); 2 and 3 are known")
        }
        clusterBits = Int(head.big32(20))
        virtualSize = head.big64(24)
        cryptMethod = head.big32(32)
        l1Entries = UInt64(head.big32(36))
        l1Offset = head.big64(40)
        refcountTableOffset = head.big64(48)
        refcountTableClusters = UInt64(head.big32(56))
        incompatible = 0
        var headerLength: UInt64 = 72
        if version >= 3 {
            guard head.count >= 104 else { throw cutShort(path, file.length) }
            incompatible = head.big64(72)
            headerLength = UInt64(head.big32(100))
        }
        guard (9...21).contains(clusterBits), headerLength >= (version >= 3 ? 104 : 72),
            headerLength <= UInt64(1) << UInt64(clusterBits), virtualSize <= UInt64(Int64.max)
        else {
            throw Self.bad(path, "its qcow2 header makes no sense")
        }
        let nameOffset = head.big64(8)
        let nameLength = UInt64(head.big32(16))
        if nameOffset != 0 {
            guard (1...1023).contains(nameLength), nameOffset >= headerLength, nameLength <= clusterSize,
                nameOffset <= clusterSize - nameLength
            else { throw Self.bad(path, "its qcow2 header makes no sense") }
            let name = try file.read(at: nameOffset, count: Int(nameLength))
            guard name.count == Int(nameLength) else { throw cutShort(path, file.length) }
            guard let text = String(validating: name, as: UTF8.self), !name.contains(0) else {
                throw Self.bad(path, "the name of its base is not UTF-8")
            }
            backingFile = text
            backingFormat = try Self.backingFormat(file, from: headerLength, to: nameOffset)
        }
    }

    /// Looks through the header's extensions for the base's format.
    private static func backingFormat(
        _ file: borrowing ReadableFile, from start: UInt64, to end: UInt64
    ) throws(Failure) -> String? {
        let bytes = try file.read(at: start, count: Int(end - start))
        var at = 0
        while at + 8 <= bytes.count {
            let type = bytes.big32(at)
            let length = Int(bytes.big32(at + 4))
            if type == Extension.end { return nil }
            guard length <= bytes.count - at - 8 else {
                throw bad(file.path, "its qcow2 header makes no sense")
            }
            if type == Extension.backingFormat {
                return String(decoding: bytes[at + 8..<at + 8 + length], as: UTF8.self)
            }
            at += 8 + (length + 7) / 8 * 8
        }
        return nil
    }

    static func bad(_ path: String, _ why: String) -> Failure {
        Failure(
            .badImage, "\(path) is damaged: \(why)",
            hint: "fetch it again, or look at it with qemu-img check",
            resource: path)
    }
}
