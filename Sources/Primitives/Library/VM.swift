import Basics
import LuaRuntime
import MachineSpec
import Provisioning
import Records
import Steps

/// The primitives of `limiq.vm.*`: what the machine handle's methods call. `vm` is `{ spec = …, uri = … }` for what
/// compares with the spec, and a name or a handle for the rest.
public func vmDefinitions(_ environment: Environment) -> [Definition] {
    [
        check(environment), problem(environment), preflight(environment), up(environment), diff(environment),
        down(environment),
        remove(environment), lend(environment), discard(environment), forward(environment),
        macAddress(environment), diskSerial(environment), vmAddress(environment), optionNames(),
    ]
}

struct SpecReference: Sendable, Equatable {
    var spec = VMSpec(name: "")
    var uri: String?

    func machine(_ environment: Environment) throws(Failure) -> Machine {
        try environment.machine(spec, on: uri)
    }
}

/// A handle with its spec. It carries methods and fields of its own: only the two that matter are read.
func specReference(_ environment: Environment) -> Codec<SpecReference> {
    let codec = Codec<VMSpec>.vmSpec(environment)
    return Codec("limiq.VM", records: codec.records) { value, path throws(Failure) in
        guard let spec = value["spec"] else { throw noSpec(path, value) }
        return SpecReference(spec: try codec.decode(spec, "spec"), uri: value["uri"]?.string)
    } encode: {
        ["spec": codec.encode($0.spec)]
    }
}

/// The failure of a value that is not what `limiq.vm` gives.
private func noSpec(_ path: String, _ value: Value) -> Failure {
    let name = value.string ?? value["name"]?.string
    let way = name.map { "limiq.vm { name = \"\($0)\", … }" }
    // A handle of the fleet's, of a machine that its count leaves out.
    if let name, value["domain"] != nil {
        return Failure(
            .badField, "vm \(name) is known by its name alone, and not what it is to be",
            hint: way.map { "describe it: \($0)" })
    }
    return wrongType(
        path, expected: "what limiq.vm gives", got: value,
        hint: way ?? (value.map == nil ? nil : "call its methods with a colon, as in \(path):up { … }"))
}

private struct CheckArguments: Sendable {
    var spec = VMSpec(name: "")
    var uri: String?
}

private func check(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMCheck", "A spec to look at.", make: CheckArguments.init,
        fields: [
            Field("spec", \.spec, .vmSpec(environment), required: true, "What the VM is to be."),
            Field("uri", \.uri, .string, "Its host."),
        ])
    return Definition(
        "vm.check", .pure, in: .inner, .positional, record, returns: "limiq.VMSpec",
        doc:
            "Reads a spec strictly and returns it complete: every field with its full name, every path absolute.",
        example: """
            local limiq = require "limiq"
            print(limiq.vm { name = "web-01", memory = "4GiB" }.spec.memory_mib)
            """
    ) { arguments, _ in
        try environment.addressBook.note(arguments.spec, on: arguments.uri)
        return Codec<VMSpec>.vmSpec(environment).encode(arguments.spec)
    }
}

private struct ProblemArguments: Sendable {
    var fields = Map()
}

/// What is wrong with the fields that a recipe makes of a machine, before the machine is known.
private func problem(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMProblem", "", make: ProblemArguments.init,
        fields: [Field("fields", \.fields, .fields, required: true, "Some fields of a spec, and a name.")])
    return Definition(
        "vm.problem", .pure, in: .inner, .positional, record, returns: "{ message: string, hint?: string }?",
        doc: "The first thing that is wrong with some fields of a spec; nil where nothing is.", example: ""
    ) { arguments, _ in
        do throws(Failure) {
            _ = try Codec<VMSpec>.vmSpec(environment).decode(.map(arguments.fields), "spec")
            return .null
        } catch {
            var answer: Map = ["message": .string(error.message)]
            if let hint = error.hint { answer.append("hint", .string(hint)) }
            return .map(answer)
        }
    }
}

private struct PreflightArguments: Sendable {
    var vm = SpecReference()
}

