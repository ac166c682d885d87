import Basics
import GuestConfig
import Hypervisors
import Libvirt
import MachineSpec

extension Machine {
    /// Looks whether all could be made as a spec says, as far as can be told before anything is.
    ///
    /// - Returns: what a guest would do otherwise than the spec says, for a person to read.
    /// - Throws: what `up` would.
    public func preflight(_ spec: VMSpec) throws(Failure) -> [String] {
        try check(spec)
        guard let domain = try hypervisor.domain(name) else {
            return try preflight(try settled(spec, after: nil), beside: nil)
        }
        let domainNow = try domainNow(domain)
        return try preflight(
            try settled(spec, after: domainNow.record.spec), beside: domainNow.liveRecord)
    }

    /// Checks a spec, with the files of this host that it names.
    public func check(_ spec: VMSpec) throws(Failure) {
        try spec.check(isLocal ? .all : .sent)
        // Before libvirt 10 virtiofsd is started by root's libvirt alone (https://libvirt.org/kbase/virtiofs.html).
        guard spec.shares?.isEmpty == false, HypervisorURI(hypervisor.uri).path == "/session",
            Library.version < 10_000_000
        else { return }
        throw Failure(
            .hostNotAble, "shares need root, or libvirt 10: this one gives an ordinary user's guests none",
            hint:
                "vm:sync(from, to, { watch = true }) keeps a folder in step; libvirt 10 comes with Debian 13",
            resource: name)
    }

    /// - Parameter record: that of the guest that runs; its ports are its own.
    func preflight(_ spec: VMSpec, beside record: MachineRecord?) throws(Failure) -> [String] {
        let warnings = try spec.guestFindings(cloudInit).warnings()
        try requireOwnDisks(spec, after: record?.spec)
        try requireFreeAddresses(spec)
        try MachineParts(self, spec).check()
        try requireNetworks(spec)
        let held = record?.spec.nics.flatMap(\.forward) ?? []
        let screens = record?.spec.console == spec.console ? nil : spec.console
        try HostPorts.checkFree(spec.nics, screens: screens, on: try host(), besides: held)
        return warnings
    }
}
