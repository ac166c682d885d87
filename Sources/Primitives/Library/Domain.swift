import Basics
import Hypervisors
import MachineSpec
import Provisioning
import Records

/// The primitives of `limiq.domain.*`: domains in libvirt's words.
public func domainDefinitions(_ environment: Environment) -> [Definition] {
    [define(environment), get(environment), list(environment)]
        + domainLifecycleDefinitions(environment) + domainMediaDefinitions(environment)
        + domainSnapshotDefinitions(environment)
        + domainGuestDefinitions(environment)
}

private struct DefineOptions: Sendable {
    var uri: String?
}

private struct DefineArguments: Sendable {
    var spec = VMSpec(name: "")
    var options: DefineOptions?
}

private func define(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.DomainDefineOptions", "Where.", make: DefineOptions.init,
        fields: [Field("uri", \.uri, .string, "The hypervisor; the run's own where left out.")])
    let record = Record(
        "limiq.DomainDefine", "A domain to define.", make: DefineArguments.init,
        fields: [
            Field("spec", \.spec, .vmSpec(environment), required: true, "What it is to be."),
            Field("options", \.options, .record(options), "Where."),
        ])
    return Definition(
        "domain.define",
        .changes(.machine) { arguments, call in
            let machine = try call.environment.machine(arguments.spec.name, on: arguments.options?.uri)
            var options = UpOptions()
            options.start = false
            _ = try call.bringUp(machine, arguments.spec, options)
            return DomainReference.handle(machine)
        }, .positional, record, grace: .seconds(60),
        returns: "limiq.Domain",
        doc: """
            Makes a domain, with the disks and the seed its spec asks for, and leaves it off. Does nothing where it is \
            there already as the spec says.
            """,
        example: """
            local limiq = require "limiq"
            local domain = limiq.domain.define { name = "web-01", memory = "512MiB" }
            """
    ) { arguments, request in
        let machine = try environment.machine(arguments.spec.name, on: arguments.options?.uri)
        var options = UpOptions()
        options.start = false
        options.ownRun = environment.lifetime.id
        guard environment.choices.ask(machine) else { return DomainReference.handle(machine) }
        if environment.choices.throwsAway { options.run = try environment.lifetime.begin() }
        _ = try machine.up(
            arguments.spec, options, cancellation: request.cancellation
        ) { environment.progress($0) }
        return DomainReference.handle(machine)
    }
}

private struct GetArguments: Sendable {
    var name = ""
    var uri: String?
}

private func get(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.DomainGet", "A domain to look up.", make: GetArguments.init,
        fields: [
            Field("name", \.name, .string, required: true, "Its name."),
            Field("uri", \.uri, .string, "The hypervisor; the run's own where left out."),
        ])
    return Definition(
        "domain.get",
        .reads(.machine) { arguments, call in
            let reference = DomainReference(name: arguments.name, uri: arguments.uri)
            return DomainReference.handle(try call.domain(reference))
        }, .positional, record, returns: "limiq.Domain",
        doc: "Finds a domain by its name, made by limiq or not. An error where there is none.",
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):state())
            """
        ,
        check: { arguments, _ in ["name": .string(arguments.name)] }
    ) { arguments, _ in
        let machine = try environment.machine(arguments.name, on: arguments.uri)
        _ = try machine.info(withGuest: false)
        return DomainReference.handle(machine)
    }
}

private struct ListArguments: Sendable {
    var state: String?
    var prefix = ""
    var ours = false
    var labels: [String: String] = [:]
    var uri: String?
}

private func list(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.DomainFilter", "Which domains.", make: ListArguments.init,
        fields: [
            Field(
                "state", \.state, .string,
                "Only those in this state: `running`, `shut off`, `saved`, `paused`."),
            Field("prefix", \.prefix, .string, "Only those whose name begins so."),
            Field("ours", \.ours, .bool, "Only those limiq made."),
            Field(
                "labels", \.labels, .dictionary(of: .string), "Only those limiq made with all these labels."),
            Field("uri", \.uri, .string, "The hypervisor; the run's own where left out."),
        ])
    return Definition(
        "domain.list", .reads(.host, plan: planList), .table, record, returns: "limiq.Domain[]",
        doc: "The domains of the hypervisor by name, each with its state and UUID.",
        example: """
            local limiq = require "limiq"
            for _, domain in ipairs(limiq.domain.list { state = "running" }) do print(domain.name) end
            """
    ) { arguments, _ in
        let hypervisor = try environment.hypervisor(arguments.uri)
        var handles: [Value] = []
        for domain in try hypervisor.domains().sorted(by: { $0.name < $1.name })
        where domain.name.hasPrefix(arguments.prefix)
            && (arguments.state ?? domain.state.rawValue) == domain.state.rawValue
        {
            let machine = Machine(domain.name, on: hypervisor, state: environment.state)
            if arguments.ours || !arguments.labels.isEmpty {
                // One that goes away meanwhile is none of ours.
                guard let labels = ((try? machine.ownRecord(of: domain)) ?? nil)?.spec.labels,
                    arguments.labels.allSatisfy({ labels[$0.key] == $0.value })
                else { continue }
            }
            handles.append([
                "name": .string(domain.name), "uri": .string(hypervisor.uri), "uuid": .string(domain.uuid),
                "state": .string(domain.state.rawValue),
            ])
        }
        return .list(handles)
    }
}

/// The answer of a plan: with the machines that a run would have made by then, and without those it would have removed.
private func planList(_ arguments: ListArguments, _ call: PlannedCall) throws -> Value {
    let uri = try call.environment.hypervisor(arguments.uri).uri
    let expected = call.run.forecasts(on: uri)
    var handles = (try call.perform().list ?? []).filter { handle in
        !expected.contains { $0.name == handle["name"]?.string }
    }
    for (name, forecast) in expected where name.hasPrefix(arguments.prefix) {
        guard let spec = forecast.spec,
            arguments.labels.allSatisfy({ spec.labels[$0.key] == $0.value })
        else { continue }
        let state = forecast.state.rawValue
        guard arguments.state ?? state == state else { continue }
        handles.append(["name": .string(name), "uri": .string(uri), "state": .string(state)])
    }
    return .list(handles.sorted { ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "") })
}
