import Basics
import LuaRuntime
import Provisioning

extension PlanRun {
    static let machineWays: [String: Way] = [
        "vm.up": { run, call in
            let arguments = try upRecord(run.environment).decode(positional: call.request.arguments)
            let options = (arguments.options ?? UpChoices()).options(run.environment)
            return try run.bringUp(
                try arguments.vm.machine(run.environment), arguments.vm.spec, options, call)
        },
        "domain.define": { run, call in
            let spec = try Codec<VMSpec>.vmSpec(run.environment).decode(call.argument(0), "spec")
            let machine = try run.environment.machine(spec.name, on: call.argument(1)["uri"]?.string)
            var options = UpOptions()
            options.start = false
            _ = try run.bringUp(machine, spec, options, call)
            return DomainReference.handle(machine)
        },
        "vm.preflight": { run, call in
            do { return try call.perform() } catch let failure as Failure {
                // Files that a run would have made by then need not be there.
                guard failure.code == .notFound, let path = failure.resource,
                    run.expected(path).flatMap(\.self) != nil
                else { throw failure }
                return []
            }
        },
        "vm.diff": { run, call in
            let vm = try specReference(run.environment).decode(call.argument(0), "vm")
            let machine = try vm.machine(run.environment)
            guard let forecast = run.forecast(machine) else { return try call.perform() }
            guard let earlier = forecast.spec else {
                return [["path": "name", "wanted": .string(vm.spec.name), "kind": "make", "cause": "script"]]
            }
            var options = UpOptions()
            options.replace = true
            let plan = try machine.plan(
                vm.spec, options, after: earlier, isRunning: forecast.isRunning)
            return .list((plan.changes + plan.pending).map(value))
        },
        "vm.remove": { try $0.remove($1) },
        "domain.undefine": { run, call in
            _ = try run.remove(call)
            return .null
        },
        "vm.down": { .bool(try $0.set($1, running: false, .stop)) },
        "domain.shutdown": { try $0.set($1, running: false, .stop, .null) },
        "domain.destroy": { try $0.set($1, running: false, .stop, .null) },
        "domain.suspend": { try $0.changeDomain($1, "suspended") },
        "domain.resume": { try $0.changeDomain($1, "resumed") },
        "domain.reboot": { try $0.changeDomain($1, "booted again") },
        "domain.reset": { try $0.changeDomain($1, "booted again") },
        "domain.start": { try $0.set($1, running: true, .start, .null) },
        "domain.attach_cdrom": { try $0.changeDomain($1, "gets a CD-ROM", 1) },
        "domain.insert_media": { try $0.changeDomain($1, "gets a medium", 2) },
        "domain.eject_media": { try $0.changeDomain($1, "loses a medium", 1) },
        "domain.detach_cdrom": { try $0.changeDomain($1, "loses a CD-ROM", 1) },
        "domain.write_file": { try $0.changeDomain($1, "gets a file", 1) },
        "domain.send_keys": { try $0.changeDomain($1, "gets keys", 1) },
        "domain.snapshot": { try $0.changeDomain($1, "gets a snapshot", 1) },
        "domain.revert": { try $0.changeDomain($1, "goes back to a snapshot", 1) },
        "domain.delete_snapshot": { try $0.changeDomain($1, "loses a snapshot", 1) },
        "domain.snapshots": { run, call in
            let machine = try run.machine(call)
            // A VM that is not made yet has none.
            return run.forecast(machine) == nil ? try call.perform() : []
        },
        "domain.exec": { run, call in
            let machine = try run.machine(call)
            let words = (call.argument(1)["command"] ?? call.argument(1)).list ?? []
            let text = words.map { shown($0) }.joined(separator: " ")
            var step = PlanStep(action: .run, kind: "program", name: machine.name)
            step.parts = [PlanStep.Part(name: "runs", detail: text)]
            step.afterBoot = ["its answer"]
            run.add(step, call.request)
            return ["code": 0, "stdout": run.guess(), "stderr": ""]
        },
        "domain.wait": { _, _ in .null },
        "domain.screenshot": { run, call in
            _ = try run.domain(call)
            return try run.writeFile(call.argument(1), call)
        },
        "domain.get": { run, call in
            let machine = try run.environment.machine(
                call.argument(0).string ?? "", on: call.argument(1).string)
            guard let forecast = run.forecast(machine) else { return try call.perform() }
            guard forecast.spec != nil else { throw gone(machine) }
            return DomainReference.handle(machine)
        },
        "domain.list": { try $0.list($1) },
        "domain.state": { run, call in
            let machine = try run.machine(call)
            guard let forecast = run.forecast(machine) else { return try call.perform() }
            guard forecast.spec != nil else { throw gone(machine) }
            return .string(
                (forecast.isRunning ? DomainState.running : .shutOff).rawValue)
        },
        "vm.forward": { run, call in
            let machine = try run.machine(call)
            guard let forecast = run.forecast(machine) else { return try call.perform() }
            guard let spec = forecast.spec else { throw gone(machine) }
            let port = try Codec<UInt16>.int(1...65535).decode(call.argument(1), "port")
            let proto = PortForward.Proto(rawValue: call.argument(2).string ?? "tcp") ?? .tcp
            return .string(
                try machine.endpoint(
                    ofGuestPort: port, proto: proto, of: spec,
                    pending: forecast.isRunning ? forecast.pending : []))
        },
        "domain.address": { try $0.ask($1) },
        "domain.console": { try $0.ask($1) },
        "domain.xml": { try $0.ask($1) },
        "domain.read_file": { try $0.ask($1) },
    ]

