import Basics
import Hypervisors
import MachineSpec
import Steps

/// The report of what `up` did.
public struct UpReport: Sendable, Equatable {
    public struct Phase: Sendable, Equatable {
        public var step: Step
        public var duration: Duration
    }

    /// Whether anything was changed; `false` where all was as the spec says already.
    public var changed = false
    /// The changes that were made to a machine that was there.
    public var changes: [Change] = []
    /// The changes that the running guest gets at its next start only.
    public var pending: [Change] = []
    /// The phases that took time, in order.
    public var phases: [Phase] = []
    /// The guest's own addresses, where it was waited for.
    public var addresses: [String] = []
    public var forwards: [PortForward] = []
    /// Whether its cloud-config makes a user, and its guest runs with a way to its port 22.
    public var hasWayIn = false
    /// The warnings a person should know of: that acceleration does not work here, for one.
    public var warnings: [String] = []

    public init() {}
}

extension Machine {
    /// Brings the machine to what the spec says: makes what is missing, changes what differs (see `MachinePlan`),
    /// starts it, waits for it; does nothing where all is so already. Another `up` of the same machine, of this process
    /// or another, waits for this one.
    ///
    /// A new machine that cannot be brought up is removed again, unless `keep`. One that runs and is only not ready in
    /// time is left as it is, and so is one that was there: the next `up` goes on waiting.
    ///
    /// - Throws: `Failure` with code `bad_field` for a spec that cannot be, `spec_differs` where the machine would have
    ///   to be replaced and may not (the message lists the fields), `not_ours`, `port_in_use`, those of disks and of
    ///   `Readiness.wait`.
    public func up(
        _ spec: VMSpec, _ options: UpOptions = UpOptions(), cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) throws(Failure) -> UpReport {
        // It ends with the first step of the work, or with the work.
        progress(Progress(.vm(name), .begins(Step(.look), detail: nil)))
        try check(spec)
        // Before the lock: a host that hangs holds up none of the machines that bear these names on others.
        _ = try host()
        try requireAutostart(spec)
        if options.start { try requireWay(to: options.goal(for: spec), spec) }
        let run = UpRun(
            machine: self, spec: spec, options: options, cancellation: cancellation,
            progress: progress)
        do {
            try MachineLock.hold(self, cancellation: cancellation) { holder, wait throws(Failure) in
                let who = "another limiq" + (holder.map { ", process \($0)" } ?? "")
                return try run.telling(.lock, "waiting for \(who)", wait)
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
