import Basics
import Libvirt
import XML

extension LibvirtHypervisor {
    public func leases(_ name: String) throws(Failure) -> [AddressLease] {
        let domain = try XMLReader.parse(try xml(name, inactive: false, secrets: false))
        var leases: [AddressLease] = []
        for nic in domain.all("devices/interface") where nic.attributes["type"] == "network" {
            guard let network = nic.first("source")?.attributes["network"],
                let address = nic.first("mac")?.attributes["address"]
            else { continue }
            // One that is not started, or gone, has lent nothing.
            let found: [NetworkLease]? = try call("cannot read the leases of \(network)", reads: true) {
                connection throws(LibvirtError) in
                do throws(LibvirtError) {
                    return try connection.withNetwork(network) { network throws(LibvirtError) in
                        try network.leases(of: address)
                    }
                } catch {
                    if error.code == .noSupport { return nil }
                    guard connection.isAlive else { throw error }
                    return []
                }
            }
            guard let found else { return try undatedLeases(name) }
            leases += found.map(AddressLease.init)
        }
        return leases
    }

    /// The leases of a driver that says of a domain which addresses it has, and no more: the test driver.
    private func undatedLeases(_ name: String) throws(Failure) -> [AddressLease] {
        let interfaces = try withDomain("find the addresses of", name, reads: true) {
            domain throws(LibvirtError) in
            try domain.interfaceAddresses(.lease)
        }
        return interfaces.flatMap { interface in
            interface.addresses.map {
                AddressLease(macAddress: interface.macAddress?.lowercased() ?? "", address: $0, expires: nil)
            }
        }
    }
}
