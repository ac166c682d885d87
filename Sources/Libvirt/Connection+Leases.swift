import CLibvirt
import Glibc

/// An address that a network's DHCP server has lent to a nic.
public struct NetworkLease: Sendable, Equatable {
    public let macAddress: String
    /// The address without the prefix length.
    public let address: String
    /// The time it ends, in seconds since 1970; `nil` for one that does not end.
    public let expires: Int64?
}

extension Connection {
    /// The leases of a nic on a network that have not ended, in no order.
    ///
    /// - Throws: `VIR_ERR_NO_SUPPORT` where the driver lends no addresses.
    public func leases(
        ofNetwork name: String, macAddress: String
    ) throws(LibvirtError) -> [NetworkLease] {
        let network = try checked(virNetworkLookupByName(pointer, name))
        defer { virNetworkFree(network) }
        var list: UnsafeMutablePointer<virNetworkDHCPLeasePtr?>?
        let count = try checked(virNetworkGetDHCPLeases(network, macAddress, &list, 0))
        guard let list else { return [] }
        defer { free(list) }
        return (0..<Int(count)).compactMap { index in
            guard let lease = list[index] else { return nil }
            defer { virNetworkDHCPLeaseFree(lease) }
            guard let address = lease.pointee.ipaddr.map({ String(cString: $0) }) else { return nil }
            return NetworkLease(
                macAddress: lease.pointee.mac.map { String(cString: $0) } ?? macAddress, address: address,
                expires: lease.pointee.expirytime > 0 ? lease.pointee.expirytime : nil)
        }
    }
}
