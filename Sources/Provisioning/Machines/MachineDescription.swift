import Basics
import XML

extension Machine {
    /// The spec the VM was made from, whole: what its metadata keeps as digests only is read from where it stands, the
    /// cloud-init documents in the seed and a VNC password in libvirt. The same spec makes the same VM.
    ///
    /// - Throws: `Failure` with code `not_found`, `not_ours`, or `io` where the seed cannot be read by the caller.
    public func spec() throws(Failure) -> VMSpec {
        try requireDomain()
        let record = try requireRecord()
        var spec = record.spec
        if let documents = spec.cloudInit {
            let seed = try ISOReader(folder + "/seed.iso")
            func text(_ name: String, _ digest: String?) throws(Failure) -> String? {
                guard digest != nil else { return nil }
                return String(decoding: try seed.read(Array(name.utf8)), as: UTF8.self)
            }
            spec.cloudInit = CloudInitSpec(
                userData: try text("user-data", documents.userData),
                metaData: try text("meta-data", documents.metaData),
                networkConfig: try text("network-config", documents.networkConfig),
                vendorData: try text("vendor-data", documents.vendorData))
        }
        if spec.console?.vncPassword != nil {
            let graphics = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: true))
                .all("devices/graphics")
            spec.console?.vncPassword = graphics.compactMap { $0.attributes["passwd"] }.first
        }
        return spec
    }
}
