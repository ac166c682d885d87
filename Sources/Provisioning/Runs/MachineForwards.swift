import Basics
import Hypervisors
import MachineSpec
import XML

/// The ways from this host into a guest.
extension Machine {
    /// The address at which a port of the guest is reached from this host, as `127.0.0.1:8080`; of a guest that is off,
    /// where it will be.
    ///
    /// - Throws: `Failure` with code `not_found` where the port is not forwarded, or not yet in the guest that runs: whoever
    ///   answers there is somebody else.
    public func endpoint(ofGuestPort port: UInt16, proto: PortForward.Proto = .tcp) throws(Failure) -> String
    {
        let domain = try requireDomain()
        let nics = try requireRecord().spec.nics
        let (nic, forward) = try forward(port, proto, among: nics)
        if domain.state.isActive { try requireSet(forward, of: nic, among: nics) }
        return forward.endpoint
    }

    /// The address of a port, as `endpoint(ofGuestPort:proto:)`, of a machine that is not yet what it will be.
    ///
    /// - Parameters:
    ///   - spec: what it will be.
    ///   - pending: what its guest will not have then.
    public func endpoint(
        ofGuestPort port: UInt16, proto: PortForward.Proto, of spec: VMSpec, pending: [Change]
    ) throws(Failure) -> String {
        let (nic, forward) = try forward(port, proto, among: spec.nics)
        let place = place(of: nic, among: spec.nics)
        if pending.contains(where: { $0.path == place || $0.path.hasPrefix("\(place).") }) {
            throw isPending(forward, place)
        }
        return forward.endpoint
    }

    private func forward(
        _ port: UInt16, _ proto: PortForward.Proto, among nics: [NICSpec]
    ) throws(Failure) -> (NICSpec, PortForward) {
        let forwards = nics.flatMap(\.forward)
        if !isLocal { throw onlyThere(forwards, port, proto) }
        for nic in nics {
            for forward in nic.forward where forward.guest == port && forward.proto == proto {
                return (nic, forward)
            }
        }
        throw Failure(
            .notFound, "port \(port) of \(name) is not forwarded",
            hint: forwards.isEmpty
                ? "nics = { { forward = { { guest = \(port) } } } }"
                : "forwarded are \(forwards.map { String($0.guest) }.joined(separator: ", "))", resource: name
        )
    }

    private func requireSet(
        _ forward: PortForward, of nic: NICSpec, among nics: [NICSpec]
    ) throws(Failure) {
        if try isSet(forward, of: nic) { return }
        let live = try XMLReader.parse(try hypervisor.xml(name, inactive: false, secrets: false))
        let place = place(of: nic, among: nics)
        guard live.userNICs.contains(DomainXML.nicAlias(nic.id)) else {
            throw isPending(forward, place)
        }
        throw Failure(
            .notFound,
            "port \(forward.guest) of \(name) is not forwarded: \(place).forward is not set in the running guest",
            hint: "up sets it", resource: name)
    }

    /// The name of a nic's place, as in a script.
    private func place(of nic: NICSpec, among nics: [NICSpec]) -> String {
        nics.firstIndex { $0.id == nic.id }.map { "nics[\($0 + 1)]" } ?? nic.id
    }

    private func isPending(_ forward: PortForward, _ place: String) -> Failure {
        Failure(
            .notFound,
            "port \(forward.guest) of \(name) is not forwarded yet: \(place) is pending, the running guest does not have it",
            hint: "it comes when \(name) starts anew; up { restart = true } does that", resource: name)
    }

    /// Whether the guest that runs has the forward: the script's word is for its next start.
    private func isSet(_ forward: PortForward, of nic: NICSpec) throws(Failure) -> Bool {
        let present = try PortForwards(hypervisor: hypervisor, name: name).present()
        return present[PortForwards.backend(nic.id)]?.contains(forward) == true
    }

    /// The address of the guest's ssh server: a forward of the guest's port 22, else the guest's own address where it
    /// is on a bridge or network. On another host both are reached by way of that host.
    ///
    /// - Parameter isActive: whether the guest runs; where one that is off will be.
    func sshEndpoint(_ nics: [NICSpec], isActive: Bool = true) -> SSHEndpoint? {
        for nic in nics {
            for forward in nic.forward where forward.guest == 22 && forward.proto == .tcp {
                guard !isActive || (try? isSet(forward, of: nic)) == true else { continue }
                return SSHEndpoint(host: forward.reachedAt, port: forward.host, byWayOf: hypervisor)
            }
        }
        guard isActive, nics.contains(where: { $0.kind == .bridge || $0.kind == .network }),
            let address = (try? addresses())?.first(where: { $0.contains(".") })
        else { return nil }
        return SSHEndpoint(host: address, port: 22, byWayOf: hypervisor)
    }

    /// Looks whether the ports that a plan would set in the guest at once, or at its start, are free, before anything is
    /// changed.
    ///
    /// - Throws: `Failure` with code `port_in_use`.
    func checkPorts(_ plan: MachinePlan, _ spec: VMSpec, isActive: Bool) throws(Failure) {
        let isLive = plan.changes.contains {
            ["nics[].forward", "nics[]"].contains($0.field.pattern) && $0.kind == .live
        }
        let starts = plan.starts || plan.restarts
        let host = try host()
        guard host.isLocal, starts || isActive && isLive else { return }
        var nics = spec.nics
        var held: [PortForward] = []
        if isActive {
            if spec.nics.contains(where: { !$0.forward.isEmpty }) {
                held = try PortForwards(hypervisor: hypervisor, name: name).present().values.flatMap(\.self)
            }
            if !starts {
                let live = try XMLReader.parse(try hypervisor.xml(name, inactive: false, secrets: false))
                let present = live.userNICs
                nics.removeAll { nic in
                    !present.contains(DomainXML.nicAlias(nic.id))
                        && !plan.changes.contains { $0.field == FieldPath("nics", nic.id) }
                }
            }
        }
        // Those of a guest that runs are its own.
        try HostPorts.checkFree(
            nics, screens: isActive ? nil : spec.console, on: host, besides: held)
    }
}
