import Basics

/// One `up`, on one thread.
final class UpRun {
    let machine: Machine
    let spec: VMSpec
    let options: UpOptions
    let cancellation: Cancellation
    private let progress: @Sendable (MachineProgress) -> Void
    private(set) var report = UpReport()

    private var hypervisor: any Hypervisor { machine.hypervisor }

    init(
        machine: Machine, spec: VMSpec, options: UpOptions, cancellation: Cancellation,
        progress: @escaping @Sendable (MachineProgress) -> Void
    ) {
        self.machine = machine
        self.spec = spec
        self.options = options
        self.cancellation = cancellation
        self.progress = progress
    }

    func tell(_ phase: String, _ detail: String? = nil) {
        progress(MachineProgress(phase: phase, machine: machine.name, detail: detail))
    }

    private func timed<Result>(
        _ phase: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try cancellation.check()
        tell(phase)
        let start = ContinuousClock.now
        let result = try body()
        report.phases.append(.init(name: phase, duration: ContinuousClock.now - start))
        return result
    }

    private func warn(_ warning: String) {
        report.warnings.append(warning)
        tell("warning", warning)
    }

    func bringUp() throws(Failure) {
        report.forwards = spec.nics.flatMap(\.forward)
        if let domain = try hypervisor.domain(machine.name) {
            try continueWith(domain)
        } else {
            try makeNew()
        }
    }

    // MARK: a VM that is there

    private func continueWith(_ domain: DomainSummary) throws(Failure) {
        let record = try machine.requireRecord()
        let differences = SpecDifference.between(record.spec, spec)
        guard differences.isEmpty else {
            throw Failure(
                "spec_differs",
                "vm \(machine.name) is there already, and differs: "
                    + differences.map(\.description).joined(separator: "; "),
                hint: "limiq rm \(machine.name) removes it, so that it can be made anew",
                resource: machine.name)
        }
        guard options.start else { return }
        let readiness = try Readiness(machine, nics: spec.nics)
        if !domain.state.isActive {
            if try machine.host().isLocal { try PortForwards.checkFree(spec.nics) }
            if let missing = record.made.first(where: { !fileExists($0) }) {
                throw Failure(
                    .notFound, "\(missing) of vm \(machine.name) is gone",
                    hint: "limiq rm \(machine.name) removes the rest, so that it can be made anew",
                    resource: missing)
            }
            try startAndWait(
                readiness, uuid: domain.uuid, record.acceleration, mayFallBack: options.acceleration == nil)
            report.changed = true
            return
        }
        if domain.state == .paused { try hypervisor.resume(machine.name) }
        let added = try PortForwards(hypervisor: hypervisor, name: machine.name)
            .set(spec.nics, to: spec.userAddress)
        report.changed = added > 0 || domain.state == .paused
        try wait(readiness)
    }

    // MARK: a new VM

    private func makeNew() throws(Failure) {
        try checkCloudInit()
        let host = try machine.host()
        if host.isLocal { try PortForwards.checkFree(spec.nics) }
        var files = MachineFiles(machine, spec, host: host)
        try files.clearLeftovers()
        let chooser = AccelerationChooser(state: machine.state, host: host, cpuinfo: machine.cpuinfo)
        var acceleration = options.acceleration
        if acceleration == nil {
            let choice = chooser.choose()
            acceleration = choice.acceleration
            if let warning = choice.warning { warn(warning) }
        }
        do {
            try files.open()
            if !spec.disks.isEmpty {
                try timed("disks") { () throws(Failure) in try files.makeDisks(cancellation) }
            }
            if spec.cdroms.contains(where: { $0.files != nil }) {
                try timed("media") { () throws(Failure) in try files.makeMedia() }
            }
            if spec.cloudInit != nil || spec.ignition != nil {
                try timed("seed") { () throws(Failure) in
                    try files.makeSeed()
                    try files.makeIgnition()
                }
            }
            let readiness = options.start ? try Readiness(machine, nics: spec.nics) : nil
            let chosen = acceleration ?? .emulation
            let domain = try timed("define") { () throws(Failure) in
                try define(files.layout, host, chosen, uuid: nil)
            }
            report.changed = true
            if let readiness {
                try startAndWait(
                    readiness, uuid: domain.uuid, chosen, mayFallBack: options.acceleration == nil)
            }
        } catch {
            throw undo(files, after: error)
        }
    }

