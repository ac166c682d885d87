import Basics

extension Machine {
    /// Looks whether all could be made as a spec says, as far as can be told before anything is.
    ///
    /// - Returns: what a guest would do otherwise than the spec says, for a person to read.
    /// - Throws: what `up` would.
    public func preflight(_ spec: VMSpec) throws(Failure) -> [String] {
        try spec.check(try host().isLocal ? .all : .sent)
        guard let domain = try hypervisor.domain(name) else { return try preflight(spec, beside: nil) }
        return try preflight(spec, beside: try standing(domain).liveRecord)
    }

    /// - Parameter record: that of the guest that runs; its ports are its own.
    func preflight(_ spec: VMSpec, beside record: MachineRecord?) throws(Failure) -> [String] {
        let warnings = try spec.cloudInitWarnings()
        let host = try host()
        try requireOwnDisks(spec, after: record?.spec)
        try requireFreeAddresses(spec)
        try storage(for: spec, host).check()
        try requireNetworks(spec)
        if host.isLocal {
            let held = record?.spec.nics.flatMap(\.forward) ?? []
            try PortForwards.checkFree(spec.nics, on: host, besides: held)
        }
        return warnings
    }

    /// - Throws: `Failure` with code `bad_field` for a nic whose network or bridge is not there.
    func requireNetworks(_ spec: VMSpec) throws(Failure) {
        guard !isOnTestDriver else { return }
        for (index, nic) in spec.nics.enumerated() {
            let path = "nics[\(index + 1)]"
            if let network = nic.network, try !hypervisor.hasNetwork(network) {
                throw Failure(
                    .badField, "\(path).network: \(hypervisor.uri) has no network \(network)",
                    hint: "virsh -c '\(hypervisor.uri)' net-list --all shows those it has")
            }
            if let bridge = nic.bridge, !hypervisor.hasBridge(bridge) {
                throw Failure(
                    .badField, "\(path).bridge: the host has no bridge \(bridge)",
                    hint: "ip link show type bridge shows those it has")
            }
        }
    }
}

extension VMSpec {
    /// The things a guest would pass over in its cloud-init, for a person to read.
    ///
    /// - Throws: `Failure` for what it could not read at all.
    func cloudInitWarnings() throws(Failure) -> [String] {
        let findings = cloudInitFindings
        try CloudInitCheck.requireNoErrors(in: findings)
        return findings.map { $0.text + ($0.hint.map { " (\($0))" } ?? "") }
    }
}
