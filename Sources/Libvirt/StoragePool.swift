import CLibvirt
import Glibc

/// A storage pool's handle, freed with the value. It lives inside the closure of `Connection.withPool`.
public struct StoragePool: ~Copyable {
    let pointer: virStoragePoolPtr

    /// Takes over the caller's reference.
    init(owning pointer: virStoragePoolPtr) { self.pointer = pointer }

    deinit { virStoragePoolFree(pointer) }

    public var name: String { virStoragePoolGetName(pointer).map { String(cString: $0) } ?? "" }

    public func isActive() throws(LibvirtError) -> Bool {
        try checked(virStoragePoolIsActive(pointer)) == 1
    }

    /// The description of the pool (<https://libvirt.org/formatstorage.html#storage-pool-xml>).
    public func xml() throws(LibvirtError) -> String { try checked(virStoragePoolGetXMLDesc(pointer, 0)) }

    /// Makes the pool's target: for a pool that is a folder, the folder.
    public func build() throws(LibvirtError) { try checked(virStoragePoolBuild(pointer, 0)) }

    /// Starts the pool.
    public func create() throws(LibvirtError) { try checked(virStoragePoolCreate(pointer, 0)) }

    /// Ends the pool; its volumes stay.
    public func destroy() throws(LibvirtError) { try checked(virStoragePoolDestroy(pointer)) }

    public func undefine() throws(LibvirtError) { try checked(virStoragePoolUndefine(pointer)) }

    public func setAutostart(_ wanted: Bool) throws(LibvirtError) {
        try checked(virStoragePoolSetAutostart(pointer, wanted ? 1 : 0))
    }

    /// Looks again what volumes there are: libvirt knows those it made itself.
    ///
    /// - Throws: `VIR_ERR_INTERNAL_ERROR` while a volume is being made in it.
    public func refresh() throws(LibvirtError) { try checked(virStoragePoolRefresh(pointer, 0)) }

    /// The names of the pool's volumes, in order.
    public func volumes() throws(LibvirtError) -> [String] {
        var list: UnsafeMutablePointer<virStorageVolPtr?>?
        let count = try checked(virStoragePoolListAllVolumes(pointer, &list, 0))
        guard let list else { return [] }
        defer { free(list) }
        let names = (0..<Int(count)).compactMap { index in
            list[index].map { StorageVolume(owning: $0).name }
        }
        return names.sorted()
    }

    /// - Throws: `VIR_ERR_NO_STORAGE_VOL` where there is none of this name.
    public func withVolume<Result>(
        _ name: String, _ body: (borrowing StorageVolume) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let volume = StorageVolume(owning: try checked(virStorageVolLookupByName(pointer, name)))
        return try body(volume)
    }

    /// Makes a volume (<https://libvirt.org/formatstorage.html#storage-volume-xml>).
    ///
    /// - Throws: `VIR_ERR_STORAGE_VOL_EXIST` where the name is taken.
    public func createVolume<Result>(
        _ xml: String, _ body: (borrowing StorageVolume) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let volume = StorageVolume(owning: try checked(virStorageVolCreateXML(pointer, xml, 0)))
        return try body(volume)
    }
}

extension Connection {
    /// Looks the pool up by its name for the time of `body`.
    ///
    /// - Throws: `VIR_ERR_NO_STORAGE_POOL` where there is none.
    public func withPool<Result>(
        _ name: String, _ body: (borrowing StoragePool) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let pool = StoragePool(owning: try checked(virStoragePoolLookupByName(pointer, name)))
        return try body(pool)
    }

    /// Defines a persistent pool.
    public func definePool<Result>(
        _ xml: String, _ body: (borrowing StoragePool) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let pool = StoragePool(owning: try checked(virStoragePoolDefineXML(pointer, xml, 0)))
        return try body(pool)
    }
}
