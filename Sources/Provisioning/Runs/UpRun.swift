import Basics
import FoundationEssentials
import Glibc
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec
import Steps

/// One `up`, on one thread.
final class UpRun: StepTeller {
    let machine: Machine
    /// The spec, with what it leaves to limiq settled before anything is done.
    private(set) var spec: VMSpec
    /// Its cloud-init as the script says it, without the network-config that is made of its nics.
    private let documents: CloudInitSpec?
    let options: UpOptions
    let cancellation: Cancellation
    private let progress: @Sendable (Progress) -> Void
    var report = UpReport()
    private let ports = ChosenPorts()
    /// The end of the whole run, where there is one.
    let deadline: ContinuousClock.Instant?
    /// Whether libvirt was asked to define the domain: it may have done so without our having its answer.
    private var mayBeDefined = false
    var hasStarted = false
    /// Whether the guest, which was saved, had come to the end of its cloud-init before.
    var wasSettled = false
    /// The warm machine that this one is, going on; `nil` for one that boots.
    var warmStart: WarmStart?

    var hypervisor: any Hypervisor { machine.hypervisor }

    init(
        machine: Machine, spec: VMSpec, options: UpOptions, cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) {
        self.machine = machine
        self.spec = spec
        documents = spec.cloudInit
        self.options = options
        self.cancellation = cancellation
        self.progress = progress
        deadline = options.deadline.map { .present + $0 }
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

    /// Tells what the machine has in common with others.
    func tell(_ way: Likeness.Way, _ acceleration: Acceleration) {
        tell(.isLike(machine.likeness(spec, options, way, acceleration)))
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
        if machine.isInWarmStart {
            try timed(.remove) { () throws(Failure) in _ = try machine.removeLocked() }
            return try makeNew()
        }
        try joinNetworks()
        if plan.action == .replace { return try replace(plan, domainNow) }
        tell(plan.starts || plan.restarts ? .again : .present, domainNow.record.acceleration)
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
            for change in plan.pending { warn(notice(of: change)) }
        }
        for change in report.pending { tell(.waits(path: change.path, reason: change.reason)) }
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

    /// The words for a change that the guest does not have.
    func notice(of change: Change) -> String {
        let reason = change.reason.map { ", as \($0)" } ?? ""
        if change.isGrownByHand { return "\(change): it is left as it is\(reason)" }
        guard change.kind == .instance, let cloudInit = spec.cloudInit else {
            return
                "\(change): it takes effect when \(machine.name) starts anew\(reason); up { restart = true } does that"
        }
        let isSecret = cloudInit.metaData?.holdsSecret == true
        let instance = isSecret ? "of its meta_data" : spec.seedIdentity?.instanceID ?? ""
        return
            "\(change), and a guest that has run as the instance \(instance) takes nothing of it but bootcmd: write "
            + "another instance-id into meta_data, or none, and each change makes one"
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
        try HostPorts.checkFree(spec.nics, screens: spec.console, on: host)
        try machine.requireNetworks(spec)
        try joinNetworks()
        let chosen = chooseAcceleration(host)
        if let warm = try machine.warmImage(of: spec) {
            let obstacle =
                try options.start
                ? warm.obstacle(spec, machine, chosen) : "it is made and not started"
            if let obstacle {
                warn(
                    "\(machine.name) boots, and does not go on from \(lastComponent(warm.disk)): \(obstacle)")
                spec.standOnBase(of: warm)
            } else {
                warmStart = WarmStart(machine: machine, spec: spec, documents: documents, warm: warm)
            }
        }
        tell(warmStart == nil ? .new : .warm, chosen)
        var parts = try MachineParts(machine, spec)
        try parts.clearLeftovers()
        var record = MachineRecord(
            spec: spec, uuid: UUID().uuidString.lowercased(), owner: MachineRecord.currentOwner(),
            acceleration: chosen, folder: machine.folder)
        record.script = machine.script
        record.loginUser = record.loginUser ?? machine.imageUser
        record.run = options.run
        record.expires = spec.ttl.map { time(nil) + $0 }
        do {
            try parts.begin(&record)
            if spec.namesImages { try bringImages(&parts) }
            if !spec.disks.isEmpty {
                try timed(.disks) { () throws(Failure) in try parts.makeDisks(cancellation) }
            }
            try make(Set(spec.partKinds), &parts)
            let readiness = options.start ? try makeReadiness() : nil
            try parts.sync()
            if warmStart != nil { try machine.beginWarmStart() }
            let domain = try timed(.define) { () throws(Failure) in
                mayBeDefined = true
                return try defineNew(try parts.layout(), host, record)
            }
            report.changed = true
            if let readiness {
                try startAndWait(
                    readiness, uuid: domain.uuid, chosen, mayFallBack: options.acceleration == nil)
            }
        } catch {
            // One that has not become a machine of its own is nobody's.
            guard hasStarted, warmStart == nil, error.code == .timeout else {
                throw undo(parts, after: error)
            }
            throw leave(after: error)
        }
    }

    /// Brings images of this host to the machine's, where that is another one.
    func bringImages(_ parts: inout MachineParts) throws(Failure) {
        guard parts.store.bringsImages else { return }
        try timed(.upload) { () throws(Failure) in
            try parts.bringImages(cancellation) { self.tell(.detail(Step(.upload), $0)) }
        }
    }

    /// Makes parts that are no disks, in the place of those that are there.
    func make(_ kinds: Set<Part.Kind>, _ parts: inout MachineParts) throws(Failure) {
        let media = parts.all.map(\.kind).filter { $0.isCDROM && kinds.contains($0) }
        let documents = parts.all.map(\.kind).filter {
            [.seed, .ignition].contains($0) && kinds.contains($0)
        }
        for (step, kinds) in [(Step.Kind.media, media), (.seed, documents)] where !kinds.isEmpty {
            try timed(step) { () throws(Failure) in
                for kind in kinds { try parts.make(kind, cancellation) }
            }
        }
        if kinds.contains(.console) { try parts.make(.console, cancellation) }
    }

    func makeReadiness() throws(Failure) -> Readiness {
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
        for warning in try spec.guestFindings(machine.cloudInit).warnings() { warn(warning) }
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
        var record = record
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
    private func undo(_ parts: MachineParts, after failure: Failure) -> Failure {
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
                try parts.remove()
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
}
