import Basics
import GuestConfig
import Hypervisors
import MachineSpec
import Provisioning

/// The things that calls about machines have in common.
extension PlannedCall {
    /// A machine as a run would find it, with those gone that it would have removed.
    func machine(_ reference: DomainReference) throws(Failure) -> Machine {
        afterwards(try reference.machine(environment))
    }

    private func afterwards(_ machine: Machine) -> Machine {
        var machine = machine
        machine.gone = Set(
            run.forecasts(on: machine.hypervisor.uri).filter { $0.forecast.spec == nil }.map(\.name))
        return machine
    }

    /// A machine whose domain a run would find.
    func domain(_ reference: DomainReference) throws(Failure) -> Machine {
        let machine = try machine(reference)
        if let forecast = run.forecast(machine) {
            guard forecast.spec != nil else { throw gone(machine) }
        } else {
            try machine.requireDomain()
        }
        return machine
    }

    func gone(_ machine: Machine) -> Failure {
        Failure(
            .notFound, "there is no VM \(machine.name): the script has removed it before",
            resource: machine.name)
    }

    /// Asks a guest that a run would find as it is now; of any other the answer is not known yet.
    func ask(_ reference: DomainReference) throws -> Value {
        let machine = try domain(reference)
        if run.forecast(machine) != nil { return run.guess() }
        return try perform()
    }

    /// Notes a change of a domain.
    ///
    /// - Parameter details: what tells this change from others of its kind.
    func change(
        _ reference: DomainReference, _ what: String, _ details: String...
    ) throws(Failure) -> Value {
        let machine = try domain(reference)
        var step = PlanStep(action: .change, kind: "domain", name: machine.name)
        step.parts = [.init(name: what, detail: details.joined(separator: " "))]
        add(step)
        return .null
    }

    /// Notes that a machine is switched on or off.
    ///
    /// - Returns: whether it was not so already.
    func set(_ reference: DomainReference, running: Bool) throws(Failure) -> Bool {
        let machine = try domain(reference)
        guard try isRunning(machine) != running else { return false }
        add(PlanStep(action: running ? .start : .stop, kind: "vm", name: machine.name))
        var forecast = try forecast(machine)
        (forecast.isRunning, forecast.isPaused, forecast.isSaved) = (running, false, false)
        if !running { forecast.pending = [] }
        run.expect(machine, forecast)
        return true
    }

    /// The machine as a run would find it.
    private func forecast(_ machine: Machine) throws(Failure) -> PlanRun.Forecast {
        if let known = run.forecast(machine) { return known }
        let state = try machine.hypervisor.domain(machine.name)?.state
        var forecast = PlanRun.Forecast(
            spec: try machine.record()?.spec ?? VMSpec(name: machine.name),
            isRunning: state?.isActive ?? false)
        forecast.isPaused = state == .paused
        forecast.isSaved = state == .saved
        return forecast
    }

    /// A machine whose guest a run would find running.
    ///
    /// - Parameter verb: what cannot be done to one that is off.
    func guest(_ reference: DomainReference, _ verb: String) throws(Failure) -> Machine {
        let machine = try domain(reference)
        guard try isRunning(machine) else {
            throw Failure(
                .libvirt, "cannot \(verb) \(machine.name)", resource: machine.name,
                cause: "the domain is not running")
        }
        return machine
    }

    /// Notes that a guest's processors are stopped, or go on.
    func pause(_ reference: DomainReference, _ isPaused: Bool) throws(Failure) -> Value {
        let machine = try guest(reference, isPaused ? "suspend" : "resume")
        let answer = try change(reference, isPaused ? "suspended" : "resumed")
        var forecast = try forecast(machine)
        forecast.isPaused = isPaused
        run.expect(machine, forecast)
        return answer
    }

    /// Notes that a guest's memory is kept, and the guest ended.
    func save(_ reference: DomainReference) throws(Failure) -> Value {
        let machine = try domain(reference)
        var forecast = try forecast(machine)
        guard !forecast.isSaved else { return .null }
        _ = try guest(reference, "save")
        let answer = try change(reference, "saved")
        (forecast.isRunning, forecast.isPaused, forecast.isSaved) = (false, false, true)
        run.expect(machine, forecast)
        return answer
    }

    /// Notes what becomes of a snapshot that a run would find.
    func changeSnapshot(_ reference: DomainReference, _ name: String, _ what: String) throws(Failure) -> Value
    {
        let machine = try domain(reference)
        let isThere: Bool
        if let expected = run.expectedSnapshot(name, of: machine) {
            isThere = expected
        } else if try machine.hypervisor.domain(machine.name) == nil {
            isThere = false
        } else {
            isThere = try machine.snapshots().contains { $0.name == name }
        }
        guard isThere else {
            throw Failure(.notFound, "\(machine.name) has no snapshot \(name)", resource: machine.name)
        }
        return try change(reference, what, name)
    }