    /// Before anything is made: a guest would only pass over what is wrong, minutes later.
    private func checkCloudInit() throws(Failure) {
        let findings = spec.cloudInitFindings
        try CloudInitCheck.requireNoErrors(in: findings)
        for finding in findings {
            warn(finding.text + (finding.hint.map { " (\($0))" } ?? ""))
        }
    }

    private func define(
        _ layout: MachineLayout, _ host: HostDescription, _ acceleration: Acceleration, uuid: String?
    ) throws(Failure) -> DomainSummary {
        let record = MachineRecord(
            spec: spec, owner: MachineRecord.currentOwner(), acceleration: acceleration,
            made: layout.madeFiles, folder: layout.folder)
        let description = DomainXML(
            spec: spec, layout: layout, host: host, acceleration: acceleration, record: record, uuid: uuid,
            isTestDriver: machine.isOnTestDriver)
        return try hypervisor.define(try description.text())
    }

    /// Removes exactly what this run made, and says so.
    private func undo(_ files: MachineFiles, after failure: Failure) -> Failure {
        var failure = failure
        if options.keep {
            tell("undo", "\(machine.name) is left for a look")
            failure.hint = [failure.hint, "vm \(machine.name) is kept; limiq rm \(machine.name) removes it"]
                .compactMap(\.self).joined(separator: "; ")
            return failure
        }
        tell("undo", "removing what was made of \(machine.name)")
        do {
            if try hypervisor.domain(machine.name) != nil {
                try hypervisor.destroy(machine.name)
                try hypervisor.undefine(machine.name)
            }
            try files.remove()
            failure.hint = [
                failure.hint, "vm \(machine.name) was removed again; keep = true leaves it for a look",
            ]
            .compactMap(\.self).joined(separator: "; ")
        } catch {
            let left =
                "what was made of \(machine.name) could not be removed (\(error.message)): limiq rm \(machine.name)"
            // An interrupted run shows nobody this failure.
            warn(left)
            failure.hint = left
        }
        return failure
    }

    // MARK: starting and waiting

    private func startAndWait(
        _ readiness: Readiness, uuid: String, _ acceleration: Acceleration, mayFallBack: Bool
    ) throws(Failure) {
        let chooser =
            acceleration == .kvm
            ? AccelerationChooser(state: machine.state, host: try machine.host(), cpuinfo: machine.cpuinfo)
            : nil
        let isOnTrial = mayFallBack && chooser?.isProven == false
        do {
            try start(readiness, isOnTrial: isOnTrial)
            try wait(readiness)
            if isOnTrial, report.phases.last?.name == "wait" { chooser?.remember(works: true) }
        } catch {
            guard isOnTrial, let chooser, error.code == .libvirt || error.code == "guest_failed" else {
                throw error
            }
            let reason = error.cause?.split(separator: "\n").last.map(String.init) ?? error.message
            chooser.remember(works: false, reason: reason)
            warn(AccelerationChooser.warning(reason))
            try fallBack(uuid: uuid)
        }
    }

    private func fallBack(uuid: String) throws(Failure) {
        try hypervisor.destroy(machine.name)
        var layout = MachineLayout(spec, in: machine.state)
        try layout.readChains()
        _ = try define(layout, try machine.host(), .emulation, uuid: uuid)
        let readiness = try Readiness(machine, nics: spec.nics)
        try start(readiness, isOnTrial: false)
        try wait(readiness)
    }

    private func start(_ readiness: Readiness, isOnTrial: Bool) throws(Failure) {
        try timed("start") { () throws(Failure) in
            try machine.beginBoot()
            try hypervisor.start(machine.name)
            if isOnTrial { try readiness.requireSurvival(of: .milliseconds(300)) }
        }
        if spec.nics.contains(where: { !$0.forward.isEmpty }) {
            try timed("forward") { () throws(Failure) in
                _ = try PortForwards(hypervisor: hypervisor, name: machine.name)
                    .set(spec.nics, to: spec.userAddress)
            }
        }
    }

    private func wait(_ readiness: Readiness) throws(Failure) {
        let goal = options.wait ?? (spec.cloudInit == nil ? .running : .cloudInit)
        try timed(goal == .running ? "running" : "wait") { () throws(Failure) in
            try readiness.wait(for: goal, timeout: options.timeout, cancellation: cancellation) { line in
                tell("console", line)
            }
        }
        if goal != .running { report.addresses = (try? machine.requireAddresses()) ?? [] }
    }
}
