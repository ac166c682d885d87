import Basics
import GuestConfig
import Hypervisors
import MachineSpec
import Steps

/// The goals a caller can wait for.
public enum Goal: String, Sendable, CaseIterable {
    case running, stopped, address, agent, ssh
    case cloudInit = "cloud-init"

    /// The step of waiting for it.
    var step: Step {
        switch self {
        case .running: Step(.running)
        case .stopped: Step(.stopped)
        case .address: Step(.address)
        case .agent: Step(.agent)
        case .ssh: Step(.ssh)
        case .cloudInit: Step(.cloudInit)
        }
    }
}

/// Waits for a guest. Every source that can tell (libvirt's events, the agent, the serial console, ssh) posts what it
/// sees into one mailbox; the first that settles the question ends the wait. A guest that gets on is not given up.
///
/// Made before the guest starts, it misses no event.
final class Readiness {
    enum Signal: Sendable {
        case event(DomainEvent)
        case consoleStarted
        case console([String])
        case agent
        case news(CloudInitNews)
        case address([String])
        case ssh
        case work(GuestWork, ContinuousClock.Instant)
        case cancelled
    }

    /// The state of one call of `wait`.
    struct Wait {
        let goal: Goal
        let began = ContinuousClock.Instant.present
        /// The longest silence.
        let timeout: Duration
        /// The end of the whole wait.
        let deadline: ContinuousClock.Instant?
        let sources: Sources?
        /// The end of the time the agent has to say whether there were errors, set by the console's finish line.
        var graceEnd: ContinuousClock.Instant?
        /// The outcome of a cloud-init that is done, whose machine is to boot again or to end. It should have by `end`;
        /// one that is at work has time until `last`.
        var pending: (outcome: CloudInitOutcome, end: ContinuousClock.Instant, last: ContinuousClock.Instant)?
    }

    let machine: Machine
    let nics: [NICSpec]
    let mailbox = Mailbox<Signal>()
    private let subscription: any EventSubscription

    /// The change of power that cloud-init makes at the end, until that has happened.
    var change: PowerChange?
    /// The longest time a guest may do nothing on its way to that.
    var powerChangeTime = Duration.seconds(60)
    /// The words of cloud-init on the console.
    var console = CloudInitConsole()
    var tail: [String] = []
    var agentAnswers = false
    var progress = GuestProgress(patience: .zero)

    /// - Parameter change: what the guest's cloud-config says of its end.
    init(_ machine: Machine, nics: [NICSpec], change: PowerChange? = nil) throws(Failure) {
        self.machine = machine
        self.nics = nics
        self.change = change
        let mailbox = mailbox
        subscription = try machine.hypervisor.onEvent(of: machine.name) { mailbox.put(.event($0)) }
    }

    deinit { subscription.cancel() }

    /// - Parameters:
    ///   - timeout: the longest silence: it starts anew whenever the guest shows that it gets on (see `GuestProgress`).
    ///   - deadline: the end of the whole, whatever the guest does.
    ///   - onLine: a new line of the guest's console.
    ///   - onSign: the guest gave a sign of life: its console or its agent said something.
    /// - Throws: `Failure` with code `timeout` (it says what was seen last), `guest_stopped`, `guest_panicked`,
    ///   `guest_stuck` (what boots has given up), `guest_failed` (the hypervisor's fault, not the guest's), `cloud_init`
    ///   (done, with errors), `no_cloud_init`, `cancelled`.
    func wait(
        for goal: Goal, timeout: Duration, deadline: ContinuousClock.Instant? = nil,
        cancellation: Cancellation, onLine: (String) -> Void = { _ in }, onSign: () -> Void = {}
    ) throws(Failure) {
        try requireState(for: goal)
        if isReached(goal) { return }
        progress = GuestProgress(patience: timeout)
        let sources = Sources(self, goal: goal, interval: progress.interval)
        defer { sources.stop() }
        var wait = Wait(goal: goal, timeout: timeout, deadline: deadline, sources: sources)
        let mailbox = mailbox
        let outcome: Result<Void, Failure> = cancellation.withHandler({ mailbox.put(.cancelled) }) {
            Result { () throws(Failure) in try loop(&wait, onLine, onSign) }
        }
        try outcome.get()
    }

    /// Ends well when nothing bad has happened to the guest after `time`: a processor that cannot run guests shows it at
    /// the first instruction.
    func requireSurvival(of time: Duration) throws(Failure) {
        let deadline = ContinuousClock.Instant.present + time
        var wait = Wait(goal: .running, timeout: time, deadline: deadline, sources: nil)
        while let signal = mailbox.next(before: deadline) {
            if case .event(let event) = signal { _ = try settles(event, &wait) }
        }
    }

