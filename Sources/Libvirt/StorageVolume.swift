import CLibvirt

/// A storage volume's handle, freed with the value. It lives inside the closure of `StoragePool.withVolume`.
public struct StorageVolume: ~Copyable {
    let pointer: virStorageVolPtr

    /// Takes over the caller's reference.
    init(owning pointer: virStorageVolPtr) { self.pointer = pointer }

    deinit { virStorageVolFree(pointer) }

    public var name: String { virStorageVolGetName(pointer).map { String(cString: $0) } ?? "" }

    /// The path of the volume on its host.
    public func path() throws(LibvirtError) -> String { try checked(virStorageVolGetPath(pointer)) }

    /// The description of the volume (<https://libvirt.org/formatstorage.html#storage-volume-xml>). Sizes and times are
    /// looked up anew.
    public func xml() throws(LibvirtError) -> String { try checked(virStorageVolGetXMLDesc(pointer, 0)) }

    /// The length of the file, in bytes, looked up anew: not what a guest sees of it.
    public func length() throws(LibvirtError) -> UInt64 {
        var info = virStorageVolInfo()
        try checked(virStorageVolGetInfoFlags(pointer, &info, VIR_STORAGE_VOL_GET_PHYSICAL.rawValue))
        return info.allocation
    }

    /// Gives the guest that will see it more room. libvirt refuses less than there is, or than the file takes.
    ///
    /// - Parameter capacity: bytes.
    public func resize(to capacity: UInt64) throws(LibvirtError) {
        try checked(virStorageVolResize(pointer, capacity, 0))
    }

    /// Removes the volume with its contents.
    public func delete() throws(LibvirtError) { try checked(virStorageVolDelete(pointer, 0)) }

    /// Begins to write the volume's contents.
    ///
    /// - Parameter count: how many bytes will come, holes included. A file grows as they come.
    public func upload(_ count: UInt64) throws(LibvirtError) -> Transfer {
        let connection = virStorageVolGetConnect(pointer)
        let sparse = VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM.rawValue
        let transfer = try Transfer(on: connection, takesHoles: true)
        if virStorageVolUpload(pointer, transfer.pointer, 0, count, sparse) == 0 { return transfer }
        let error = LibvirtError.last()
        // A volume, or a libvirt, that knows no holes refuses the flag.
        guard [.operationUnsupported, .invalidArgument, .noSupport].contains(error.code) else { throw error }
        let plain = try Transfer(on: connection, takesHoles: false)
        try checked(virStorageVolUpload(pointer, plain.pointer, 0, count, 0))
        return plain
    }

    /// Begins to read the volume's contents, from `offset` to the end.
    public func download(from offset: UInt64) throws(LibvirtError) -> Transfer {
        let transfer = try Transfer(on: virStorageVolGetConnect(pointer), takesHoles: false)
        try checked(virStorageVolDownload(pointer, transfer.pointer, offset, 0, 0))
        return transfer
    }
}

extension Domain {
    /// A picture of the first screen, and its format: `image/x-portable-pixmap`.
    public func screenshot() throws(LibvirtError) -> (format: String, bytes: [UInt8]) {
        var transfer = try Transfer(on: virDomainGetConnect(pointer), takesHoles: false)
        let format: String = try checked(virDomainScreenshot(pointer, transfer.pointer, 0, 0))
        let bytes = try transfer.receiveAll()
        try transfer.finish()
        return (format, bytes)
    }
}
