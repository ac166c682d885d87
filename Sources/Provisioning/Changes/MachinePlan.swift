import Basics
import DiskImages
import HostFiles
import Hypervisors
import MachineSpec

/// The plan of what `up` does with a machine: made first, then done, so that a plan and a run say the same.
public struct MachinePlan: Sendable, Equatable {
    public enum Action: String, Sendable {
        /// The machine is not there.
        case make
        /// The machine's domain is gone and its disks are not: it is taken up again with them.
        case adopt
        /// The machine is removed and made anew.
        case replace
        case change
        case none
    }

    public var action = Action.none
    /// The changes that are made, in the running guest too where one runs.
    public var changes: [Change] = []
    /// The changes that the running guest gets at its next start only, or as another instance only.
    public var pending: [Change] = []
    public var starts = false
    public var restarts = false
    /// Whether a suspended guest goes on.
    public var resumes = false
    /// Whether the domain is defined again: it was undefined while it runs, and would be gone with the guest.
    public var redefines = false
    /// The parts that are gone or broken and made again.
    public var remade: Set<Part.Kind> = []
    /// The disks with which the machine is taken up again: files of this host, or `POOL/VOLUME`.
    public var kept: [String] = []
    /// Whether the guest's memory, which is kept, is thrown away for a change that the guest would not take otherwise.
    public var dropsMemory = false

    /// The images that are taken for the same as those the disks were made on, by the disks' ids.
    var bases: [String: [ImageStamp]] = [:]

    public init(action: Action = .none, starts: Bool = false) {
        self.action = action
        self.starts = starts
    }

    /// Whether the seed is made anew: the script's cloud-init is another, or the seed is not whole.
    var makesSeed: Bool {
        remade.contains(.seed)
            || (changes + pending).contains { $0.field.isOfSeed && $0.cause == .script }
    }

    /// The parts, disks aside, that are made anew: those that are not whole, and those that are to be others.
    var otherParts: Set<Part.Kind> {
        let media = (changes + pending).filter { $0.field.list == "cdroms" }.map {
            Part.Kind.cdrom($0.field.id)
        }
        return remade.union(media).union(makesSeed ? [.seed] : [])
    }

    /// Whether a run would change something.
    public var isChange: Bool { action != .none || starts || restarts || resumes || dropsMemory }
}

extension Machine {
    /// The plan of what `up` with this spec would do now.
    ///
    /// - Throws: `Failure` with code `spec_differs` where the machine would have to be replaced and may not,
    ///   `not_found` where it is off and a file of it is gone, `not_ours`, `bad_field`, and what `up` finds before it
    ///   makes anything.
    public func plan(_ spec: VMSpec, _ options: UpOptions = UpOptions()) throws(Failure) -> MachinePlan {
        if let domain = try hypervisor.domain(name) {
            let domainNow = try domainNow(domain)
            let spec = try settled(spec, after: domainNow.record.spec)
            try requireNetworks(spec)
            return try plan(spec, options, domainNow)
        }
        // What would be removed, or taken up, is looked at as a run would.
        let record = try ownership(nil) == nil ? nil : try keptRecord(beside: spec)
        let spec = try settled(spec, after: record?.spec)
        try requireNetworks(spec)
        try requireFreeAddresses(spec)
        try requireOwnDisks(spec, after: record?.spec)
        if options.start { try HostPorts.checkFree(spec.nics, screens: spec.console, on: try host()) }
        guard let record else {
            return MachinePlan(action: .make, starts: options.start)
        }
        return try planAdoption(spec, options, record)
    }

    /// The plan of a machine whose domain is gone.
    func planAdoption(
        _ spec: VMSpec, _ options: UpOptions, _ record: MachineRecord
    ) throws(Failure) -> MachinePlan {
        var plan = try plan(spec, options, after: record, isRunning: false)
        if plan.action == .replace { return plan }
        plan.action = .adopt
        plan.remade = try lostParts(of: record)
        plan.kept = try keptDisks()
        try compareBases(&plan, options, record)
        try requireUndisturbed(plan, spec, record)
        try requireFreeAddresses(spec)
        return plan
    }

    /// The plan of what `up` with this spec would do to a machine that an earlier call will have brought to another.
    ///
    /// - Parameter isRunning: the guest will run.
    public func plan(
        _ spec: VMSpec, _ options: UpOptions, after earlier: VMSpec, isRunning: Bool
    ) throws(Failure) -> MachinePlan {
        let record = MachineRecord(
            spec: try settled(earlier, after: earlier), uuid: "", owner: "",
            acceleration: options.acceleration ?? .emulation,
            // Of another host only that one knows.
            parts: isLocal ? try MachineParts(self, earlier).places() : [], folder: folder)
        return try plan(try settled(spec, after: earlier), options, after: record, isRunning: isRunning)
    }

    private func plan(
        _ spec: VMSpec, _ options: UpOptions, after record: MachineRecord, isRunning: Bool
    ) throws(Failure) -> MachinePlan {
        func facts(_ spec: VMSpec) throws(Failure) -> DomainFacts {
            DomainFacts(try description(of: spec, record, MachineLayout(spec, of: self)))
        }
        let side = Convergence.Description(record, facts: try facts(record.spec))
        let convergence = Convergence(
            wanted: spec, wantedFacts: try facts(spec), next: side, live: isRunning ? side : nil)
        return try plan(
            convergence.changes(), options, record, isActive: isRunning, isPaused: false)
    }

