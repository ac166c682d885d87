import Basics
import FoundationEssentials
import Glibc
import GuestConfig
import Hypervisors
import MachineSpec
import Steps

/// One `up`, on one thread.
final class UpRun: StepTeller {
    let machine: Machine
    /// The spec, with what it leaves to limiq settled before anything is done.
    private(set) var spec: VMSpec
    let options: UpOptions
    let cancellation: Cancellation
    private let progress: @Sendable (Progress) -> Void
    var report = UpReport()
    private let ports = ChosenPorts()
    /// The end of the whole run, where there is one.
    private let deadline: ContinuousClock.Instant?
    /// Whether libvirt was asked to define the domain: it may have done so without our having its answer.
    private var mayBeDefined = false
    private var hasStarted = false
    /// Whether the guest, which was saved, had come to the end of its cloud-init before.
    var wasSettled = false

    var hypervisor: any Hypervisor { machine.hypervisor }

    init(
        machine: Machine, spec: VMSpec, options: UpOptions, cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) {
        self.machine = machine
        self.spec = spec
        self.options = options
        self.cancellation = cancellation
        self.progress = progress
        deadline = options.deadline.map { .now + $0 }
    }

    /// Tells of an event, and puts it into the report.
    func tell(_ event: Progress.Event) {
        switch event {
        case .ended(let step, let took, ok: true):
            report.phases.append(UpReport.Phase(step: step, duration: took))
        case .warning(let text): report.warnings.append(text)
        default: break
        }
        progress(Progress(.vm(machine.name), event))
    }

    func timed<Result>(
        _ kind: Step.Kind, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try cancellation.check()
        return try telling(kind, nil, body)
    }

    func warn(_ warning: String) { tell(.warning(warning)) }

    func bringUp() throws(Failure) {
        try machine.lookingAgain { () throws(Failure) in try bringUpOnce() }
        try settleAutostart()
        let leads =
            spec.nics.contains { !$0.isUser }
            || report.forwards.contains { $0.guest == 22 && $0.proto == .tcp }
        report.hasWayIn = options.start && leads && spec.cloudInit?.loginUser != nil
        try MachineJournal.finish(in: machine.folder)
    }

    /// Sees to it that libvirt starts the machine with its host, or does not. Where nothing is said of it and nothing was, nobody
    /// is asked.
    private func settleAutostart() throws(Failure) {
        let isOther = report.changes.contains { $0.field == FieldPath("autostart") }
        guard spec.autostart != nil || isOther else { return }
        if let warning = try machine.settleAutostart(spec) { warn(warning) }
    }

    /// - Parameter kept: what the machine is already; `nil` for a new one.
    private func settle(after kept: VMSpec?) throws(Failure) {
        spec = try machine.settled(spec, after: kept, holding: ports)
        if options.start { try machine.requireWay(to: options.goal(for: spec), spec) }
        report.forwards = spec.nics.flatMap(\.forward)
    }

    private func bringUpOnce() throws(Failure) {
        if let domain = try hypervisor.domain(machine.name) {
            try continueWith(domain)
        } else if let record = try machine.keptRecord(beside: spec) {
            try settle(after: record.spec)
            try takeUp(record)
        } else {
            try settle(after: nil)
            try makeNew()
        }
    }

    // MARK: a machine that is there

    func continueWith(_ domain: DomainSummary) throws(Failure) {
        let domainNow = try machine.domainNow(domain)
        try settle(after: domainNow.record.spec)
        let plan = try machine.plan(spec, options, domainNow)
        try machine.requireNetworks(spec)
        try joinNetworks()
        if plan.action == .replace { return try replace(plan, domainNow) }
        if domainNow.isSaved, try continueSaved(plan, domainNow) {
            if !plan.bases.isEmpty { try machine.remember(bases: plan.bases, of: domainNow.record) }
            return try continueWith(try machine.requireDomain())
        }
        if plan.action == .change { try change(plan, domainNow) }
        report.pending += plan.pending
        // Of a nic that the running guest does not have: somebody else may answer there.
        for nic in spec.nics
        where report.pending.contains(where: { $0.field.isOf(nic: nic.id, ["", "forward"]) }) {
            report.forwards.removeAll(where: nic.forward.contains)
        }
        if domainNow.isSaved {
            if !plan.pending.isEmpty { warn(machine.savedNotice(plan)) }
        } else {
            for change in plan.pending {
                warn(
                    "\(change): it takes effect when \(machine.name) starts anew; up { restart = true } does that"
                )
            }
        }
        if !plan.bases.isEmpty, let record = try machine.record() {
            try machine.remember(bases: plan.bases, of: record)
        }
        if plan.restarts { try shutDown() }
        guard options.start || plan.restarts else { return }
        let readiness = try makeReadiness()
        if plan.starts || plan.restarts {
            try startAndWait(
                readiness, uuid: domain.uuid, domainNow.record.acceleration,
                mayFallBack: options.acceleration == nil)
            report.changed = true
            return
        }
        if plan.resumes {
            try hypervisor.resume(machine.name)
            report.changed = true
        }
        try wait(readiness, boots: false)
    }