private func preflight(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMPreflight", "A VM that is to be made.", make: PreflightArguments.init,
        fields: [Field("vm", \.vm, specReference(environment), required: true, "The VM.")])
    return Definition(
        "vm.preflight",
        .reads(.machine) { _, call in
            do { return try call.perform() } catch let failure as Failure {
                // Files that a run would have made by then need not be there.
                guard failure.code == .notFound, let path = failure.resource, call.isMade(path) else {
                    throw failure
                }
                return []
            }
        }, .positional, record, returns: "string[]",
        doc: """
            Whether the VM could be made as its spec says, as far as can be told beforehand: its images, its cloud-init, \
            its ports. An error where it could not; else what a guest would pass over. Nothing is made, and a VM of this \
            name that is there stays as it is.
            """,
        example: """
            local limiq = require "limiq"
            limiq.vm { name = "web-01", disks = { { size = "1GiB" } } }:preflight()
            """
    ) { arguments, _ in
        .list(try arguments.vm.machine(environment).preflight(arguments.vm.spec).map(Value.string))
    }
}

struct UpChoices: Sendable {
    var start = true
    var wait: Goal?
    var timeout = Duration.seconds(600)
    var deadline: Duration?
    var keep = false
    var restart = false
    var replace = false
    var acceptBase = false
    var acceleration: Acceleration?

    func options(_ environment: Environment) -> UpOptions {
        var options = UpOptions()
        options.start = start
        options.wait = wait
        options.timeout = timeout
        options.deadline = deadline
        options.keep = keep || environment.choices.keepsFailed
        options.restart = restart || environment.choices.restarts
        options.replace = replace || environment.choices.replaces
        options.acceptBase = acceptBase
        options.ownRun = environment.lifetime.id
        options.acceleration = acceleration
        return options
    }
}

struct UpArguments: Sendable {
    var vm = SpecReference()
    var options: UpChoices?
}

let timeoutDoc =
    "The longest silence; 10 minutes where left out. It starts anew while the guest gets on: a line on its console that is new, its agent, its disks or processors at work."
let deadlineDoc = "The end of the whole, whatever the guest does; none where left out."

private let upOptions = Record(
    "limiq.UpOptions", "How to go about it.", make: UpChoices.init,
    fields: [
        Field("start", \.start, .bool, "Start it; true where left out."),
        Field("wait", \.wait, .choice(), "What for; cloud-init where there is a seed, else running."),
        Field("timeout", \.timeout, .duration, timeoutDoc),
        Field("deadline", \.deadline, .duration, deadlineDoc),
        Field("keep", \.keep, .bool, "Leave a new VM for a look when it fails."),
        Field(
            "restart", \.restart, .bool,
            "Start the guest anew where a change takes effect only then; one that is saved loses its memory for it."
        ),
        Field(
            "replace", \.replace, .bool,
            "Make the VM anew where it cannot become what its spec says otherwise: its disks are thrown away."
        ),
        Field(
            "accept_base", \.acceptBase, .bool,
            "Take an image that a disk stands on and that is not what it was for the same: it was copied or touched."
        ),
        Field(
            "acceleration", \.acceleration, .choice(), "`kvm` or `emulation`; what works where left out."),
    ])

func upRecord(_ environment: Environment) -> Record<UpArguments> {
    return Record(
        "limiq.VMUp", "A VM to bring up.", make: UpArguments.init,
        fields: [
            Field("vm", \.vm, specReference(environment), required: true, "The VM."),
            Field("options", \.options, .record(upOptions), "How to go about it."),
        ])
}

