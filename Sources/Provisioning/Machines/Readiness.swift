import Basics

/// What a caller can wait for.
public enum Goal: String, Sendable, CaseIterable {
    case running, stopped, address, agent, ssh
    case cloudInit = "cloud-init"
}

/// Waits for a guest. Every source that can tell (libvirt's events, the agent, the serial console, ssh) posts what it
/// sees into one mailbox; the first that settles the question ends the wait.
///
/// Made before the guest starts, it misses no event.
final class Readiness {
    enum Signal: Sendable {
        case event(DomainEvent)
        case consoleStarted
        case console([String])
        case agent
        case result(CloudInitOutcome)
        case address([String])
        case ssh
        case cancelled
    }

    let machine: Machine
    let nics: [NICSpec]
    let mailbox = Mailbox<Signal>()
    private let subscription: any EventSubscription

    /// What the console has said.
    private var console = CloudInitConsole()
    private var tail: [String] = []
    private var agentAnswers = false

    init(_ machine: Machine, nics: [NICSpec]) throws(Failure) {
        self.machine = machine
        self.nics = nics
        let mailbox = mailbox
        subscription = try machine.hypervisor.onEvent(of: machine.name) { mailbox.put(.event($0)) }
    }

    deinit { subscription.cancel() }

    /// - Parameters:
    ///   - onLine: a new line of the guest's console.
    ///   - onSign: the guest gave a sign of life: its console or its agent said something.
    /// - Throws: `Failure` with code `timeout` (it says what was seen last), `guest_stopped`, `guest_panicked`,
    ///   `guest_failed` (the hypervisor's fault, not the guest's), `cloud_init` (done, with errors), `cancelled`.
    func wait(
        for goal: Goal, timeout: Duration, cancellation: Cancellation, onLine: (String) -> Void = { _ in },
        onSign: () -> Void = {}
    ) throws(Failure) {
        try requireState(for: goal)
        let deadline = ContinuousClock.now + timeout
        if isReached(goal) { return }
        let sources = Sources(self, goal: goal)
        defer { sources.stop() }
        let mailbox = mailbox
        let outcome: Result<Void, Failure> = cancellation.withHandler({ mailbox.put(.cancelled) }) {
            Result { () throws(Failure) in try loop(goal, deadline, timeout, onLine, onSign) }
        }
        try outcome.get()
    }

    /// Ends well when nothing bad has happened to the guest after `time`: a processor that cannot run guests shows it at
    /// the first instruction.
    func requireSurvival(of time: Duration) throws(Failure) {
        let deadline = ContinuousClock.now + time
        while let signal = mailbox.next(before: deadline) {
            if case .event(let event) = signal { _ = try settles(event, .running) }
        }
    }

    private func loop(
        _ goal: Goal, _ deadline: ContinuousClock.Instant, _ timeout: Duration, _ onLine: (String) -> Void,
        _ onSign: () -> Void
    ) throws(Failure) {
        // Set by the console's finish line: how long the agent has to say whether there were errors.
        var graceEnd: ContinuousClock.Instant?
        while true {
            guard let signal = mailbox.next(before: min(deadline, graceEnd ?? deadline)) else {
                if graceEnd != nil, try settleByConsole() { return }
                throw timedOut(goal, timeout)
            }
            switch signal {
            case .cancelled: throw Failure(.cancelled, "cancelled")
            case .event(let event):
                if try settles(event, goal) { return }
            case .consoleStarted:
                console = CloudInitConsole()
                tail = []
            case .console(let lines):
                for line in lines { take(line) }
                if let line = lines.last(where: { !$0.isEmpty }) {
                    onSign()
                    onLine(line)
                }
                if let panic = console.panic, goal != .stopped { throw panicked(panic) }
                guard goal == .cloudInit, console.finished != nil || console.finalStageFailed else {
                    continue
                }
                if try settleByMemory() { return }
                guard agentAnswers else {
                    if try settleByConsole() { return }
                    continue
                }
                graceEnd = graceEnd ?? ContinuousClock.now + .seconds(3)
            case .agent:
                agentAnswers = true
                onSign()
                if goal == .agent { return }
            case .result(let result):
                if goal == .cloudInit { return try settle(result) }
            case .address: if goal == .address { return }
            case .ssh: if goal == .ssh { return }
            }
        }
    }

    // MARK: state and events

    private func requireState(for goal: Goal) throws(Failure) {
        let domain = try machine.requireDomain()
        guard goal != .stopped, !domain.state.isActive else { return }
        // What stopped it may be known: news are not far behind.
        while let signal = mailbox.next(before: .now + .milliseconds(100)) {
            if case .event(let event) = signal { _ = try settles(event, goal) }
        }
        throw Failure(
            "guest_stopped", "\(machine.name) is \(domain.state.rawValue), it cannot become \(goal.rawValue)",
            hint: "start it first", resource: machine.name, cause: tailText())
    }