    func replace(_ plan: MachinePlan, _ domainNow: PresentDomain) throws(Failure) {
        // What would keep the new one from being made is said while the old one is there.
        _ = try machine.preflight(spec, beside: domainNow.liveRecord)
        try timed(.remove) { () throws(Failure) in _ = try machine.removeLocked() }
        report.changes = plan.changes
        try makeNew()
    }

    private func shutDown() throws(Failure) {
        try timed(.shutdown) { () throws(Failure) in
            try machine.end(timeout: .seconds(60), cancellation: cancellation)
        }
        report.changed = true
    }

    /// Makes the networks that are not there, and has each know the machine.
    private func joinNetworks() throws(Failure) {
        guard spec.nics.contains(where: { $0.network?.spec != nil }) else { return }
        spec = try timed(.network) { () throws(Failure) in try machine.joinNetworks(spec) }
    }

    // MARK: a new machine

    private func makeNew() throws(Failure) {
        try machine.holdAddresses(of: spec) { () throws(Failure) in try makeNewAlone() }
    }

    private func makeNewAlone() throws(Failure) {
        try machine.requireFreeAddresses(spec)
        try machine.requireOwnDisks(spec, after: nil)
        try checkCloudInit()
        let host = try machine.host()
        if host.isLocal { try HostPorts.checkFree(spec.nics, screens: spec.console, on: host) }
        try machine.requireNetworks(spec)
        try joinNetworks()
        var files = machine.storage(for: spec, host)
        try files.clearLeftovers()
        let chosen = chooseAcceleration(host)
        var record = MachineRecord(
            spec: spec, uuid: UUID().uuidString.lowercased(), owner: MachineRecord.currentOwner(),
            acceleration: chosen, made: files.layout.madeFiles, folder: machine.folder)
        record.script = machine.script
        record.run = options.run
        record.expires = spec.ttl.map { time(nil) + $0 }
        do {
            try files.open(record)
            if !host.isLocal, spec.namesImages { try upload(&files) }
            if !spec.disks.isEmpty {
                try timed(.disks) { () throws(Failure) in try files.makeDisks(cancellation) }
            }
            if spec.cdroms.contains(where: { $0.files != nil }) {
                try timed(.media) { () throws(Failure) in try files.makeMedia(cancellation) }
            }
            if spec.cloudInit != nil || spec.ignition != nil {
                try timed(.seed) { () throws(Failure) in
                    try files.makeSeed()
                    try files.makeIgnition()
                }
            }
            let readiness = options.start ? try makeReadiness() : nil
            try files.sync()
            let domain = try timed(.define) { () throws(Failure) in
                mayBeDefined = true
                return try defineNew(files.layout, host, record)
            }
            report.changed = true
            if let readiness {
                try startAndWait(
                    readiness, uuid: domain.uuid, chosen, mayFallBack: options.acceleration == nil)
            }
        } catch {
            guard hasStarted, error.code == .timeout else { throw undo(files, after: error) }
            throw leave(after: error)
        }
    }

    func upload(_ files: inout any MachineStorage) throws(Failure) {
        try timed(.upload) { () throws(Failure) in
            try files.uploadImages(cancellation) { self.tell(.detail(Step(.upload), $0)) }
        }
    }

    private func makeReadiness() throws(Failure) -> Readiness {
        try Readiness(machine, nics: spec.nics, change: spec.cloudInit?.powerChange)
    }

    func chooseAcceleration(_ host: HostDescription) -> Acceleration {
        if let asked = options.acceleration { return asked }
        let choice = AccelerationChooser(state: machine.state, host: host, cpuinfo: machine.cpuinfo).choose()
        if let warning = choice.warning { warn(warning) }
        return choice.acceleration
    }

    /// Checks the cloud-init documents before anything is made: a guest would only pass over what is wrong, minutes
    /// later.
    func checkCloudInit() throws(Failure) {
        for warning in try spec.cloudInitWarnings() { warn(warning) }
    }

    /// Defines a new domain. One that a killed run had asked for may have been defined meanwhile: it names what was
    /// just made anew, and gives way.
    private func defineNew(
        _ layout: MachineLayout, _ host: HostDescription, _ record: MachineRecord
    ) throws(Failure) -> DomainSummary {
        do throws(Failure) {
            return try define(layout, host, record)
        } catch {
            guard let other = try? hypervisor.domain(machine.name), other.uuid != record.uuid,
                !other.state.isActive, try machine.record(of: other)?.folder == machine.folder,
                try isOurs(other)
            else { throw error }
            try machine.removeDomain(other)
            return try define(layout, host, record)
        }
    }

