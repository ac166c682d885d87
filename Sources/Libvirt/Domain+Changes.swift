import CLibvirt

/// The changes of the running guest only: its next start takes what its persistent description says.
extension Domain {
    private static var live: UInt32 { VIR_DOMAIN_AFFECT_LIVE.rawValue }

    /// Asks the guest's balloon for this much memory; the guest follows in its own time, or not at all.
    public func setMemory(kibibytes: UInt) throws(LibvirtError) {
        try checked(virDomainSetMemoryFlags(pointer, kibibytes, Self.live))
    }

    public func setProcessors(_ count: UInt32) throws(LibvirtError) {
        try checked(virDomainSetVcpusFlags(pointer, count, Self.live))
    }

    /// - Parameters:
    ///   - disk: its target, such as `vda`.
    ///   - bytesPerSecond: 0 is no limit.
    ///   - operationsPerSecond: 0 is no limit.
    public func setLimits(
        ofDisk disk: String, bytesPerSecond: UInt64, operationsPerSecond: UInt64
    ) throws(LibvirtError) {
        var parameters = TypedParameters()
        try parameters.add(VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC, bytesPerSecond)
        try parameters.add(VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC, operationsPerSecond)
        try checked(
            virDomainSetBlockIoTune(pointer, disk, parameters.pointer, parameters.count, Self.live))
    }

    /// Makes a disk's file larger, and tells the guest.
    public func resize(disk: String, bytes: UInt64) throws(LibvirtError) {
        try checked(virDomainBlockResize(pointer, disk, bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES.rawValue))
    }

    /// - Parameters:
    ///   - interface: its MAC address.
    ///   - kilobytesPerSecond: in each direction, thousands; 0 is no limit.
    public func setBandwidth(ofInterface interface: String, kilobytesPerSecond: UInt32) throws(LibvirtError) {
        var parameters = TypedParameters()
        try parameters.add(VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, kilobytesPerSecond)
        try parameters.add(VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE, kilobytesPerSecond)
        try checked(
            virDomainSetInterfaceParameters(
                pointer, interface, parameters.pointer, parameters.count, Self.live))
    }

    public func attachLive(_ xml: String) throws(LibvirtError) {
        try checked(virDomainAttachDeviceFlags(pointer, xml, Self.live))
    }

    public func detachLive(_ xml: String) throws(LibvirtError) {
        try checked(virDomainDetachDeviceFlags(pointer, xml, Self.live))
    }

    public func updateLive(_ xml: String) throws(LibvirtError) {
        try checked(virDomainUpdateDeviceFlags(pointer, xml, Self.live))
    }

    /// Replaces the element of this namespace in the metadata of the running domain.
    public func setLiveMetadata(_ xml: String, namespace: String, key: String) throws(LibvirtError) {
        let element = Int32(bitPattern: VIR_DOMAIN_METADATA_ELEMENT.rawValue)
        try checked(virDomainSetMetadata(pointer, element, xml, key, namespace, Self.live))
    }
}

/// libvirt's list of named values, freed at its end.
private struct TypedParameters: ~Copyable {
    private(set) var pointer: virTypedParameterPtr?
    private(set) var count: Int32 = 0
    private var room: Int32 = 0

    deinit { virTypedParamsFree(pointer, count) }

    mutating func add(_ name: String, _ value: UInt64) throws(LibvirtError) {
        try checked(virTypedParamsAddULLong(&pointer, &count, &room, name, value))
    }

    mutating func add(_ name: String, _ value: UInt32) throws(LibvirtError) {
        try checked(virTypedParamsAddUInt(&pointer, &count, &room, name, value))
    }
}
