import Basics

/// Pools that limiq can put disks into.
enum HostPool {
    /// Those whose volumes are files: an overlay names the image below it by a path, and a file grows as it is written.
    private static let types = ["dir", "fs", "netfs"]

    /// - Parameter id: `nil` for limiq's own pool, made where it is not there.
    /// - Returns: its name; it is started.
    /// - Throws: `Failure` with code `bad_field` for a pool that is not there, `host_not_able` for one of another type.
    static func usable(_ id: String?, on hypervisor: any Hypervisor) throws(Failure) -> String {
        let found: PoolSummary?
        if let id { found = try hypervisor.pool(id) } else { found = try hypervisor.ownPool() }
        guard let pool = found else {
            throw Failure(
                .badField, "\(hypervisor.uri) has no storage pool \(id ?? "")",
                hint: "virsh -c '\(hypervisor.uri)' pool-list --all shows those it has")
        }
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
