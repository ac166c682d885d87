import Basics
import Hypervisors
import LuaRuntime
import MachineSpec
import Provisioning
import Records
import Steps

private struct LendArguments: Sendable {
    var vm = SpecReference()
}

/// The primitive that makes the machine of `limiq.with`.
func lend(_ environment: Environment) -> Definition {
    @Sendable func options(_ environment: Environment) -> UpOptions {
        var options = UpChoices().options(environment)
        options.isLent = true
        return options
    }
    let record = Record(
        "limiq.VMLend", "A VM to bring up for a while.", make: LendArguments.init,
        fields: [Field("vm", \.vm, specReference(environment), required: true, "The VM.")])
    return Definition(
        "vm.lend",
        .changes(.machine) { arguments, call in
            let machine = try arguments.vm.machine(call.environment)
            return value(of: try call.lend(machine, arguments.vm.spec, options(call.environment)))
        }, in: .inner, .positional, record, grace: .seconds(60), returns: "limiq.UpReport",
        answers: [upReport, changeRecord], doc: "Brings up a new VM that the run throws away.", example: ""
    ) { arguments, request in
        let machine = try arguments.vm.machine(environment)
        var options = options(environment)
        options.run = try environment.lifetime.begin()
        return try bringUp(machine, arguments.vm, options, environment, request)
    }
}

/// The primitive that removes the machine of `limiq.with`.
func discard(_ environment: Environment) -> Definition {
    .domain(
        "vm.discard", .changes(.machine) { .bool(try $1.discard($0.domain)) }, environment, OnlyDomain.self,
        in: .inner, grace: .seconds(30), returns: "boolean",
        doc: "Removes a VM that the run throws away. Returns whether there was one.", example: ""
    ) { machine, _, request in
        .bool(try machine.remove(ofRun: environment.lifetime.id, cancellation: request.cancellation))
    }
}

/// Brings a machine up, and tells how that ended.
func bringUp(
    _ machine: Machine, _ vm: SpecReference, _ options: UpOptions, _ environment: Environment,
    _ request: Request
) throws -> Value {
    let began = ContinuousClock.Instant.present
    func finished(_ outcome: Progress.Outcome) {
        environment.progress(Progress(.vm(vm.spec.name), .finished(outcome, began.duration(to: .present))))
    }
    do {
        let report = try machine.up(vm.spec, options, cancellation: request.cancellation) {
            environment.progress($0)
        }
        if report.changed, report.hasWayIn {
            let host = (vm.uri ?? environment.connect).map { "--connect \(GuestSSH.line([$0])) " }
            environment.progress(
                Progress(.vm(vm.spec.name), .wayIn("limiq ssh \(host ?? "")\(vm.spec.name)")))
        }
        finished(report.changed ? .up : .unchanged)
        return value(of: report)
    } catch {
        finished(.failed)
        throw error
    }
}