private func up(_ environment: Environment) -> Definition {
    Definition(
        "vm.up",
        .changes(.machine) { arguments, call in
            let options = (arguments.options ?? UpChoices()).options(call.environment)
            let machine = try arguments.vm.machine(call.environment)
            return value(of: try call.bringUp(machine, arguments.vm.spec, options))
        }, .positional, upRecord(environment), grace: .seconds(60),
        returns: "limiq.UpReport", answers: [upReport, changeRecord],
        doc: """
            Brings the VM to what its spec says: makes what is missing, changes what differs, starts it, waits for it; does \
            nothing where all is so already. What a running guest takes only at its next start is in the report's \
            `pending`, unless `restart` is true. A new VM that fails is removed again; one that runs and is only not ready in \
            time is left, and the next `up` goes on waiting.
            """,
        example: """
            local limiq = require "limiq"
            local vm = limiq.vm { name = "web-01", disks = { { size = "1GiB" } } }
            vm:up { wait = "running" }
            """
        ,
        check: { arguments, call in
            let options = (arguments.options ?? UpChoices()).options(call.environment)
            call.run.checkWay(arguments.vm.spec, options, call.request)
            var report = UpReport()
            report.changed = true
            return value(of: report)
        }
    ) { arguments, request in
        var options = (arguments.options ?? UpChoices()).options(environment)
        let machine = try arguments.vm.machine(environment)
        guard environment.choices.ask(machine) else { return value(of: UpReport()) }
        if environment.choices.throwsAway { options.run = try environment.lifetime.begin() }
        return try bringUp(machine, arguments.vm, options, environment, request)
    }
}

let upReport = RecordDescription(
    name: "limiq.UpReport", doc: "What `up` has done.",
    fields: [
        .init("changed", "boolean", "Something was done."),
        .init("changes", "limiq.Change[]", "What was done to a VM that was there."),
        .init(
            "pending", "limiq.Change[]", "What the guest gets at its next start only, or as another instance."
        ),
        .init("phases", "{ name: string, seconds: number }[]", "What took time, in order."),
        .init("addresses", "string[]", "The guest's own, where it was waited for."),
        .init("forwards", "limiq.PortForward[]", "The ports of the host that lead to the guest."),
        .init("warnings", "string[]", "What a person should know."),
    ])

