/// The names of disk formats that QEMU gives its drivers, recognised by how a file begins.
package enum DiskFormatName {
    package static let qcow2 = "qcow2"
    package static let raw = "raw"
    package static let vmdk = "vmdk"
    package static let vdi = "vdi"
    package static let vhdx = "vhdx"
    /// VHD, by the name of who made it.
    package static let vhd = "vpc"
    package static let luks = "luks"

    /// The number of bytes `detect` wants.
    package static let probeLength = 2048

    /// The format a file's first bytes announce; `raw` where they announce none, as QEMU decides.
    package static func detect(_ head: [UInt8]) -> String {
        for (name, offset, magic) in signatures
        where head.count >= offset + magic.count && head[offset..<offset + magic.count].elementsEqual(magic) {
            return name
        }
        return raw
    }

    /// The beginnings of files by format, from the `probe` functions in QEMU's `block/`.
    private static let signatures: [(name: String, offset: Int, magic: [UInt8])] = [
        (qcow2, 0, [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 2]),
        (qcow2, 0, [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3]),
        ("qcow", 0, [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 1]),
        // Of a version to come: no raw disk begins so.
        (qcow2, 0, [0x51, 0x46, 0x49, 0xFB]),
        ("qed", 0, Array("QED\0".utf8)),
        (vmdk, 0, Array("KDMV".utf8)),
        (vmdk, 0, Array("COWD".utf8)),
        (vmdk, 0, Array("# Disk DescriptorFile".utf8)),
        (vdi, 64, [0x7F, 0x10, 0xDA, 0xBE]),
        (vhdx, 0, Array("vhdxfile".utf8)),
        (vhd, 0, Array("conectix".utf8)),
        (luks, 0, Array("LUKS".utf8) + [0xBA, 0xBE]),
        ("parallels", 0, Array("WithoutFreeSpace".utf8)),
        ("parallels", 0, Array("WithouFreSpacExt".utf8)),
    ]
}
