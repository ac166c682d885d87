import Basics
import DiskImages
import XML

/// A storage volume to be made (<https://libvirt.org/formatstorage.html#storage-volume-xml>).
public struct VolumeXML: Sendable, Equatable {
    public var name: String
    public var format: DiskFormat
    /// The bytes the guest sees; of a raw volume the file's length.
    public var capacity: UInt64
    /// The image below the volume. Its format is always said: without it libvirt takes the image for a raw one.
    public var backing: BackingImage?
    /// The permissions, in octal digits.
    public var mode = "0600"

    public init(name: String, format: DiskFormat, capacity: UInt64) {
        self.name = name
        self.format = format
        self.capacity = capacity
    }

    public var text: String {
        let target = XMLElement(
            "target", [:],
            [
                XMLElement("format", ["type": format.libvirtName]),
                XMLElement("permissions", [:], [XMLElement("mode", text: mode)]),
                // libvirt's default is version 2 of the format.
                format == .qcow2 ? XMLElement("compat", text: "1.1") : nil,
            ])
        let backingStore = backing.map {
            XMLElement(
                "backingStore", [:],
                [XMLElement("path", text: $0.path), XMLElement("format", ["type": $0.format])])
        }
        return XMLElement(
            "volume", [:],
            [
                XMLElement("name", text: name),
                XMLElement("capacity", ["unit": "bytes"], text: String(capacity)),
                // What the guest has not written takes no room.
                format == .raw ? XMLElement("allocation", text: "0") : nil,
                target, backingStore,
            ]
        ).xml
    }
}

extension DiskFormat {
    /// The format's name, as libvirt and QEMU call it.
    package var libvirtName: String { self == .raw ? "raw" : "qcow2" }
}