    func define(
        _ layout: MachineLayout, _ host: HostDescription, _ record: MachineRecord
    ) throws(Failure) -> DomainSummary {
        let layout = try machine.withCeph(layout)
        var record = record
        record.volumes = layout.volumes.isEmpty ? nil : layout.volumes
        record.bases = layout.bases
        let description = DomainXML(
            spec: spec, layout: layout, host: host, acceleration: record.acceleration, record: record,
            uuid: record.uuid, isTestDriver: machine.isOnTestDriver)
        return try hypervisor.define(try description.text())
    }

    /// Leaves the machine after a failure: the guest was only not ready in time, it goes on, and the next run goes on
    /// waiting.
    private func leave(after failure: Failure) -> Failure {
        var failure = failure
        do throws(Failure) { try MachineJournal.finish(in: machine.folder) } catch { warn(error.message) }
        failure.add(hint: "vm \(machine.name) is left as it is; limiq rm \(machine.name) removes it")
        return failure
    }

    /// Removes exactly what this run made, and says so.
    private func undo(_ files: any MachineStorage, after failure: Failure) -> Failure {
        var failure = failure
        if options.keep {
            try? telling(.undo, "\(machine.name) is left for a look") { () throws(Failure) in
                try MachineJournal.finish(in: machine.folder)
            }
            failure.add(hint: "vm \(machine.name) is kept; limiq rm \(machine.name) removes it")
            return failure
        }
        do {
            try telling(.undo, "removing what was made of \(machine.name)") { () throws(Failure) in
                if mayBeDefined, let domain = try hypervisor.domain(machine.name), try isOurs(domain) {
                    try machine.removeDomain(domain)
                }
                try files.remove()
                try machine.leaveNetworks(spec.nics)
            }
            // What a guest that is gone could be asked.
            if hasStarted { failure.hint = nil }
            failure.add(hint: "vm \(machine.name) was removed again; keep = true leaves it for a look")
        } catch {
            let left =
                "what was made of \(machine.name) could not be removed (\(error.message)): limiq rm \(machine.name)"
            // An interrupted run shows nobody this failure.
            warn(left)
            failure.hint = left
        }
        return failure
    }

    /// Whether the domain is the one that was defined here, and not somebody else's that took its name in between.
    private func isOurs(_ domain: DomainSummary) throws(Failure) -> Bool {
        do {
            _ = try machine.domainNow(domain)
            return true
        } catch {
            if error.code == .notOurs { return false }
            throw error
        }
    }

    // MARK: starting and waiting

    private func startAndWait(
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
        let layout = try machine.storage(for: spec, host).existing(domainNow)
        var record = domainNow.record
        record.acceleration = .emulation
        _ = try define(layout, host, record.identified(as: domainNow.domain))
        let readiness = try makeReadiness()
        try start(readiness, isOnTrial: false)
        started()
        try wait(readiness, boots: true)
    }

    private func start(_ readiness: Readiness, isOnTrial: Bool) throws(Failure) {
        try timed(.start) { () throws(Failure) in
            try machine.renewGivenChains(spec)
            try machine.startNetworks(spec.nics)
            try machine.beginBoot(spec.nics)
            do throws(Failure) { try hypervisor.start(machine.name) } catch {
                // A killed run may have asked for the start, and libvirt got to it after we had looked.
                guard try hypervisor.domain(machine.name)?.state.isActive == true else { throw error }
            }
            hasStarted = true
            if isOnTrial { try readiness.requireSurvival(of: .milliseconds(300)) }
        }
        if spec.nics.contains(where: { !$0.forward.isEmpty }) {
            try timed(.forward) { () throws(Failure) in
                try PortForwards(hypervisor: hypervisor, name: machine.name)
                    .set(spec.nics, to: spec.userAddress)
            }
        }
    }

    private var goal: Goal {
        let wanted = options.goal(for: spec)
        return wanted == .cloudInit && wasSettled ? .running : wanted
    }

    /// - Parameter boots: it has just been started: up to its first sign of life is a phase of its own.
    private func wait(_ readiness: Readiness, boots: Bool) throws(Failure) {
        try cancellation.check()
        var step = boots && goal != .running ? Step(.firstBoot) : goal.step
        var start = ContinuousClock.now
        func ended(ok: Bool) { tell(.ended(step, .now - start, ok: ok)) }
        tell(.begins(step, detail: nil))
        do throws(Failure) {
            try readiness.wait(
                for: goal, timeout: options.timeout, deadline: deadline, cancellation: cancellation
            ) { line in
                tell(.console(line))
            } onSign: {
                guard step.kind == .firstBoot else { return }
                ended(ok: true)
                (step, start) = (goal.step, .now)
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