    private static func gone(_ machine: Machine) -> Failure {
        Failure(
            .notFound, "there is no VM \(machine.name): the script has removed it before",
            resource: machine.name)
    }

    private func machine(_ call: PlannedCall) throws(Failure) -> Machine {
        afterwards(
            try Codec<DomainReference>.domain.decode(call.argument(0), "domain").machine(environment))
    }

    /// A VM as a run would find it, with those gone that it would have removed.
    private func afterwards(_ machine: Machine) -> Machine {
        var machine = machine
        machine.gone = Set(
            forecasts(on: machine.hypervisor.uri).filter { $0.forecast.spec == nil }.map(\.name))
        return machine
    }

    /// Asks a guest that a run would find as it is now; of any other the answer is not known yet.
    private func ask(_ call: PlannedCall) throws -> Value {
        let machine = try machine(call)
        if forecast(machine) != nil { return guess() }
        return try call.perform()
    }

    // MARK: - up

    private func bringUp(
        _ machine: Machine, _ spec: VMSpec, _ options: UpOptions, _ call: PlannedCall
    ) throws(Failure) -> Value {
        let machine = afterwards(machine)
        try check(spec, on: machine)
        if options.start { try machine.requireWay(to: options.goal(for: spec), spec) }
        try CloudInitCheck.requireNoErrors(in: spec.cloudInitFindings)
        let earlier = forecast(machine)
        let plan: MachinePlan
        switch earlier {
        case let known? where known.spec == nil:
            plan = MachinePlan(action: .make, starts: options.start)
        case let known?:
            plan = try machine.plan(
                spec, options, after: known.spec ?? spec, isRunning: known.isRunning
            ).waiting(for: known, options)
        case nil: plan = try machine.plan(spec, options)
        }
        var step = PlanStep(action: Self.action(plan), kind: "vm", name: machine.name)
        step.changes = plan.changes
        step.pending = plan.pending
        if plan.action == .make || plan.action == .replace { step.parts = Self.parts(spec) }
        step.parts += plan.kept.map { .init(name: "disk", detail: "\($0), as it is") }
        step.parts += Self.repairs(plan)
        if plan.dropsMemory { step.parts.append(.init(name: "drop its saved memory", detail: "")) }
        if plan.starts || plan.restarts {
            step.parts.append(
                .init(name: plan.restarts ? "start anew" : "start", detail: Self.wait(spec, options)))
        }
        if plan.resumes { step.parts.append(.init(name: "resume", detail: "")) }
        if step.isChange { step.afterBoot = Self.unknownFields(spec) }
        add(step, call.request)
        if step.isChange {
            let wasRunning = try isRunning(machine)
            expect(
                machine,
                Forecast(
                    spec: spec, isRunning: options.start || wasRunning && plan.action != .replace,
                    pending: plan.pending))
        }
        var report = UpReport()
        report.changed = plan.isChange
        (report.changes, report.pending) = (plan.changes, plan.pending)
        report.forwards = spec.nics.flatMap(\.forward)
        return value(of: report)
    }

