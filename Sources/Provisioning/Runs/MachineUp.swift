import Basics

/// What `up` did.
public struct UpReport: Sendable, Equatable {
    public struct Phase: Sendable, Equatable {
        public var name: String
        public var duration: Duration
    }

    /// `false`: all was as the spec says already.
    public var changed = false
    /// What was done to a VM that was there.
    public var changes: [Change] = []
    /// What the running guest gets at its next start only.
    public var pending: [Change] = []
    /// What took time, in order.
    public var phases: [Phase] = []
    /// The guest's own addresses, where it was waited for.
    public var addresses: [String] = []
    public var forwards: [PortForward] = []
    /// What a person should know: that acceleration does not work here, for one.
    public var warnings: [String] = []
}

/// A step of a VM on its way, for whoever shows it.
public struct MachineProgress: Sendable, Equatable {
    /// `lock`, `disks`, `media`, `seed`, `define`, `change`, `shutdown`, `remove`, `start`, `forward`, `first-boot` (from
    /// the start to the guest's first sign of life), the goal it waits for (`cloud-init`, `agent` …), `console` (a line of the guest's, while waiting), `undo`,
    /// `warning`.
    public var phase: String
    public var machine: String
    public var detail: String?
    /// Set where the phase has ended well.
    public var took: Duration?

    public init(phase: String, machine: String, detail: String? = nil, took: Duration? = nil) {
        self.phase = phase
        self.machine = machine
        self.detail = detail
        self.took = took
    }
}

extension Machine {
    /// Brings the VM to what the spec says: makes what is missing, changes what differs (see `MachinePlan`), starts it, waits
    /// for it; does nothing where all is so already. Another `up` of the same VM, of this process or another, waits for this one.
    ///
    /// A new VM that cannot be brought up is removed again, unless `keep`. One that runs and is only not ready in time is left
    /// as it is, and so is one that was there: the next `up` goes on waiting.
    ///
    /// - Throws: `Failure` with code `bad_field` for a spec that cannot be, `spec_differs` where the VM would have to
    ///   be replaced and may not (the message lists the fields), `not_ours`, `port_in_use`, those of disks and of `Readiness.wait`.
    public func up(
        _ spec: VMSpec, _ options: UpOptions = UpOptions(), cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (MachineProgress) -> Void = { _ in }
    ) throws(Failure) -> UpReport {
        try spec.check(try host().isLocal ? .all : .sent)
        if options.start { try requireWay(to: options.goal(for: spec), spec) }
        let run = UpRun(
            machine: self, spec: spec, options: options, cancellation: cancellation, progress: progress)
        do {
            try MachineLock.hold(self, cancellation: cancellation) { holder in
                run.tell("lock", "waiting for another limiq" + (holder.map { ", process \($0)" } ?? ""))
            } _: { () throws(Failure) in
                try run.bringUp()
            }
        } catch {
            var failure = error
            failure.resource = failure.resource ?? "vm \(name)"
            throw failure
        }
        return run.report
    }
}
