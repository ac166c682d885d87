import Basics
import Libvirt

extension LibvirtHypervisor {
    /// The XML namespace of limiq's own element in a domain's `<metadata>`.
    public static let metadataNamespace = "https://limiquantix.dev/xmlns/limiq/1"
    /// The prefix libvirt writes for that namespace.
    public static let metadataKey = "limiq"

    public func metadata(_ name: String) throws(Failure) -> String? {
        try withDomain("read the metadata of", name, reads: true) { domain throws(LibvirtError) in
            try domain.metadata(namespace: Self.metadataNamespace)
        }
    }

    public func setMetadata(_ name: String, _ xml: String) throws(Failure) {
        try withDomain("write the metadata of", name) { domain throws(LibvirtError) in
            try domain.setMetadata(xml, namespace: Self.metadataNamespace, key: Self.metadataKey)
        }
    }

    public func attachDevice(_ name: String, _ xml: String) throws(Failure) {
        try withDomain("attach a device to", name) { domain throws(LibvirtError) in
            try domain.attachDevice(xml)
        }
    }

    public func detachDevice(_ name: String, _ xml: String) throws(Failure) {
        try withDomain("detach a device from", name) { domain throws(LibvirtError) in
            try domain.detachDevice(xml)
        }
    }

    public func updateDevice(_ name: String, _ xml: String, force: Bool) throws(Failure) {
        try withDomain("change a device of", name) { domain throws(LibvirtError) in
            try domain.updateDevice(xml, force: force)
        }
    }
}