    private func isRunning(_ machine: Machine) throws(Failure) -> Bool {
        if let forecast = forecast(machine) { return forecast.isRunning }
        return try machine.hypervisor.domain(machine.name)?.state.isActive ?? false
    }

    /// Files that a run would have made by then need not be there.
    private func check(_ spec: VMSpec, on machine: Machine) throws(Failure) {
        do throws(Failure) {
            try spec.check(machine.isLocal ? .all : .sent)
        } catch {
            guard error.code == .notFound, let path = error.resource, let expected = expected(path),
                expected != nil
            else { throw error }
            try spec.check(.none)
        }
    }

    private static func action(_ plan: MachinePlan) -> PlanStep.Action {
        switch plan.action {
        case .make: .make
        case .adopt: .adopt
        case .replace: .replace
        case .change: .change
        case .none: plan.starts ? .start : plan.restarts ? .restart : plan.resumes ? .start : .none
        }
    }

    private static func parts(_ spec: VMSpec) -> [PlanStep.Part] {
        var parts: [PlanStep.Part] = []
        for disk in spec.disks {
            let size = disk.sizeGiB == 0 ? "" : "\(ByteSize(gib: disk.sizeGiB))"
            let base = disk.backingFile.map { "on \($0)" } ?? disk.path
            parts.append(
                .init(
                    name: "disk \(disk.id)",
                    detail: [size, base ?? ""].filter { !$0.isEmpty }.joined(separator: " ")))
        }
        if spec.cloudInit != nil { parts.append(.init(name: "seed", detail: "")) }
        for cdrom in spec.cdroms {
            parts.append(.init(name: "cdrom \(cdrom.id)", detail: cdrom.isoPath ?? "made"))
        }
        for nic in spec.nics {
            let forwards = nic.forward.map { "127.0.0.1:\($0.host) → \($0.guest)/\($0.proto.rawValue)" }
            parts.append(
                .init(
                    name: "nic \(nic.id)",
                    detail: nic.bridge.map { "bridge \($0)" } ?? nic.network.map { "network \($0)" }
                        ?? forwards.joined(separator: ", ")))
        }
        let processors = spec.cpuCores * spec.cpuSockets * spec.cpuThreadsPerCore
        parts.append(
            .init(name: "domain", detail: "cpus \(processors), memory \(ByteSize(mib: spec.memoryMiB))"))
        return parts
    }

    /// What was taken away or spoilt by hand, and comes back.
    private static func repairs(_ plan: MachinePlan) -> [PlanStep.Part] {
        let lost = plan.remade
        var parts = [
            ("seed", lost.seed), ("media", lost.media), ("ignition", lost.ignition),
            ("console log", lost.console),
        ].filter(\.1).map { PlanStep.Part(name: $0.0, detail: "made again: it is gone or not whole") }
        if plan.redefines {
            parts.append(.init(name: "domain", detail: "defined again: it was undefined while it runs"))
        }
        return parts
    }

    private static func wait(_ spec: VMSpec, _ options: UpOptions) -> String {
        let goal = options.goal(for: spec)
        return goal == .running ? "" : "and wait for \(goal.rawValue)"
    }

    /// The fields with an answer in them that is not known yet.
    private static func unknownFields(_ spec: VMSpec) -> [String] {
        spec.fieldTexts.filter { $0.value.contains(unknown) }.map(\.key).sorted()
    }

    // MARK: - other changes

