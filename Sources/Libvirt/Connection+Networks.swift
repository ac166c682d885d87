import CLibvirt
import Glibc

extension Connection {
    /// Whether a network is started; `nil` where there is none of this name.
    public func isNetworkActive(_ name: String) throws(LibvirtError) -> Bool? {
        guard let network = virNetworkLookupByName(pointer, name) else {
            let error = LibvirtError.last()
            if error.code == .noNetwork { return nil }
            throw error
        }
        defer { virNetworkFree(network) }
        return try checked(virNetworkIsActive(network)) == 1
    }

    /// Starts a network that is defined.
    ///
    /// - Throws: `VIR_ERR_NO_NETWORK` where there is none of this name, `VIR_ERR_OPERATION_INVALID` where it is active.
    public func startNetwork(_ name: String) throws(LibvirtError) {
        let network = try checked(virNetworkLookupByName(pointer, name))
        defer { virNetworkFree(network) }
        try checked(virNetworkCreate(network))
    }

    /// Ends every network that is active; those that are defined stay so.
    public func stopNetworks() throws(LibvirtError) {
        var list: UnsafeMutablePointer<virNetworkPtr?>?
        let count = try checked(
            virConnectListAllNetworks(pointer, &list, VIR_CONNECT_LIST_NETWORKS_ACTIVE.rawValue))
        guard let list else { return }
        defer { free(list) }
        for index in 0..<Int(count) {
            guard let network = list[index] else { continue }
            virNetworkDestroy(network)
            virNetworkFree(network)
        }
    }
}
