import Basics
import GuestConfig
import MachineSpec
import Provisioning

/// The steps by which a plan shows an `up`.
extension PlannedCall {
    func step(
        _ plan: MachinePlan, _ machine: Machine, _ spec: VMSpec, _ options: UpOptions
    ) -> PlanStep {
        var step = PlanStep(action: Self.action(plan), kind: "vm", name: machine.name)
        // What the script has changed before stands in no seed yet.
        let isKnown = run.forecast(machine) == nil
        step.changes = isKnown ? machine.detailed(plan.changes, spec) : plan.changes
        step.pending = isKnown ? machine.detailed(plan.pending, spec) : plan.pending
        if plan.action == .make || plan.action == .replace { step.parts = Self.parts(spec) }
        step.parts += plan.kept.map { .init(name: "disk", detail: "\($0), as it is") }
        step.parts += Self.repairs(plan)
        if plan.dropsMemory { step.parts.append(.init(name: "drop its saved memory", detail: "")) }
        if plan.starts || plan.restarts {
            step.parts.append(
                .init(name: plan.restarts ? "start anew" : "start", detail: Self.wait(spec, options)))
        }
        if plan.resumes { step.parts.append(.init(name: "resume", detail: "")) }
        step.usual = machine.usualTime(of: plan, spec, options, in: environment.usual)
        if step.isChange { step.afterBoot = Self.unknownFields(spec) }
        return step
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
        var parts = spec.partKinds.map { PlanStep.Part(name: "\($0)", detail: detail($0, spec)) }
        for nic in spec.nics {
            let forwards = nic.forward.map { forward in
                let place =
                    forward.host == PortForward.chosen
                    ? "a chosen port" : "\(forward.hostAddress):\(forward.host)"
                return "\(place) → \(forward.guest)/\(forward.proto.rawValue)"
            }
            parts.append(
                .init(
                    name: "nic \(nic.id)",
                    detail: nic.bridge.map { "bridge \($0)" } ?? nic.network.map { Self.words($0, nic) }
                        ?? forwards.joined(separator: ", ")))
        }
        for share in spec.shares ?? [] {
            parts.append(
                .init(
                    name: "share \(share.id)",
                    detail: "\(share.host) at \(share.guest)" + (share.readonly ? ", read only" : "")))
        }
        let processors = spec.cpuCores * spec.cpuSockets * spec.cpuThreadsPerCore
        parts.append(
            .init(name: "domain", detail: "cpus \(processors), memory \(ByteSize(mib: spec.memoryMiB))"))
        return parts
    }

    private static func detail(_ kind: Part.Kind, _ spec: VMSpec) -> String {
        switch kind {
        case .disk(let id):
            guard let disk = spec.disks.first(where: { $0.id == id }) else { return "" }
            let size = disk.sizeGiB == 0 ? "" : "\(ByteSize(gib: disk.sizeGiB))"
            let base = disk.backingFile.map { "on \($0)" } ?? disk.path
            return [size, base ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
        case .cdrom(let id): return spec.cdroms.first { $0.id == id }?.isoPath ?? "made"
        case .seed, .ignition, .console: return ""
        }
    }

    private static func words(_ network: NICNetwork, _ nic: NICSpec) -> String {
        "network \(network.name)" + (nic.address.map { ", \($0)" } ?? "")
    }

    /// The parts that were taken away or spoilt by hand, and come back.
    private static func repairs(_ plan: MachinePlan) -> [PlanStep.Part] {
        var parts = plan.remade.map(\.description).sorted().map {
            PlanStep.Part(name: $0, detail: "made again: it is gone or not whole")
        }
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
        spec.fields(containing: PlanRun.unknown)
    }
}
