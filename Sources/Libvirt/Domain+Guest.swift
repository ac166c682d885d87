import CLibvirt
import Glibc

extension Domain {
    /// Runs a command of QEMU's human monitor; returns what the monitor prints.
    public func humanMonitor(_ command: String) throws(LibvirtError) -> String {
        try monitor(command, flags: VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP.rawValue)
    }

    /// Runs a command of QEMU's machine protocol as JSON text; returns the reply's JSON text, an error of QEMU's
    /// included.
    public func machineProtocol(_ command: String) throws(LibvirtError) -> String {
        try monitor(command, flags: 0)
    }

    private func monitor(_ command: String, flags: UInt32) throws(LibvirtError) -> String {
        var result: UnsafeMutablePointer<CChar>?
        try checked(virDomainQemuMonitorCommand(pointer, command, &result, flags))
        return try checked(result)
    }

    /// Runs a command of the guest agent as JSON text; returns the reply's JSON text.
    ///
    /// - Parameter seconds: 0 does not wait at all.
    public func agent(_ command: String, timeout seconds: Int32) throws(LibvirtError) -> String {
        try checked(virDomainQemuAgentCommand(pointer, command, seconds, 0))
    }

    public struct Interface: Sendable, Equatable {
        public let name: String
        public let macAddress: String?
        /// The addresses without the prefix length.
        public let addresses: [String]
    }

    /// The sources of libvirt's `virDomainInterfaceAddressesSource`, number for number.
    public enum AddressSource: UInt32, Sendable {
        /// The DHCP server of a libvirt network; the guest agent; the host's ARP table.
        case lease, agent, arp
    }

    public func interfaceAddresses(
        _ source: AddressSource
    ) throws(LibvirtError) -> [Interface] {
        var list: UnsafeMutablePointer<virDomainInterfacePtr?>?
        let count = try checked(virDomainInterfaceAddresses(pointer, &list, source.rawValue, 0))
        guard let list else { return [] }
        defer { free(list) }
        return (0..<Int(count)).compactMap { index in
            guard let interface = list[index] else { return nil }
            defer { virDomainInterfaceFree(interface) }
            let addresses = (0..<Int(interface.pointee.naddrs)).compactMap { index in
                interface.pointee.addrs?[index].addr.map { String(cString: $0) }
            }
            return Interface(
                name: interface.pointee.name.map { String(cString: $0) } ?? "",
                macAddress: interface.pointee.hwaddr.map { String(cString: $0) }, addresses: addresses)
        }
    }
}
