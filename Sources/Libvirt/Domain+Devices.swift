import CLibvirt

extension Domain {
    private static var element: Int32 { Int32(bitPattern: VIR_DOMAIN_METADATA_ELEMENT.rawValue) }

    /// The element of this namespace in the `<metadata>` of the domain's persistent description, else of the running
    /// domain; `nil` where there is none.
    public func metadata(namespace: String) throws(LibvirtError) -> String? {
        do throws(LibvirtError) {
            do throws(LibvirtError) {
                return try metadata(namespace, VIR_DOMAIN_AFFECT_CONFIG.rawValue)
            } catch {
                // It is not persistent.
                guard error.code == .operationInvalid else { throw error }
                return try metadata(namespace, 0)
            }
        } catch {
            if error.code == .noMetadata { return nil }
            throw error
        }
    }

    private func metadata(_ namespace: String, _ flags: UInt32) throws(LibvirtError) -> String {
        try checked(virDomainGetMetadata(pointer, Self.element, namespace, flags))
    }

    /// Replaces that element, in the running domain and in its persistent description.
    ///
    /// - Parameter key: the prefix libvirt writes for the namespace.
    public func setMetadata(_ xml: String, namespace: String, key: String) throws(LibvirtError) {
        try checked(virDomainSetMetadata(pointer, Self.element, xml, key, namespace, try affected()))
    }

    public func attachDevice(_ xml: String) throws(LibvirtError) {
        try checked(virDomainAttachDeviceFlags(pointer, xml, try affected()))
    }

    public func detachDevice(_ xml: String) throws(LibvirtError) {
        try checked(virDomainDetachDeviceFlags(pointer, xml, try affected()))
    }

    /// - Parameter force: open a CD-ROM's tray even where the guest has locked it.
    public func updateDevice(_ xml: String, force: Bool) throws(LibvirtError) {
        let forced = force ? VIR_DOMAIN_DEVICE_MODIFY_FORCE.rawValue : 0
        try checked(virDomainUpdateDeviceFlags(pointer, xml, try affected() | forced))
    }
}
