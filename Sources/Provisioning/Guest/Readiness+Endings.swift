import Basics
import GuestConfig
import Hypervisors

/// The endings of a wait before its goal is reached.
extension Readiness {
    /// - Throws: where the guest is off.
    func requireState(for goal: Goal) throws(Failure) {
        let domain = try machine.requireDomain()
        guard goal != .stopped, !domain.state.isActive else { return }
        var wait = Wait(goal: goal, timeout: .zero, deadline: nil, sources: nil)
        // What stopped it may be known: news are not far behind.
        while let signal = mailbox.next(before: .present + .milliseconds(100)) {
            if case .event(let event) = signal { _ = try settles(event, &wait) }
        }
        throw Failure(
            .guestStopped, "\(machine.name) is \(domain.state.rawValue), it cannot become \(goal.rawValue)",
            hint: "start it first", resource: machine.name, cause: tailText())
    }

    func isReached(_ goal: Goal) -> Bool {
        guard let state = try? machine.hypervisor.domain(machine.name)?.state else { return goal == .stopped }
        switch goal {
        case .running: return state == .running || state == .blocked
        case .stopped: return !state.isActive
        default: return false
        }
    }

    func settles(_ event: DomainEvent, _ wait: inout Wait) throws(Failure) -> Bool {
        let goal = wait.goal
        switch event {
        case .started, .resumed: return goal == .running
        case .stopped(let reason):
            if goal == .stopped { return true }
            // The news of an earlier stop may come late, when the guest runs again.
            if try machine.hypervisor.domain(machine.name)?.state.isActive ?? false { return false }
            if goal == .cloudInit, reason == .shutdown {
                // Its last words may be on their way.
                while let signal = mailbox.next(before: .present + .milliseconds(200)) {
                    if case .console(let lines) = signal { lines.forEach(take) }
                }
                if let change = expectedChange, change.mode != .reboot { return try endOfPower() }
            }
            let isFault = reason == .failed || reason == .crashed
            throw Failure(
                isFault ? .guestFailed : .guestStopped,
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
        case .rebooted:
            try beginBoot(&wait)
            return false
        case .defined, .agentConnected, .agentDisconnected, .deviceRemoved, .deviceKept: return false
        }
    }

    /// Looks who has paused the guest: a person, or QEMU because it cannot go on.
    private func checkPause(_ goal: Goal) throws(Failure) {
        let status: GuestStatus? = try? machine.qmp(
            "query-status", NothingSaid(), doing: "cannot ask for the state of \(machine.name)")
        switch status?.status {
        case .internalError:
            throw Failure(
                .guestFailed,
                "\(machine.name) was stopped by an internal error of its hypervisor before it was \(goal.phrase)",
                resource: machine.name, cause: tailText())
        case .guestPanicked: throw panicked(console.panic)
        case .ioError:
            throw Failure(
                .guestStopped, "\(machine.name) is paused: one of its disks could not be written",
                hint: "see whether the host's disk is full, then resume it", resource: machine.name,
                cause: tailText())
        case .other, nil: return
        }
    }

    func panicked(_ line: String?) -> Failure {
        Failure(
            .guestPanicked, "the kernel of \(machine.name) panicked" + (line.map { ": \($0)" } ?? ""),
            resource: machine.name, cause: tailText())
    }

    /// - Parameter reason: the line with which what boots has given up.
    func stuck(_ reason: String) -> Failure {
        Failure(
            .guestStuck, "\(machine.name) does not come up: \(reason)",
            hint: "see what its disks hold, and which it boots from", resource: machine.name,
            cause: tailText())
    }

    func timedOut(_ wait: Wait, isDeadline: Bool) -> Failure {
        let (goal, timeout) = (wait.goal, wait.timeout)
        let allowed = isDeadline ? wait.deadline.map { wait.began.duration(to: $0) } ?? timeout : timeout
        let waited = wait.began.duration(to: .present)
        // The first silence: the guest has not moved since the wait began, or hardly.
        let isPlain = waited < allowed * 1.1
        var message =
            "\(machine.name) is not \(goal.phrase) after \((isPlain ? allowed : waited).rounded.short)"
        if goal == .cloudInit {
            message +=
                console.stage.map { ": the last stage seen is \($0)" }
                ?? ": nothing of cloud-init was seen on its console"
        }
        if isDeadline, waited > timeout {
            message += "; it is still at work, and its deadline is over"
        } else if !isPlain {
            message += "; nothing has moved in it for \(timeout.short)"
        }
        return Failure(
            .timeout, message,
            hint:
                "limiq console \(machine.name) shows what it does; run again to go on waiting, or give it a longer timeout",
            resource: machine.name, cause: tailText())
    }

    func tailText() -> String? {
        let lines = tail.isEmpty ? machine.consoleTail(lines: 12) : tail
        return lines.isEmpty
            ? nil : "its console's last lines:" + lines.map { "\n    | \($0)" }.joined()
    }
}

/// The reason why QEMU does not let a guest run (`RunState` of its QMP reference).
private struct GuestStatus: Decodable {
    enum State: String, Decodable {
        case internalError = "internal-error"
        case guestPanicked = "guest-panicked"
        case ioError = "io-error"
        case other

        init(from decoder: any Decoder) throws {
            self = State(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .other
        }
    }

    var status: State
}