    func plan(
        _ spec: VMSpec, _ options: UpOptions, _ domainNow: PresentDomain
    ) throws(Failure) -> MachinePlan {
        if try isLeftByRun(domainNow.record, options) {
            try requireFreeAddresses(spec)
            return MachinePlan(action: .replace, starts: options.start)
        }
        var plan = try plan(
            try convergence(spec, domainNow).changes(), options, domainNow.record,
            isActive: domainNow.isActive, isPaused: domainNow.domain.state == .paused)
        if domainNow.isSaved { plan.settleSaved(options) }
        try compareBases(&plan, options, domainNow.record)
        if plan.action == .replace { try domainNow.record.requireUnprotected("made anew") }
        try requireUndisturbed(plan, spec, domainNow.record)
        let isNICOther = (plan.changes + plan.pending).contains { $0.field.list == "nics" }
        if plan.action == .replace || plan.starts || plan.restarts || isNICOther {
            try requireFreeAddresses(spec)
        }
        try checkPorts(plan, spec, isActive: domainNow.isActive)
        if plan.action == .replace { return plan }
        plan.redefines = !domainNow.isPersistent
        // What a killed run has left half-written in the place of what the machine had.
        let broken = MachineJournal.read(in: folder)?.broken(of: domainNow.record) ?? []
        plan.remade = Set(broken.map(\.kind).filter { !$0.isDisk })
        // A running guest has its files open, whatever their names have become.
        if plan.restarts || !domainNow.isActive { plan.remade.formUnion(try lostParts(of: domainNow.record)) }
        if plan.redefines || !plan.remade.isEmpty { plan.action = .change }
        return plan
    }

    /// Looks whether the images below the disks are those the disks were made on, where the plan starts the guest: one
    /// that runs has the images open that it was started with.
    private func compareBases(
        _ plan: inout MachinePlan, _ options: UpOptions, _ record: MachineRecord
    ) throws(Failure) {
        guard plan.action != .replace, plan.starts || plan.restarts else { return }
        let (changed, kept) = try comparedBases(record)
        plan.bases = kept
        guard let first = changed.first else { return }
        if options.replace {
            plan.action = .replace
            plan.changes += changed.map { $0.change(in: record.spec) }
            (plan.starts, plan.restarts, plan.pending) = (options.start, false, [])
        } else if options.acceptBase, changed.allSatisfy({ $0.now != nil }) {
            plan.bases.merge(accepted(changed, record)) { $1 }
        } else {
            throw otherBase(first, record)
        }
    }

    /// - Throws: `Failure` with code `not_found` where a disk is gone, which nothing makes again.
    private func lostParts(of record: MachineRecord) throws(Failure) -> Set<Part.Kind> {
        let lost = try MachineParts(self, record.spec).lost(of: record)
        guard let disk = lost.first(where: \.kind.isDisk)?.description else {
            return Set(lost.map(\.kind))
        }
        throw Failure(
            .notFound, "\(disk) of vm \(name) is gone",
            hint: "put it back; limiq rm \(name) removes the rest, so that it can be made anew",
            resource: disk)
    }

    private func plan(
        _ changes: [Change], _ options: UpOptions, _ record: MachineRecord, isActive: Bool, isPaused: Bool
    ) throws(Failure) -> MachinePlan {
        let replaced = changes.filter { $0.kind == .replace && !$0.isGrownByHand }
        guard replaced.isEmpty || options.replace else { throw specDiffers(replaced, record) }
        var plan = MachinePlan()
        plan.changes = changes
        if !replaced.isEmpty {
            plan.action = .replace
            plan.starts = options.start
            return plan
        }
        plan.restarts = options.restart && changes.contains { $0.kind == .restart }
        func isWaiting(_ change: Change) -> Bool {
            // A start anew makes no other instance of the guest.
            change.kind == .instance || change.kind == .restart && !options.restart || change.isGrownByHand
        }
        plan.pending = changes.filter(isWaiting)
        plan.changes.removeAll(where: isWaiting)
        // What is pending already is in the description.
        if !plan.changes.isEmpty
            || plan.pending.contains(where: { $0.cause != .pending && !$0.isGrownByHand })
        {
            plan.action = .change
        }
        plan.starts = options.start && !isActive
        plan.resumes = options.start && isPaused && !plan.restarts
        return plan
    }

    private func specDiffers(_ changes: [Change], _ record: MachineRecord) -> Failure {
        let disks = record.parts.filter(\.kind.isDisk)
        let lost = disks.filter { $0.file.map(fileExists) ?? true }.map(\.description)
        return Failure(
            .specDiffers,
            "vm \(name) is there already, and cannot become what the script says without being made anew: "
                + changes.map(\.description).joined(separator: "; "),
            hint: (changes.contains { $0.cause == .drift }
                ? "bring back by hand what was changed by hand; " : "")
                + "up { replace = true } makes it anew"
                + (lost.isEmpty ? "" : ", and throws away \(lost.joined(separator: ", "))"),
            resource: name)
    }
}
