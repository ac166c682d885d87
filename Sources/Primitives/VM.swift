import Basics
import LuaRuntime
import Provisioning

/// `limiq.vm`: the machine as a spec describes it. `stdlib/limiq/vm.lua` is what a script sees of these.
func vmDefinitions(_ environment: Environment) -> [Definition] {
    let schema = VMSpecSchema.record(environment)
    return [
        Definition(
            "vm.spec", .positional,
            Record("limiq.vm.spec", "", make: { SpecArgument() }, fields: [
                Field("spec", \.value, .any, required: true, "The description, or the API's `{ name, spec }`.")
            ]),
            execution: .inline, returns: "limiq.VMSpec",
            doc: "Checks a description and writes it out in full.",
            example: "local vm = limiq.vm { name = \"web\", memory = \"1GiB\" }"
        ) { arguments, _ in
            schema.encode(try VMSpecSchema.decode(arguments.value, environment))
        },
        Definition(
            "vm.up", .positional,
            Record("limiq.vm.up", "", make: { UpArguments() }, fields: [
                Field("vm", \.vm, .any, required: true, "What `limiq.vm` returned."),
                Field("options", \.options, .record(upOptions), "How far to go."),
            ]),
            grace: .seconds(60),
            returns: "{ changed: boolean, phases: { name: string, seconds: number }[] }",
            doc: "Brings the machine to what its spec says, and does nothing where all is so already.",
            example: "limiq.vm(spec):up { wait = \"cloud-init\", timeout = \"10m\" }"
        ) { arguments, request in
            try up(arguments, environment, request.cancellation)
        },
        Definition(
            "vm.down", .positional,
            Record("limiq.vm.down", "", make: { DownArguments() }, fields: [
                Field("vm", \.handle, .domain, required: true, "What `limiq.vm` returned."),
                Field("options", \.options, .record(timeoutOptions), "How long to wait for the guest."),
            ]),
            doc: "Shuts the guest down; one that has not gone after the timeout is ended.",
            example: "vm:down { timeout = \"2m\" }"
        ) { arguments, request in
            _ = try arguments.handle.machine(environment)
                .down(timeout: arguments.options.timeout ?? .seconds(120), cancellation: request.cancellation)
            return .null
        },
        Definition(
            "vm.remove", .positional, handleRecord("limiq.vm.remove"), grace: .seconds(30),
            doc: "Removes the domain and all that was made for it, nothing else.", example: "vm:remove()"
        ) { handle, request in
            _ = try handle.machine(environment).remove(cancellation: request.cancellation)
            return .null
        },
        Definition(
            "vm.diff", .positional,
            Record("limiq.vm.diff", "", make: { SpecArgument() }, fields: [
                Field("vm", \.value, .any, required: true, "What `limiq.vm` returned.")
            ]),
            returns: "string[]?", doc: "The fields in which the machine differs from its spec; nil where there is no machine.",
            example: "for _, field in ipairs(vm:diff() or {}) do print(field) end"
        ) { arguments, _ in
            let spec = try VMSpecSchema.decode(arguments.value["spec"] ?? .null, environment)
            let machine = try Codec.domain.decode(arguments.value, "vm").machine(environment)
            return try machine.diff(spec).map { .list($0.map { .string($0.description) }) } ?? .null
        },
        Definition(
            "vm.forward", .positional,
            Record("limiq.vm.forward", "", make: { ForwardArguments() }, fields: [
                Field("vm", \.vm, .any, required: true, "What `limiq.vm` returned."),
                Field("port", \.port, .int(1...65535), required: true, "The guest's port."),
                Field("proto", \.proto, .choice(), "tcp unless told."),
            ]),
            execution: .inline, returns: "string",
            doc: "Where a port of the guest is reached from this host: `\"127.0.0.1:8080\"`.",
            example: "print(\"http://\" .. vm:forward(80))"
        ) { arguments, _ in
            let spec = try VMSpecSchema.decode(arguments.vm["spec"] ?? .null, environment)
            let forward = spec.nics.flatMap(\.forward).first { $0.guest == arguments.port && $0.proto == arguments.proto }
            guard let forward else {
                throw Failure(
                    .notFound, "vm \(spec.name) has no forward to port \(arguments.port)",
                    hint: "add it: nics = { { forward = { { host = 8080, guest = \(arguments.port) } } } }",
                    resource: spec.name)
            }
            return .string("127.0.0.1:\(forward.host)")
        },
    ]
}

private struct SpecArgument: Sendable {
    var value = Value.null
}

private struct UpArguments: Sendable {
    var vm = Value.null
    var options = UpOptions()
}

private struct ForwardArguments: Sendable {
    var vm = Value.null
    var port: UInt16 = 0
    var proto = PortForward.Proto.tcp
}

struct TimeoutOptions: Sendable, Equatable {
    var timeout: Duration?
}

let timeoutOptions = Record("limiq.TimeoutOptions", "How long to wait.", make: { TimeoutOptions() }, fields: [
    Field("timeout", \.timeout, .duration, "When to give up.")
])

private struct DownArguments: Sendable {
    var handle = DomainHandle()
    var options = TimeoutOptions()
}

private let upOptions = Record("limiq.UpOptions", "How far `up` goes.", make: { UpOptions() }, fields: [
    Field("start", \.start, .bool, "false only makes it."),
    Field("wait", \.wait, .choice(), "Until what; `\"cloud-init\"` where there is a seed, else `\"running\"`."),
    Field("timeout", \.timeout, .duration, "When to give up waiting; ten minutes unless told."),
    Field("keep", \.keep, .bool, "Leave a new machine for a look when it fails."),
    Field("acceleration", \.acceleration, .choice(), "Ask for one by name; what is proven to work unless told."),
])

/// The schema of a primitive that takes a handle alone.
func handleRecord(_ name: String) -> Record<DomainHandle> {
    Record(name, "", make: { DomainHandle() }, fields: [
        Field("domain", \.self, .domain, required: true, "The domain, or its name.")
    ])
}

private func up(
    _ arguments: UpArguments, _ environment: Environment, _ cancellation: Cancellation
) throws(Failure) -> Value {
    let spec = try VMSpecSchema.decode(arguments.vm["spec"] ?? .null, environment)
    let machine = try Codec.domain.decode(arguments.vm, "vm").machine(environment)
    var options = arguments.options
    options.keep = options.keep || environment.keepsFailed
    let began = ContinuousClock.now
    func finished(_ phase: String) {
        environment.progress(Progress(spec.name, phase, took: began.duration(to: .now), isLast: true))
    }
    let report: UpReport
    do {
        report = try machine.up(spec, options, cancellation: cancellation) { step in
            environment.progress(Progress(step.machine, step.phase, detail: step.detail))
        }
    } catch {
        finished("failed")
        throw error
    }
    finished(report.changed ? "up" : "unchanged")
    return [
        "changed": .bool(report.changed),
        "phases": .list(report.phases.map { ["name": .string($0.name), "seconds": .double($0.duration / .seconds(1))] }),
        "addresses": .list(report.addresses.map(Value.string)),
        "warnings": .list(report.warnings.map(Value.string)),
    ]
}
