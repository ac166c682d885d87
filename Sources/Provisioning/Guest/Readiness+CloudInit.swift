import Basics
import GuestConfig

/// The ways in which a wait for cloud-init ends.
extension Readiness {
    /// Whether an earlier wait saw the end of cloud-init in this boot.
    func settleByMemory() throws(Failure) -> Bool {
        guard let finished = console.finished, let known = machine.rememberedOutcome(),
            known.finishLine == finished
        else { return false }
        if let failure = known.failure(of: machine.name) { throw failure }
        return true
    }

    func settleByConsole(_ wait: inout Wait) throws(Failure) -> Bool {
        guard console.finished != nil || console.finalStageFailed else { return false }
        return try settle(CloudInitOutcome(errors: console.errors, finishLine: nil), &wait)
    }

    /// - Returns: `false` where the machine is still to boot again, or to end.
    func settle(_ outcome: CloudInitOutcome, _ wait: inout Wait) throws(Failure) -> Bool {
        if outcome.errors.isEmpty, let change = expectedChange {
            guard wait.pending == nil else { return false }
            let end = ContinuousClock.Instant.present + .seconds(change.delay) + powerChangeTime
            wait.pending = (outcome, end, end + wait.timeout)
            wait.graceEnd = nil
            return false
        }
        machine.remember(CloudInitOutcome(errors: outcome.errors, finishLine: console.finished))
        if let failure = outcome.failure(of: machine.name) { throw failure }
        return true
    }

    /// The change of power that cloud-init is still to make: none where it has made it in an earlier boot.
    var expectedChange: PowerChange? {
        guard let change, !console.hasRestarted, machine.rememberedOutcome() == nil else { return nil }
        return change
    }

    /// Settles the wait where the guest has ended itself, as its cloud-config says: that was the last cloud-init does.
    func endOfPower() throws(Failure) -> Bool {
        let outcome = CloudInitOutcome(errors: console.errors, finishLine: console.finished)
        machine.remember(outcome)
        if let failure = outcome.failure(of: machine.name) { throw failure }
        return true
    }

    /// Begins another boot of the guest: what is waited for is of that one.
    func beginBoot(_ wait: inout Wait) throws(Failure) {
        if wait.goal != .stopped, progress.booted() >= 8 {
            throw stuck("it boots again and again, and comes no further")
        }
        let wasDone = wait.pending != nil || console.finished != nil || console.hasRestarted
        if wasDone, change?.mode == .reboot { change = nil }
        wait.pending = nil
        wait.graceEnd = nil
        agentAnswers = false
        console = CloudInitConsole()
        if wait.goal == .cloudInit { wait.sources?.beginBoot() }
    }
}
