import Basics
import Glibc
import Hypervisors
import MachineSpec
import Steps

/// Starting a machine's guest, and waiting for it.
extension UpRun {
    func startAndWait(
        _ readiness: Readiness, uuid: String, _ acceleration: Acceleration, mayFallBack: Bool
    ) throws(Failure) {
        let chooser =
            acceleration == .kvm
            ? AccelerationChooser(state: machine.state, host: try machine.host(), cpuinfo: machine.cpuinfo)
            : nil
        // A run that found it out may have been killed before it had changed the domain.
        if mayFallBack, chooser?.isRefuted == true { return try fallBack(uuid: uuid) }
        let isOnTrial = mayFallBack && chooser?.isProven == false
        do {
            try start(readiness, isOnTrial: isOnTrial)
            try wait(readiness, boots: true)
            if isOnTrial, goal != .running { chooser?.remember(works: true) }
        } catch {
            guard isOnTrial, let chooser, AccelerationChooser.isAtFault(error) else { throw error }
            let reason = error.cause?.split(separator: "\n").last.map(String.init) ?? error.message
            warn(AccelerationChooser.warning(reason))
            try fallBack(uuid: uuid) { chooser.remember(works: false, reason: reason) }
        }
    }

    /// - Parameter started: called when it runs under emulation.
    private func fallBack(uuid: String, started: () -> Void = {}) throws(Failure) {
        try hypervisor.destroy(machine.name)
        let host = try machine.host()
        let domainNow = try machine.domainNow(try machine.requireDomain())
        let layout = try MachineParts(machine, spec, of: domainNow).layout()
        var record = domainNow.record
        record.acceleration = .emulation
        _ = try define(layout, host, record.identified(as: domainNow.domain))
        let readiness = try makeReadiness()
        try start(readiness, isOnTrial: false)
        started()
        try wait(readiness, boots: true)
    }

    private func start(_ readiness: Readiness, isOnTrial: Bool) throws(Failure) {
        var identity: WarmIdentity?
        try timed(.start) { () throws(Failure) in
            try machine.renewGivenChains(spec)
            try machine.startNetworks(spec.nics)
            try machine.beginBoot(spec.nics)
            if let warmStart {
                hasStarted = true
                identity = try warmStart.goOn(cancellation)
            } else {
                do throws(Failure) { try hypervisor.start(machine.name) } catch {
                    // A killed run may have asked for the start, and libvirt got to it after we had looked.
                    guard try hypervisor.domain(machine.name)?.state.isActive == true else { throw error }
                }
                hasStarted = true
            }
            if isOnTrial { try readiness.requireSurvival(of: .milliseconds(300)) }
        }
        if let warmStart, let identity {
            try timed(.identity) { () throws(Failure) in try warmStart.become(identity, cancellation) }
            try timed(.address) { () throws(Failure) in try warmStart.awaitAddress(cancellation) }
            // A guest that goes on does not say again that it is done.
            wasSettled = !warmStart.runsCloudInit
            try machine.endWarmStart()
            self.warmStart = nil
        }
        if spec.nics.contains(where: { !$0.forward.isEmpty }) {
            try timed(.forward) { () throws(Failure) in
                try PortForwards(hypervisor: hypervisor, name: machine.name)
                    .set(spec.nics, to: machine.userAddress(nil) ?? spec.userAddress)
            }
        }
    }

    private var goal: Goal {
        let wanted = options.goal(for: spec)
        return wanted == .cloudInit && wasSettled ? .running : wanted
    }

    /// - Parameter boots: it has just been started: up to its first sign of life is a phase of its own.
    func wait(_ readiness: Readiness, boots: Bool) throws(Failure) {
        try cancellation.check()
        var step = boots && goal != .running ? Step(.firstBoot) : goal.step
        var start = ContinuousClock.Instant.present
        func ended(ok: Bool) { tell(.ended(step, .present - start, ok: ok)) }
        tell(.begins(step, detail: nil))
        do throws(Failure) {
            try readiness.wait(
                for: goal, timeout: options.timeout, deadline: deadline, cancellation: cancellation
            ) { line in
                tell(.console(line))
            } onSign: {
                guard step.kind == .firstBoot else { return }
                ended(ok: true)
                (step, start) = (goal.step, .present)
                tell(.begins(step, detail: nil))
            }
        } catch {
            // It has done its work in an earlier boot; what keeps it from this one is the guest's owner's business.
            guard error.code == .noCloudInit, machine.rememberedOutcome()?.errors.isEmpty == true else {
                ended(ok: false)
                throw error
            }
            warn("\(error.message); it has finished in an earlier boot")
        }
        ended(ok: true)
        if goal != .running { report.addresses = (try? machine.requireAddresses()) ?? [] }
    }
}
