import Basics
import DiskImages
import Hypervisors
import MachineSpec

/// The pools that limiq can put disks into.
enum HostPool {
    /// The types of pools whose volumes are files: an overlay names the image below it by a path, and a file grows as
    /// it is written.
    private static let types = ["dir", "fs", "netfs"]

    /// limiq's own pool, made where it is not there.
    ///
    /// - Returns: its name; it is started.
    /// - Throws: `Failure` with code `host_not_able` where somebody made it of another type.
    static func own(_ hypervisor: any Hypervisor) throws(Failure) -> String {
        try files(try hypervisor.ownPool(), hypervisor)
    }

    /// The pool that a disk to be made names.
    ///
    /// - Returns: its name; it is started.
    /// - Throws: `Failure` with code `bad_field` for a pool that is not there or not for this disk, `host_not_able` for one
    ///   of another type.
    static func named(_ id: String, for disk: DiskSpec, on hypervisor: any Hypervisor) throws(Failure)
        -> String
    {
        guard let pool = try hypervisor.pool(id) else {
            throw Failure(
                .badField, "\(hypervisor.uri) has no storage pool \(id)",
                hint: "virsh -c '\(hypervisor.uri)' pool-list --all shows those it has")
        }
        guard pool.rbd != nil else { return try files(pool, hypervisor) }
        guard disk.backingFile == nil else {
            throw Failure(
                .badField,
                "the storage pool \(id) of \(hypervisor.uri) is Ceph's, where libvirt puts no image",
                hint: "name a volume that is there with path, or leave pool_id out")
        }
        guard disk.format == .raw else {
            throw Failure(
                .badField, "the storage pool \(id) of \(hypervisor.uri) is Ceph's and has raw disks only",
                hint: "format = \"raw\"")
        }
        return pool.name
    }

    private static func files(_ pool: PoolSummary, _ hypervisor: any Hypervisor) throws(Failure) -> String {
        guard types.contains(pool.type) else {
            throw Failure(
                .hostNotAble,
                "the storage pool \(pool.name) of \(hypervisor.uri) is of the type \(pool.type)",
                hint: "limiq makes disks in pools of files: \(types.joined(separator: ", "))",
                resource: pool.name)
        }
        return pool.name
    }
}