let changeRecord = RecordDescription(
    name: "limiq.Change",
    doc: """
        A field in which a VM differs from its spec. `kind` is what it takes: `live` (done at once), `restart` (when the \
        guest starts anew), `instance` (when the seed names another instance-id, as cloud-init runs once for each), `replace` \
        (when the VM is made anew), `make` (the VM is not there). `cause` is `script`, `drift` \
        (changed by hand) or `pending` (taken already, and not by the running guest).
        """,
    fields: [
        .init("path", "string", "As in a script: `disks[1].size_gib`."),
        .init("current", "string", "What the VM has.", isRequired: false),
        .init("wanted", "string", "What the spec says.", isRequired: false),
        .init("lines", "string[]", "The lines in which a document differs, in a plan.", isRequired: false),
        .init("kind", #""live"|"restart"|"instance"|"replace"|"make""#, "What it takes."),
        .init("cause", #""script"|"drift"|"pending""#, "Where it comes from."),
        .init("reason", "string", "Why a running guest does not take it.", isRequired: false),
    ])

/// The value `vm.up` answers with, in a run, a plan and a check.
func value(of report: UpReport) -> Value {
    let phases = report.phases.map { phase -> Value in
        ["name": .string(phase.step.word), "seconds": Codec<Duration>.duration.encode(phase.duration)]
    }
    return [
        "changed": .bool(report.changed), "changes": .list(report.changes.map(value)),
        "pending": .list(report.pending.map(value)), "phases": .list(phases),
        "addresses": .list(report.addresses.map(Value.string)),
        "forwards": .list(report.forwards.map(value)), "warnings": .list(report.warnings.map(Value.string)),
    ]
}

/// The value of a change, as scripts and `limiq plan --json` have it.
func value(of change: Change) -> Value {
    var map: Map = ["path": .string(change.path)]
    if let current = change.current { map.append("current", .string(current.text)) }
    if let wanted = change.wanted { map.append("wanted", .string(wanted.text)) }
    if !change.lines.isEmpty { map.append("lines", .list(change.lines.map(Value.string))) }
    map.append("kind", .string(change.kind.rawValue))
    map.append("cause", .string(change.cause.rawValue))
    if let reason = change.reason { map.append("reason", .string(reason)) }
    return .map(map)
}

private func value(of forward: PortForward) -> Value {
    var map: Map = [
        "host": .int(Int64(forward.host)), "guest": .int(Int64(forward.guest)),
        "proto": .string(forward.proto.rawValue),
    ]
    if let bind = forward.bind { map.append("bind", .string(bind)) }
    return .map(map)
}

private struct DiffArguments: Sendable {
    var vm = SpecReference()
}

private func diff(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMDiff", "A VM to compare with its spec.", make: DiffArguments.init,
        fields: [Field("vm", \.vm, specReference(environment), required: true, "The VM.")])
    return Definition(
        "vm.diff", .reads(.machine, plan: planDiff), .positional, record,
        returns: "limiq.Change[]", answers: [changeRecord],
        doc: """
            The fields in which the VM differs from its spec, and what `up` would have to do: `kind` is `live` (done at \
            once), `restart` (when the guest starts anew), `instance` (when the seed names another instance-id) or `replace` \
            (when the VM is made anew); `cause` is `script`, \
            `drift` (changed by hand) or `pending` (taken already, and not by the running guest). One entry with the path \
            `name` and the kind `make` where the VM is not there.
            """,
        example: """
            local limiq = require "limiq"
            local vm = limiq.vm { name = "web-01", memory = "1GiB" }
            for _, field in ipairs(vm:diff()) do print(field.path, field.current, field.wanted) end
            """
    ) { arguments, _ in
        let spec = arguments.vm.spec
        guard let changes = try arguments.vm.machine(environment).diff(spec) else {
            return makes(spec)
        }
        return .list(changes.map(value))
    }
}

/// The difference of a machine that is not there.
private func makes(_ spec: VMSpec) -> Value {
    [["path": "name", "wanted": .string(spec.name), "kind": "make", "cause": "script"]]
}

private func planDiff(_ arguments: DiffArguments, _ call: PlannedCall) throws -> Value {
    let spec = arguments.vm.spec
    let machine = try arguments.vm.machine(call.environment)
    guard let forecast = call.run.forecast(machine) else { return try call.perform() }
    guard let earlier = forecast.spec else { return makes(spec) }
    var options = UpOptions()
    options.replace = true
    let plan = try machine.plan(spec, options, after: earlier, isRunning: forecast.isRunning)
        .waiting(for: forecast, options)
    return .list((plan.changes + plan.pending).map(value))
}

private struct DownOptions: Sendable {
    var timeout = Duration.seconds(60)
}

private struct DownArguments: DomainArguments {
    var domain = DomainReference()
    var options: DownOptions?
}

private func down(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.DownOptions", "How long.", make: DownOptions.init,
        fields: [Field("timeout", \.timeout, .duration, "Until it is ended at once; 60 s where left out.")])
    return .domain(
        "vm.down", .changes(.machine) { .bool(try $1.set($0.domain, running: false)) }, environment,
        DownArguments.self,
        fields: [Field("options", \.options, .record(options), "How long.")], returns: "boolean",
        doc: "Asks the guest to shut down, and ends it after the timeout. Returns whether it was on.",
        example: """
            local limiq = require "limiq"
            limiq.vm { name = "web-01" }:down { timeout = "30s" }
            """
    ) { machine, arguments, request in
        let timeout = arguments.options?.timeout ?? DownOptions().timeout
        return .bool(try machine.down(timeout: timeout, cancellation: request.cancellation))
    }
}

private func remove(_ environment: Environment) -> Definition {
    .domain(
        "vm.remove", .changes(.machine) { .bool(try $1.remove($0.domain, isWhole: true)) }, environment,
        OnlyDomain.self, grace: .seconds(30),
        returns: "boolean",
        doc: """
            Removes the VM and all that limiq made for it: domain, overlays, seed, NVRAM, TPM state, folder. Nothing \
            else. Returns whether there was anything.
            """,
        example: """
            local limiq = require "limiq"
            limiq.vm { name = "web-01" }:remove()
            """
    ) { machine, _, request in .bool(try machine.remove(cancellation: request.cancellation)) }
}

/// The primitive for who splits options of its own from those of `up`.
private func optionNames() -> Definition {
    Definition(
        "vm.up_options", .pure, in: .inner, .positional,
        Record("limiq.VMUpOptionNames", "", make: { NoArguments() }, fields: []), returns: "string[]",
        doc: "The names of the options of `up`.", example: ""
    ) { _, _ in .list(upOptions.fields.map { .string($0.name) }) }
}

