import Basics
import DiskImages

/// The storage of a host that provisioning needs where disks are not this host's: libvirt's storage pools and volumes.
///
/// Every method blocks and may be called from any thread. A failure has code `not_found` for a pool or volume that is
/// not there, `libvirt`, or `host_not_able`.
public protocol HostStorage: Sendable {
    /// A pool, started where it is not; `nil` where there is none of this name.
    func pool(_ name: String) throws(Failure) -> PoolSummary?
    /// limiq's own pool, made where it is not there: a folder of the host that its libvirt starts by itself.
    func ownPool() throws(Failure) -> PoolSummary
    /// Looks again what volumes a pool has: one that several hosts share gets some behind this one's back.
    func refreshPool(_ name: String) throws(Failure)

    /// The names of a pool's volumes.
    func volumes(in pool: String) throws(Failure) -> [String]
    /// The facts of a volume as it is now; `nil` where there is none of this name.
    func volume(_ volume: HostVolume) throws(Failure) -> VolumeSummary?
    /// Makes a volume. Of several that make one of the same name at once, exactly one does.
    ///
    /// - Throws: `Failure` with code `disk_exists` where the name is taken.
    func createVolume(_ description: VolumeXML, in pool: String) throws(Failure) -> VolumeSummary
    /// Makes a volume larger that no guest has open.
    ///
    /// - Parameter capacity: bytes.
    func growVolume(_ volume: HostVolume, to capacity: UInt64) throws(Failure)
    /// Removes a volume. Does nothing where it is gone already.
    ///
    /// - Throws: `Failure` with code `disk_in_use` while bytes are being written to it or read from it.
    func removeVolume(_ volume: HostVolume) throws(Failure)

    /// Writes a volume from its beginning; it grows as the bytes come.
    ///
    /// - Parameter next: the next part, `nil` at the end. Called on the caller's thread.
    func upload(
        to volume: HostVolume, length: UInt64, _ next: () throws(Failure) -> UploadPart?
    ) throws(Failure)
    /// A volume's bytes from an offset to its end.
    func download(_ volume: HostVolume, from offset: UInt64) throws(Failure) -> [UInt8]

    /// Fails where nothing more can be written to the disks of a host that is simulated on this one. Of any other the
    /// system says so by itself.
    func requireSpace() throws(Failure)
}

extension HostStorage {
    public func requireSpace() {}
}

/// A volume by its name in a pool of its host.
public struct HostVolume: Sendable, Hashable, Codable {
    public var pool: String
    public var name: String

    public init(pool: String, name: String) {
        self.pool = pool
        self.name = name
    }
}

public struct PoolSummary: Sendable, Equatable {
    public var name: String
    /// The type of the pool, in libvirt's words: `dir`, `netfs`, `rbd`.
    public var type: String
    /// The address by which a disk names a volume of the pool, where that is no file.
    public var rbd: RBDSource?

    public init(name: String, type: String, rbd: RBDSource? = nil) {
        self.name = name
        self.type = type
        self.rbd = rbd
    }
}

public struct VolumeSummary: Sendable, Equatable {
    public var volume: HostVolume
    /// The absolute path, on the volume's host.
    public var path: String
    /// The bytes of the file, not what a guest sees of it.
    public var length: UInt64
    /// The bytes a guest sees.
    public var capacity: UInt64
    /// The time it was last written to, by its host's clock; empty where libvirt does not say.
    public var modified: String
    /// The image below it; `nil` for one that stands alone.
    public var backing: BackingImage?

    public init(
        volume: HostVolume, path: String, length: UInt64, capacity: UInt64, modified: String = "",
        backing: BackingImage? = nil
    ) {
        self.volume = volume
        self.path = path
        self.length = length
        self.capacity = capacity
        self.modified = modified
        self.backing = backing
    }
}

/// An image below an overlay.
public struct BackingImage: Sendable, Equatable {
    public var path: String
    /// The format as libvirt calls it: `qcow2`, `raw`.
    public var format: String

    public init(path: String, format: String) {
        self.path = path
        self.format = format
    }
}

/// A part of a volume on its way.
public enum UploadPart: Sendable, Equatable {
    case bytes([UInt8])
    /// A number of zeros.
    case hole(UInt64)
}

extension ImageStamp {
    /// The stamp of a volume as its host's libvirt shows it.
    package init(_ volume: VolumeSummary) {
        self.init(path: volume.path, size: volume.length, modified: volume.modified)
    }
}