    /// The path of an ISO image that a run would find.
    func iso(_ path: String) throws(Failure) -> String {
        let file = try environment.reading(path)
        guard isThere(file) || run.isGuessing else {
            throw Failure(.notFound, "the ISO image \(file) is not there", resource: file)
        }
        return path
    }

    /// Notes that a machine goes.
    ///
    /// - Parameter isWhole: whether all that was made for it goes too.
    /// - Returns: whether there is anything.
    func remove(_ reference: DomainReference, isWhole: Bool) throws(Failure) -> Bool {
        let machine = try machine(reference)
        let forecast = run.forecast(machine)
        if let forecast, forecast.spec == nil { return false }
        var step = PlanStep(action: .remove, kind: "vm", name: machine.name)
        if isWhole {
            let removal = try machine.removal()
            guard forecast != nil || removal != nil else { return false }
            step.parts = (removal ?? []).map {
                .init(name: $0.volume == nil ? "file" : "volume", detail: "\($0)")
            }
        } else if forecast == nil {
            try machine.requireDomain()
        }
        add(step)
        run.expect(machine, PlanRun.Forecast(spec: nil, isRunning: false))
        return true
    }

    /// Notes that a new machine is made for the time of a function.
    func lend(_ machine: Machine, _ spec: VMSpec, _ options: UpOptions) throws(Failure) -> UpReport {
        if run.forecast(machine)?.spec != nil { throw machine.notToLend }
        let report = try bringUp(machine, spec, options)
        run.expectLent(machine)
        return report
    }

    /// Notes that such a machine goes.
    func discard(_ reference: DomainReference) throws(Failure) -> Bool {
        guard run.expectDiscarded(try machine(reference)) else { return false }
        return try remove(reference, isWhole: true)
    }

    // MARK: - up

    func bringUp(_ machine: Machine, _ spec: VMSpec, _ options: UpOptions) throws(Failure) -> UpReport {
        let machine = afterwards(machine)
        guard environment.choices.ask(machine) else { return UpReport() }
        try check(spec, on: machine)
        if options.start { try machine.requireWay(to: options.goal(for: spec), spec) }
        let warnings = try spec.guestFindings(machine.cloudInit).warnings()
        let spec = try settled(spec, of: machine)
        let plan = try plan(machine, spec, options)
        try bringUpNetworks(of: spec, on: machine)
        var step = step(plan, machine, spec, options)
        step.warnings = warnings
        add(step)
        if step.isChange {
            let wasRunning = try isRunning(machine)
            run.expect(
                machine,
                PlanRun.Forecast(
                    spec: spec, isRunning: options.start || wasRunning && plan.action != .replace,
                    pending: plan.pending))
        }
        var report = UpReport()
        report.changed = plan.isChange
        (report.changes, report.pending) = (plan.changes, plan.pending)
        report.forwards = spec.nics.flatMap(\.forward)
        return report
    }

    private func settled(_ spec: VMSpec, of machine: Machine) throws(Failure) -> VMSpec {
        guard let known = run.forecast(machine) else { return try machine.settled(spec) }
        return try machine.settled(spec, after: known.spec)
    }

    private func plan(
        _ machine: Machine, _ spec: VMSpec, _ options: UpOptions
    ) throws(Failure) -> MachinePlan {
        guard let known = run.forecast(machine) else { return try machine.plan(spec, options) }
        guard let earlier = known.spec else { return MachinePlan(action: .make, starts: options.start) }
        return try machine.plan(spec, options, after: earlier, isRunning: known.isRunning)
            .waiting(for: known, options)
    }

    private func isRunning(_ machine: Machine) throws(Failure) -> Bool {
        if let forecast = run.forecast(machine) { return forecast.isRunning }
        return try machine.hypervisor.domain(machine.name)?.state.isActive ?? false
    }

    /// Checks a spec, for which files that a run would have made by then need not be there.
    private func check(_ spec: VMSpec, on machine: Machine) throws(Failure) {
        do throws(Failure) {
            try machine.check(spec)
        } catch {
            guard error.code == .notFound, let path = error.resource, isMade(path) else { throw error }
            try spec.check(.none)
        }
    }
}

extension MachinePlan {
    /// The plan with what the guest did not get from the calls before: it has not started since.
    func waiting(for known: PlanRun.Forecast, _ options: UpOptions) -> MachinePlan {
        guard known.isRunning, action != .replace else { return self }
        var plan = self
        var waiting = known.pending.filter { old in
            !(changes + pending).contains { $0.path == old.path }
        }
        for index in waiting.indices { waiting[index].cause = .pending }
        plan.pending += waiting.filter { $0.kind == .instance || !options.restart }
        let taken = waiting.filter { $0.kind != .instance && options.restart }
        guard !taken.isEmpty else { return plan }
        plan.changes += taken
        (plan.action, plan.restarts) = (.change, true)
        return plan
    }
}
