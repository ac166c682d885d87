import Basics
import FoundationEssentials
import Glibc
import HostFiles
import MachineSpec

extension Machine {
    /// Waits for the guest.
    ///
    /// - Parameters:
    ///   - timeout: the longest silence.
    ///   - deadline: the end of the whole; `nil` for none.
    ///   - onLine: a new line of its console.
    /// - Throws: see `Readiness.wait`.
    public func wait(
        for goal: Goal, timeout: Duration, deadline: Duration? = nil, cancellation: Cancellation,
        onLine: (String) -> Void = { _ in }
    ) throws(Failure) {
        let end = deadline.map { ContinuousClock.Instant.present + $0 }
        let record = try record()
        let spec = record?.spec ?? VMSpec(name: name)
        // Of a domain that somebody else made nobody here knows what its nics are.
        if record != nil || goal == .ssh { try requireWay(to: goal, spec) }
        let readiness = try Readiness(self, nics: spec.nics, change: record?.powerChange)
        try readiness.wait(
            for: goal, timeout: timeout, deadline: end, cancellation: cancellation, onLine: onLine)
    }

    /// Looks whether what is to be waited for can come at all.
    ///
    /// - Throws: as `VMSpec.checkWay`; `host_not_able` where nothing leads there from this host.
    public func requireWay(to goal: Goal, _ spec: VMSpec) throws(Failure) {
        try spec.checkWay(to: goal)
        // A guest's own address is not known before it runs.
        guard goal == .ssh, spec.nics.allSatisfy(\.isUser) else { return }
        let forwards = spec.nics.flatMap(\.forward)
        let isReached = forwards.contains { forward in
            forward.guest == 22 && forward.proto == .tcp
                && SSHEndpoint(host: forward.reachedAt, port: forward.host, byWayOf: hypervisor) != nil
        }
        if !isReached { throw onlyThere(forwards, 22, .tcp) }
    }

    /// The console's last lines as plain text.
    public func consoleTail(lines count: Int) -> [String] {
        guard !isLocal else { return Provisioning.consoleTail(consoleLog, lines: count) }
        let end = endOfConsoleVolume(consoleTailBytes(lines: count))
        return Provisioning.consoleTail(end.bytes, isCut: end.isCut, lines: count)
    }

    func rememberedOutcome() -> CloudInitOutcome? {
        readBytes(folder + "/cloud-init.json")
            .flatMap { try? JSONDecoder().decode(CloudInitOutcome.self, from: Data($0)) }
    }

    /// Remembers how cloud-init ended, so that a later wait needs nobody in the guest to answer.
    func remember(_ outcome: CloudInitOutcome) {
        guard let data = try? JSONEncoder().encode(outcome), (try? makeFolder()) != nil else { return }
        try? writeBytes(data, to: folder + "/cloud-init.json")
    }

    /// Forgets how cloud-init ended: another seed is another instance, and cloud-init does all of it again.
    func forgetOutcome() { unlink(MachineLayout(VMSpec(name: name), of: self).outcome) }
}

extension VMSpec {
    /// Looks whether a wait for `goal` could ever end.
    ///
    /// - Throws: `Failure` with code `bad_field` where no nic leads there.
    public func checkWay(to goal: Goal) throws(Failure) {
        switch goal {
        case .running, .stopped, .agent, .cloudInit: return
        case .address:
            guard nics.isEmpty else { return }
            throw Failure(
                .badField, "\(name) has no nic, and will have no address", hint: "nics = { {} }",
                resource: name)
        case .ssh:
            let leads = nics.contains { nic in
                !nic.isUser || nic.forward.contains { $0.guest == 22 && $0.proto == .tcp }
            }
            guard !leads else { return }
            throw Failure(
                .badField, "nothing leads to port 22 of \(name): nobody could say when it answers by ssh",
                hint: "nics = { { forward = { { guest = 22 } } } }, or no nics at all", resource: name)
        }
    }
}