    private func remove(_ call: PlannedCall) throws(Failure) -> Value {
        let machine = try machine(call)
        let forecast = forecast(machine)
        if let forecast, forecast.spec == nil { return false }
        let isWhole = call.request.name == "vm.remove" || call.argument(1)["files"]?.bool == true
        var step = PlanStep(action: .remove, kind: "vm", name: machine.name)
        if isWhole {
            let removal = try machine.removal()
            guard forecast != nil || removal != nil else { return false }
            step.parts = (removal?.files ?? []).map { .init(name: "file", detail: $0) }
            step.parts += (removal?.volumes ?? []).map {
                .init(name: "volume", detail: "\($0.pool)/\($0.name)")
            }
        } else if forecast == nil {
            try machine.requireDomain()
        }
        add(step, call.request)
        expect(machine, Forecast(spec: nil, isRunning: false))
        return true
    }

    private func set(
        _ call: PlannedCall, running: Bool, _ action: PlanStep.Action
    ) throws(Failure) -> Bool {
        let machine = try machine(call)
        var forecast = forecast(machine)
        if let forecast, forecast.spec == nil { throw Self.gone(machine) }
        if forecast == nil { try machine.requireDomain() }
        guard try isRunning(machine) != running else { return false }
        add(PlanStep(action: action, kind: "vm", name: machine.name), call.request)
        if forecast == nil {
            let spec = try machine.record()?.spec ?? VMSpec(name: machine.name)
            forecast = Forecast(spec: spec, isRunning: running)
        }
        forecast?.isRunning = running
        if !running { forecast?.pending = [] }
        if let forecast { expect(machine, forecast) }
        return true
    }

    private func set(
        _ call: PlannedCall, running: Bool, _ action: PlanStep.Action, _ answer: Value
    ) throws(Failure) -> Value {
        _ = try set(call, running: running, action)
        return answer
    }

    /// A machine whose domain a run would find.
    private func domain(_ call: PlannedCall) throws(Failure) -> Machine {
        let machine = try machine(call)
        if let forecast = forecast(machine) {
            guard forecast.spec != nil else { throw Self.gone(machine) }
        } else {
            try machine.requireDomain()
        }
        return machine
    }

    /// - Parameter count: how many of the arguments behind the domain tell what it is.
    private func changeDomain(
        _ call: PlannedCall, _ what: String, _ count: Int = 0
    ) throws(Failure) -> Value {
        let machine = try domain(call)
        let words = (1..<(1 + count)).map(call.argument).compactMap { argument -> String? in
            argument.string
                ?? argument["id"]?.string.map { id in
                    [id, argument["iso_path"]?.string].compactMap(\.self).joined(separator: " ")
                }
        }
        var step = PlanStep(action: .change, kind: "domain", name: machine.name)
        step.parts = [.init(name: what, detail: words.joined(separator: " "))]
        add(step, call.request)
        return .null
    }

    private func list(_ call: PlannedCall) throws -> Value {
        let filter = call.argument(0)
        let uri = try environment.hypervisor(filter["uri"]?.string).uri
        let expected = forecasts(on: uri)
        var handles = (try call.perform().list ?? []).filter { handle in
            !expected.contains { $0.name == handle["name"]?.string }
        }
        let prefix = filter["prefix"]?.string ?? ""
        let labels = filter["labels"]?.map ?? Map()
        for (name, forecast) in expected where name.hasPrefix(prefix) {
            guard let spec = forecast.spec,
                labels.entries.allSatisfy({ spec.labels[$0.key] == $0.value.string })
            else { continue }
            let state = (forecast.isRunning ? DomainState.running : .shutOff).rawValue
            guard filter["state"]?.string ?? state == state else { continue }
            handles.append(["name": .string(name), "uri": .string(uri), "state": .string(state)])
        }
        return .list(handles.sorted { ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "") })
    }
}

extension MachinePlan {
    /// With what the guest did not get from the calls before: it has not started since.
    fileprivate func waiting(for known: PlanRun.Forecast, _ options: UpOptions) -> MachinePlan {
        guard known.isRunning, action != .replace else { return self }
        var plan = self
        var waiting = known.pending.filter { old in
            !(changes + pending).contains { $0.path == old.path }
        }
        for index in waiting.indices { waiting[index].cause = .pending }
        guard !waiting.isEmpty, options.restart else {
            plan.pending += waiting
            return plan
        }
        plan.changes += waiting
        (plan.action, plan.restarts) = (.change, true)
        return plan
    }
}
