import CLibvirt
import Glibc

/// A network's handle, freed with the value. It lives inside the closure of `Connection.withNetwork`.
public struct Network: ~Copyable {
    let pointer: virNetworkPtr

    /// Takes over the caller's reference.
    init(owning pointer: virNetworkPtr) { self.pointer = pointer }

    deinit { virNetworkFree(pointer) }

    public var name: String { virNetworkGetName(pointer).map { String(cString: $0) } ?? "" }

    public func isActive() throws(LibvirtError) -> Bool {
        try checked(virNetworkIsActive(pointer)) == 1
    }

    public func isPersistent() throws(LibvirtError) -> Bool {
        try checked(virNetworkIsPersistent(pointer)) == 1
    }

    /// The description of the network (<https://libvirt.org/formatnetwork.html>).
    ///
    /// - Parameter inactive: what its next start takes, in the place of what runs.
    public func xml(inactive: Bool) throws(LibvirtError) -> String {
        try checked(virNetworkGetXMLDesc(pointer, inactive ? VIR_NETWORK_XML_INACTIVE.rawValue : 0))
    }

    /// Starts the network.
    ///
    /// - Throws: `VIR_ERR_OPERATION_INVALID` where it is active.
    public func create() throws(LibvirtError) { try checked(virNetworkCreate(pointer)) }

    /// Ends the network; one that is defined stays so.
    public func destroy() throws(LibvirtError) { try checked(virNetworkDestroy(pointer)) }

    public func undefine() throws(LibvirtError) { try checked(virNetworkUndefine(pointer)) }

    public func setAutostart(_ wanted: Bool) throws(LibvirtError) {
        try checked(virNetworkSetAutostart(pointer, wanted ? 1 : 0))
    }

    /// The parts of a network that can be changed while it runs.
    public enum Section: Sendable {
        /// A `<host>` of `<dns>`: a name and its address.
        case dnsHost
        /// A `<host>` of the first `<ip>`'s `<dhcp>`: an address kept for a nic.
        case dhcpHost

        fileprivate var number: UInt32 {
            switch self {
            case .dnsHost: VIR_NETWORK_SECTION_DNS_HOST.rawValue
            case .dhcpHost: VIR_NETWORK_SECTION_IP_DHCP_HOST.rawValue
            }
        }
    }

    /// Adds or removes an element of a section, in what runs (where it does) and in what the next start takes.
    ///
    /// - Throws: `VIR_ERR_OPERATION_INVALID` for one that is there already, or is not there.
    public func update(_ section: Section, adding: Bool, _ xml: String) throws(LibvirtError) {
        let isLive = try isActive()
        do throws(LibvirtError) {
            try update(section, adding: adding, xml, live: isLive)
        } catch {
            // Somebody has stopped it in between.
            guard isLive, try !isActive() else { throw error }
            try update(section, adding: adding, xml, live: false)
        }
    }

    private func update(
        _ section: Section, adding: Bool, _ xml: String, live: Bool
    ) throws(LibvirtError) {
        let command = adding ? VIR_NETWORK_UPDATE_COMMAND_ADD_LAST : VIR_NETWORK_UPDATE_COMMAND_DELETE
        var flags = VIR_NETWORK_UPDATE_AFFECT_CONFIG.rawValue
        if live { flags |= VIR_NETWORK_UPDATE_AFFECT_LIVE.rawValue }
        try checked(
            virNetworkUpdate(
                pointer, command.rawValue, section.number, section == .dhcpHost ? 0 : -1, xml, flags))
    }

    /// The addresses the network's DHCP server has lent and that have not ended, in no order.
    ///
    /// - Parameter macAddress: only those of this nic; `nil` for all.
    /// - Throws: `VIR_ERR_NO_SUPPORT` where the driver lends no addresses.
    public func leases(of macAddress: String? = nil) throws(LibvirtError) -> [NetworkLease] {
        var list: UnsafeMutablePointer<virNetworkDHCPLeasePtr?>?
        let count = try checked(virNetworkGetDHCPLeases(pointer, macAddress, &list, 0))
        guard let list else { return [] }
        defer { free(list) }
        return (0..<Int(count)).compactMap { index in
            guard let lease = list[index] else { return nil }
            defer { virNetworkDHCPLeaseFree(lease) }
            guard let address = lease.pointee.ipaddr.map({ String(cString: $0) }) else { return nil }
            return NetworkLease(
                macAddress: lease.pointee.mac.map { String(cString: $0) } ?? macAddress ?? "",
                address: address, expires: lease.pointee.expirytime > 0 ? lease.pointee.expirytime : nil)
        }
    }
}

/// An address that a network's DHCP server has lent to a nic.
public struct NetworkLease: Sendable, Equatable {
    public let macAddress: String
    /// The address without the prefix length.
    public let address: String
    /// The time it ends, in seconds since 1970; `nil` for one that does not end.
    public let expires: Int64?
}

extension Connection {
    /// Looks the network up by its name for the time of `body`.
    ///
    /// - Throws: `VIR_ERR_NO_NETWORK` where there is none.
    public func withNetwork<Result>(
        _ name: String, _ body: (borrowing Network) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let network = Network(owning: try checked(virNetworkLookupByName(pointer, name)))
        return try body(network)
    }

    /// Defines a persistent network, or changes the one with the same name and UUID; one that runs goes on as it is.
    public func defineNetwork<Result>(
        _ xml: String, _ body: (borrowing Network) throws(LibvirtError) -> Result
    ) throws(LibvirtError) -> Result {
        let network = Network(owning: try checked(virNetworkDefineXML(pointer, xml)))
        return try body(network)
    }

    /// Calls `body` with each network in turn, those that do not run too.
    ///
    /// - Throws: `VIR_ERR_NO_SUPPORT` for a driver without networks.
    public func forEachNetwork(
        activeOnly: Bool = false, _ body: (borrowing Network) throws(LibvirtError) -> Void
    ) throws(LibvirtError) {
        var list: UnsafeMutablePointer<virNetworkPtr?>?
        let flags = activeOnly ? VIR_CONNECT_LIST_NETWORKS_ACTIVE.rawValue : 0
        let count = try checked(virConnectListAllNetworks(pointer, &list, flags))
        guard let list else { return }
        defer { free(list) }
        var failure: LibvirtError?
        for index in 0..<Int(count) {
            guard let pointer = list[index] else { continue }
            // Each is freed, whatever became of another.
            let network = Network(owning: pointer)
            guard failure == nil else { continue }
            do throws(LibvirtError) { try body(network) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
