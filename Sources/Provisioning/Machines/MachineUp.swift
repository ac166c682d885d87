import Basics

/// How `up` goes about it.
public struct UpOptions: Sendable, Equatable {
    /// Start the VM; otherwise it is only made.
    public var start = true
    /// `nil`: for cloud-init where there is a seed, else until it runs.
    public var wait: Goal?
    public var timeout = Duration.seconds(600)
    /// Leave a new VM for a look when `up` fails.
    public var keep = false
    /// `nil`: hardware acceleration where guests survive it.
    public var acceleration: Acceleration?

    public init() {}
}

/// What `up` did.
public struct UpReport: Sendable, Equatable {
    public struct Phase: Sendable, Equatable {
        public var name: String
        public var duration: Duration
    }

    /// `false`: all was as the spec says already.
    public var changed = false
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
    /// `lock`, `disks`, `media`, `seed`, `define`, `start`, `forward`, `wait`, `console` (a line of the guest's, while waiting), `undo`, `warning`.
    public var phase: String
    public var machine: String
    public var detail: String?

    public init(phase: String, machine: String, detail: String? = nil) {
        self.phase = phase
        self.machine = machine
        self.detail = detail
    }
}

extension Machine {
    /// Brings the VM to what the spec says: makes what is missing, starts it, waits for it; does nothing where all is
    /// so already. Another `up` of the same VM, of this process or another, waits for this one.
    ///
    /// A new VM that cannot be brought up is removed again, unless `keep`; one that was there is never removed.
    ///
    /// - Throws: `Failure` with code `bad_field` for a spec that cannot be, `spec_differs` where the VM is another (the
    ///   message lists the fields), `not_ours`, `port_in_use`, those of disks and of `Readiness.wait`.
    public func up(
        _ spec: VMSpec, _ options: UpOptions = UpOptions(), cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (MachineProgress) -> Void = { _ in }
    ) throws(Failure) -> UpReport {
        try spec.check(filesAreHere: try host().isLocal)
        let run = UpRun(
            machine: self, spec: spec, options: options, cancellation: cancellation, progress: progress)
        do {
            try MachineLock.hold(name, in: state, cancellation: cancellation) { holder in
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

    /// The fields in which the VM differs from a spec; `nil` where there is no VM.
    ///
    /// - Throws: `Failure` with code `not_ours`.
    public func diff(_ spec: VMSpec) throws(Failure) -> [SpecDifference]? {
        guard try hypervisor.domain(name) != nil else { return nil }
        return SpecDifference.between(try requireRecord().spec, spec)
    }
}