private struct NoArguments: Sendable {}

private struct ForwardArguments: DomainArguments {
    var domain = DomainReference()
    var port: UInt16 = 0
    var proto = PortForward.Proto.tcp
}

private func forward(_ environment: Environment) -> Definition {
    .domain(
        "vm.forward", .reads(.machine, plan: planForward), environment, ForwardArguments.self,
        fields: [
            Field("port", \.port, .int(1...65535), required: true, "The guest's port."),
            Field("proto", \.proto, .choice(), "tcp where left out."),
        ],
        returns: "string",
        doc:
            "Where a port of the guest is reached from this machine: `127.0.0.1:8080`. An error where it is not forwarded.",
        example: """
            local limiq = require "limiq"
            local vm = limiq.vm { name = "web-01", nics = { { forward = { { host = 8080, guest = 80 } } } } }
            vm:up { wait = "running" }
            print(vm:forward(80))
            """
        ,
        check: { _, _ in "127.0.0.1:1" }
    ) { machine, arguments, _ in
        .string(try machine.endpoint(ofGuestPort: arguments.port, proto: arguments.proto))
    }
}

private func planForward(_ arguments: ForwardArguments, _ call: PlannedCall) throws -> Value {
    let machine = try call.machine(arguments.domain)
    guard let forecast = call.run.forecast(machine) else { return try call.perform() }
    guard let spec = forecast.spec else { throw call.gone(machine) }
    return .string(
        try machine.endpoint(
            ofGuestPort: arguments.port, proto: arguments.proto, of: spec,
            pending: forecast.isRunning ? forecast.pending : []))
}

private struct MACArguments: Sendable {
    var vm = SpecReference()
    var nic = 1
}

private func macAddress(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMMACAddress", "A nic of a VM.", make: MACArguments.init,
        fields: [
            Field("vm", \.vm, specReference(environment), required: true, "The VM."),
            Field("nic", \.nic, .int(1...Int.max), "The nic's position; 1 where left out."),
        ])
    return Definition(
        "vm.mac_address", .pure, .positional, record, returns: "string",
        doc:
            "The MAC address of a nic: its spec's, else the one made from the VM's name and the nic's position.",
        example: """
            local limiq = require "limiq"
            print(limiq.vm { name = "web-01", nics = { {} } }:mac_address(1))
            """
    ) { arguments, _ in
        guard let address = arguments.vm.spec.macAddress(ofNIC: arguments.nic - 1) else {
            throw Failure(
                .badField, "vm \(arguments.vm.spec.name) has no nic \(arguments.nic)",
                hint: "it has \(arguments.vm.spec.nics.count)")
        }
        return .string(address)
    }
}

private struct SerialArguments: Sendable {
    var vm = SpecReference()
    var disk = ""
}

private func diskSerial(_ environment: Environment) -> Definition {
    let record = Record(
        "limiq.VMDiskSerial", "A disk of a VM.", make: SerialArguments.init,
        fields: [
            Field("vm", \.vm, specReference(environment), required: true, "The VM."),
            Field("disk", \.disk, .string, required: true, "The disk's id."),
        ])
    return Definition(
        "vm.disk_serial", .pure, .positional, record, returns: "string",
        doc: """
            The serial number by which the guest knows a disk: `/dev/disk/by-id/virtio-SERIAL`. It is the disk's id, of \
            which a guest sees 20 characters; two that begin with the same 20 have different ones all the same.
            """,
        example: """
            local limiq = require "limiq"
            print(limiq.vm { name = "web-01", disks = { { id = "data", size = "1GiB" } } }:disk_serial "data")
            """
    ) { arguments, _ in
        let spec = arguments.vm.spec
        guard let index = spec.disks.firstIndex(where: { $0.id == arguments.disk }) else {
            throw Failure(
                .badField, "vm \(spec.name) has no disk \(arguments.disk)",
                hint: spec.disks.isEmpty ? nil : "it has \(spec.disks.map(\.id).joined(separator: ", "))")
        }
        return .string(spec.diskSerials[index])
    }
}
