import Basics
import GuestConfig
import Hypervisors
import MachineSpec

extension Machine {
    /// Looks whether all could be made as a spec says, as far as can be told before anything is.
    ///
    /// - Returns: what a guest would do otherwise than the spec says, for a person to read.
    /// - Throws: what `up` would.
    public func preflight(_ spec: VMSpec) throws(Failure) -> [String] {
        try spec.check(try host().isLocal ? .all : .sent)
        guard let domain = try hypervisor.domain(name) else {
            return try preflight(try settled(spec, after: nil), beside: nil)
        }
        let domainNow = try domainNow(domain)
        return try preflight(
            try settled(spec, after: domainNow.record.spec), beside: domainNow.liveRecord)
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
            let screens = record?.spec.console == spec.console ? nil : spec.console
            try HostPorts.checkFree(spec.nics, screens: screens, on: host, besides: held)
        }
        return warnings
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