    private func loop(_ wait: inout Wait, _ onLine: (String) -> Void, _ onSign: () -> Void) throws(Failure) {
        while true {
            guard let signal = mailbox.next(before: nextEnd(wait)) else {
                if try ends(&wait) { return }
                continue
            }
            switch signal {
            case .console(let lines):
                if let line = lines.last(where: { !$0.isEmpty }) {
                    onSign()
                    onLine(line)
                }
            case .agent: onSign()
            default: break
            }
            if try settles(signal, &wait) { return }
        }
    }

    private func settles(_ signal: Signal, _ wait: inout Wait) throws(Failure) -> Bool {
        switch signal {
        case .cancelled: throw Failure(.cancelled, "cancelled")
        case .event(let event): return try settles(event, &wait)
        case .consoleStarted:
            console = CloudInitConsole()
            tail = []
            return false
        case .console(let lines): return try settles(lines, &wait)
        case .agent:
            agentAnswers = true
            progress.answered()
            return wait.goal == .agent
        case .news(.done(let outcome)):
            return wait.goal == .cloudInit ? try settle(outcome, &wait) : false
        case .news(.absent(let absence)):
            if wait.goal == .cloudInit { throw absence.failure(of: machine.name) }
            return false
        case .address: return wait.goal == .address
        case .ssh: return wait.goal == .ssh
        case .work(let work, let time):
            progress.worked(work, at: time)
            return false
        }
    }

    // MARK: time

    private func nextEnd(_ wait: Wait) -> ContinuousClock.Instant {
        // While the machine is to boot again, or to end, its silence is counted from there.
        let silence = wait.pending?.end ?? progress.last + wait.timeout
        return [wait.graceEnd, wait.deadline].compactMap(\.self).reduce(silence, min)
    }

    /// Ends the wait, or goes on, when some time is up.
    private func ends(_ wait: inout Wait) throws(Failure) -> Bool {
        let now = ContinuousClock.Instant.present
        if let end = wait.graceEnd, now >= end {
            wait.graceEnd = nil
            return try settleByConsole(&wait)
        }
        if let deadline = wait.deadline, now >= deadline { throw timedOut(wait, isDeadline: true) }
        if let pending = wait.pending {
            guard now >= pending.end else { return false }
            let end = min(progress.last + powerChangeTime, pending.last)
            if end > now {
                wait.pending?.end = end
                return false
            }
            change = nil
            return try settle(pending.outcome, &wait)
        }
        guard progress.silence(at: now) >= wait.timeout else { return false }
        throw timedOut(wait, isDeadline: false)
    }

    // MARK: the console

    private func settles(_ lines: [String], _ wait: inout Wait) throws(Failure) -> Bool {
        for line in lines { take(line) }
        progress.lines(lines)
        let goal = wait.goal
        if goal == .stopped { return false }
        if let panic = console.panic { throw panicked(panic) }
        if let line = console.deadEnd, !agentAnswers { throw stuck(line) }
        guard goal == .cloudInit else { return false }
        if console.isHalted, expectedChange?.mode == .halt { return try endOfPower() }
        // The event may be late.
        if wait.pending != nil, console.hasRestarted { try beginBoot(&wait) }
        guard console.finished != nil || console.finalStageFailed, wait.pending == nil else { return false }
        if try settleByMemory() { return true }
        guard agentAnswers else { return try settleByConsole(&wait) }
        wait.graceEnd = wait.graceEnd ?? ContinuousClock.Instant.present + .seconds(3)
        wait.sources?.hurry()
        return false
    }

    func take(_ line: String) {
        console.take(line)
        guard !line.isEmpty else { return }
        tail.append(line)
        if tail.count > 12 { tail.removeFirst() }
    }
}

extension Goal {
    var phrase: String {
        switch self {
        case .running: "running"
        case .stopped: "stopped"
        case .address: "known by an address"
        case .agent: "answering through its agent"
        case .ssh: "answering by ssh"
        case .cloudInit: "done with cloud-init"
        }
    }
}

extension Duration {
    /// The duration as a short text: `2h`, `10m`, `90s`, `0.5s`.
    var short: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) / 1e18
        if seconds >= 7200, components.seconds % 3600 == 0, components.attoseconds == 0 {
            return "\(components.seconds / 3600)h"
        }
        if seconds >= 120, components.seconds % 60 == 0, components.attoseconds == 0 {
            return "\(components.seconds / 60)m"
        }
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\((seconds * 10).rounded() / 10)s"
    }

    /// The duration in whole seconds, where there are some.
    var rounded: Duration {
        self < .seconds(1) ? self : .seconds(Int64((self / .seconds(1)).rounded()))
    }
}
