import ArgumentParser
import Basics
import Glibc
import Hypervisors
import Provisioning

/// A verb at work on several machines at once: one that fails stops no other, and each gets one line.
struct MachineWork {
    let session: Session
    let hypervisor: any Hypervisor
    /// Cancelled by Ctrl-C.
    let cancellation: Cancellation

    init(on host: HostOptions) throws {
        try self.init(in: Session(connect: host.connect))
    }

    init(in session: Session) throws {
        self.session = session
        let cancellation = Cancellation()
        try Signals.forward { _ in cancellation.cancel() }
        self.cancellation = cancellation
        hypervisor = try session.hosts.hypervisor(nil)
    }

    /// Looks up the machines, does `body` with each, and tells what has become of it.
    ///
    /// - Parameter body: returns the line to tell.
    /// - Throws: `ExitCode` where one of them failed, or a word named none.
    func perform(
        _ selector: MachineSelector,
        _ body: @escaping @Sendable (Machine, Cancellation) throws(Failure) -> String
    ) throws {
        let selection = try selector.select(on: hypervisor, state: session.state)
        var failures = selection.failures
        for failure in failures { tell(failure) }
        Self.each(selection.machines, cancellation) { [cancellation] machine throws(Failure) in
            try body(machine, cancellation)
        } tell: { _, outcome in
            switch outcome {
            case .success(let line): StandardError.tell(line)
            case .failure(let failure):
                failures.append(failure)
                tell(failure)
            }
        }
        if selection.machines.isEmpty, failures.isEmpty { StandardError.tell("there are no machines") }
        try Self.end(failures)
    }

    /// Does `body` with each machine, on threads of its own, and tells of each as it ends.
    static func each<Answer: Sendable>(
        _ machines: [Machine], _ cancellation: Cancellation = Cancellation(),
        _ body: @escaping @Sendable (Machine) throws(Failure) -> Answer,
        tell: (Machine, Result<Answer, Failure>) -> Void
    ) {
        // A guest takes its time, and one that hangs keeps none of the others.
        let pool = WorkerPool(limit: 16)
        let outcomes = Mailbox<(machine: Machine, outcome: Result<Answer, Failure>)>()
        for machine in machines {
            pool.run {
                let outcome = Result { () throws(Failure) in
                    try cancellation.check()
                    return try body(machine)
                }
                outcomes.put((machine, outcome))
            }
        }
        // A person sees each as it ends; what is written to a file is the same each time.
        var early: [String: Result<Answer, Failure>] = [:]
        var waiting = machines[...]
        let inOrder = isatty(STDERR_FILENO) != 1
        for _ in machines {
            let (machine, outcome) = outcomes.next()
            guard inOrder else {
                tell(machine, outcome)
                continue
            }
            early[machine.name] = outcome
            while let next = waiting.first, let outcome = early.removeValue(forKey: next.name) {
                waiting.removeFirst()
                tell(next, outcome)
            }
        }
    }

    /// Tells a failure at once. An interruption is said once, at the end.
    func tell(_ failure: Failure) {
        if failure.code != .cancelled { StandardError.complain("limiq: \(failure)") }
    }

    /// Ends the command where something failed that has been told of.
    static func end(_ failures: [Failure]) throws {
        if let cancelled = failures.first(where: { $0.code == .cancelled }) { throw cancelled }
        guard let first = failures.first else { return }
        let status = exitStatus(first)
        throw ExitCode(failures.allSatisfy { exitStatus($0) == status } ? status : 1)
    }
}
