import Basics
import Libvirt

extension LibvirtHypervisor: HostNetworks {
    public var networks: (any HostNetworks)? { self }

    public var runsNetworks: Bool { location.path != "/session" }

    /// Whether libvirt starts networks by itself: the private daemons come and go, and start what a machine needs.
    private var hasAutostart: Bool { daemons == nil }

    public func networkNames() throws(Failure) -> [String] {
        try call("cannot list the networks of \(uri)", reads: true) { connection throws(LibvirtError) in
            var names: [String] = []
            do throws(LibvirtError) {
                try connection.forEachNetwork { network throws(LibvirtError) in names.append(network.name) }
            } catch {
                guard error.code == .noSupport else { throw error }
            }
            return names.sorted()
        }
    }

    public func network(_ name: String) throws(Failure) -> NetworkSummary? {
        try call("cannot look at the network \(name) of \(uri)", reads: true) {
            connection throws(LibvirtError) in
            do throws(LibvirtError) {
                return try connection.withNetwork(name) { network throws(LibvirtError) in
                    // The test driver knows one description only.
                    var isPersistent = false
                    if !location.isInProcess { isPersistent = try network.isPersistent() }
                    return NetworkSummary(
                        name: name, isActive: try network.isActive(),
                        xml: try network.xml(inactive: isPersistent))
                }
            } catch {
                if error.code == .noNetwork || error.code == .noSupport { return nil }
                throw error
            }
        }
    }

    public func defineNetwork(_ xml: String, autostart: Bool) throws(Failure) {
        try call("cannot define a network on \(uri)") { connection throws(LibvirtError) in
            try connection.defineNetwork(xml) { network throws(LibvirtError) in
                if autostart, hasAutostart { try network.setAutostart(true) }
            }
        }
    }

    public func startNetwork(_ name: String) throws(Failure) {
        try withNetwork("start", name) { network throws(LibvirtError) in
            do throws(LibvirtError) { try network.create() } catch {
                // Somebody else's machine has just started it.
                guard try network.isActive() else { throw error }
            }
        }
    }

    public func stopNetwork(_ name: String) throws(Failure) {
        try withNetwork("stop", name) { network throws(LibvirtError) in
            do throws(LibvirtError) { try network.destroy() } catch {
                guard try !network.isActive() else { throw error }
            }
        }
    }

    public func undefineNetwork(_ name: String) throws(Failure) {
        try withNetwork("undefine", name) { network throws(LibvirtError) in try network.undefine() }
    }

    public func updateNetwork(_ name: String, _ change: NetworkChange) throws(Failure) {
        try withNetwork("change", name) { network throws(LibvirtError) in
            switch change {
            case .name(let xml, let adding): try network.update(.dnsHost, adding: adding, xml)
            case .reservation(let xml, let adding): try network.update(.dhcpHost, adding: adding, xml)
            }
        }
    }

    public func leases(ofNetwork name: String) throws(Failure) -> [AddressLease] {
        try withNetwork("read the leases of", name, reads: true) { network throws(LibvirtError) in
            do throws(LibvirtError) { return try network.leases().map(AddressLease.init) } catch {
                // One that does not run has lent nothing.
                if error.code == .noSupport || error.code == .operationInvalid { return [] }
                throw error
            }
        }
    }

    /// Runs `body` with the network of this name.
    ///
    /// - Parameter verb: completes "cannot … the network NAME".
    private func withNetwork<Result>(
        _ verb: String, _ name: String, reads: Bool = false,
        _ body: (borrowing Network) throws(LibvirtError) -> Result
    ) throws(Failure) -> Result {
        try call("cannot \(verb) the network \(name)", reads: reads) { connection throws(LibvirtError) in
            try connection.withNetwork(name, body)
        }
    }
}

extension AddressLease {
    init(_ lease: NetworkLease) {
        self.init(macAddress: lease.macAddress.lowercased(), address: lease.address, expires: lease.expires)
    }
}