    private func isReached(_ goal: Goal) -> Bool {
        guard let state = try? machine.hypervisor.domain(machine.name)?.state else { return goal == .stopped }
        switch goal {
        case .running: return state == .running || state == .blocked
        case .stopped: return !state.isActive
        default: return false
        }
    }

    private func settles(_ event: DomainEvent, _ goal: Goal) throws(Failure) -> Bool {
        switch event {
        case .started, .resumed: return goal == .running
        case .stopped(let reason):
            if goal == .stopped { return true }
            // The news of an earlier stop may come late, when the guest runs again.
            if try machine.hypervisor.domain(machine.name)?.state.isActive ?? false { return false }
            let isFault = reason == .failed || reason == .crashed
            throw Failure(
                isFault ? "guest_failed" : "guest_stopped",
                "\(machine.name) stopped (\(reason.rawValue)) before it was \(goal.phrase)",
                resource: machine.name, cause: tailText())
        case .crashed:
            if goal == .stopped { return true }
            throw panicked(console.panic)
        case .undefined:
            return goal == .stopped
        case .connectionLost:
            throw Failure(
                .libvirt,
                "the connection to \(machine.hypervisor.uri) is gone while \(machine.name) was awaited",
                hint: "run again: what is there is taken over", resource: machine.name)
        case .suspended:
            try checkPause(goal)
            return false
        case .defined, .rebooted, .agentConnected, .agentDisconnected: return false
        }
    }

    /// A guest may be paused by a person, or by QEMU because it cannot go on.
    private func checkPause(_ goal: Goal) throws(Failure) {
        guard let reply = try? machine.hypervisor.qmp(machine.name, #"{"execute":"query-status"}"#) else {
            return
        }
        if reply.contains("\"internal-error\"") {
            throw Failure(
                "guest_failed",
                "\(machine.name) was stopped by an internal error of its hypervisor before it was \(goal.phrase)",
                resource: machine.name, cause: tailText())
        }
        if reply.contains("\"guest-panicked\"") { throw panicked(console.panic) }
        if reply.contains("\"io-error\"") {
            throw Failure(
                "guest_stopped", "\(machine.name) is paused: one of its disks could not be written",
                hint: "see whether the host's disk is full, then resume it", resource: machine.name,
                cause: tailText())
        }
    }

    private func panicked(_ line: String?) -> Failure {
        Failure(
            "guest_panicked", "the kernel of \(machine.name) panicked" + (line.map { ": \($0)" } ?? ""),
            resource: machine.name, cause: tailText())
    }

    // MARK: cloud-init

    /// This boot's end was seen by an earlier wait.
    private func settleByMemory() throws(Failure) -> Bool {
        guard let finished = console.finished, let known = machine.rememberedOutcome(),
            known.finishLine == finished
        else { return false }
        if let failure = known.failure(of: machine.name) { throw failure }
        return true
    }

    private func settleByConsole() throws(Failure) -> Bool {
        guard console.finished != nil || console.finalStageFailed else { return false }
        try settle(CloudInitOutcome(errors: console.errors, finishLine: nil))
        return true
    }

    private func settle(_ outcome: CloudInitOutcome) throws(Failure) {
        if let finished = console.finished {
            machine.remember(CloudInitOutcome(errors: outcome.errors, finishLine: finished))
        }
        if let failure = outcome.failure(of: machine.name) { throw failure }
    }

    // MARK: what was seen last

    private func take(_ line: String) {
        console.take(line)
        guard !line.isEmpty else { return }
        tail.append(line)
        if tail.count > 12 { tail.removeFirst() }
    }

    private func timedOut(_ goal: Goal, _ timeout: Duration) -> Failure {
        var message = "\(machine.name) is not \(goal.phrase) after \(timeout.short)"
        if goal == .cloudInit {
            message +=
                console.stage.map { ": the last stage seen is \($0)" }
                ?? ": nothing of cloud-init was seen on its console"
        }
        return Failure(
            .timeout, message,
            hint: "limiq console \(machine.name) shows what it does; a longer timeout may help",
            resource: machine.name, cause: tailText())
    }

    private func tailText() -> String? {
        let lines = tail.isEmpty ? machine.consoleTail(lines: 12) : tail
        return lines.isEmpty
            ? nil : "its console's last lines:" + lines.map { "\n    | \($0)" }.joined()
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
    /// `10m`, `90s`, `0.5s`.
    var short: String {
        let seconds = Double(components.seconds) + Double(components.attoseconds) / 1e18
        if seconds >= 120, components.seconds % 60 == 0, components.attoseconds == 0 {
            return "\(components.seconds / 60)m"
        }
        return seconds == seconds.rounded() ? "\(Int(seconds))s" : "\((seconds * 10).rounded() / 10)s"
    }
}
