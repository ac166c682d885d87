import Basics
import Hypervisors
import Provisioning
import Records
import Steps

/// The primitives that start and stop a domain, and those that look at it.
func domainLifecycleDefinitions(_ environment: Environment) -> [Definition] {
    [
        simple("start", environment, "Starts a domain that is off.", planned: setOn) { try $0.start() },
        shutdown(environment),
        reboot(environment),
        simple(
            "reset", environment, "Boots the guest again at once, as by its reset button.",
            planned: { try bootsAgain($0, $1, "reset") }
        ) {
            try $0.reset()
        },
        simple(
            "destroy", environment, "Ends a domain at once, as by pulling its plug. Nothing where it is off.",
            planned: setOff
        ) {
            try $0.hypervisor.destroy($0.name)
        },
        simple(
            "suspend", environment, "Stops the guest's processors.",
            planned: { try $1.pause($0.domain, true) }
        ) {
            try $0.hypervisor.suspend($0.name)
        },
        simple(
            "resume", environment, "Lets a suspended guest run on.",
            planned: { try $1.pause($0.domain, false) }
        ) { try $0.hypervisor.resume($0.name) },
        simple(
            "save", environment,
            """
            Keeps the guest's memory on disk and ends it: its next start goes on from there, also after the host was started \
            anew. Nothing where it is saved already.
            """, planned: { try $1.save($0.domain) }
        ) { _ = try $0.save() },
        undefine(environment), state(environment), xml(environment), wait(environment),
    ]
}

@Sendable private func setOn(_ arguments: some DomainArguments, _ call: PlannedCall) throws -> Value {
    guard try call.set(arguments.domain, running: true) else {
        let machine = try call.domain(arguments.domain)
        throw Failure(
            .libvirt, "cannot start \(machine.name)", resource: machine.name,
            cause: "the domain is already running")
    }
    return .null
}

private func bootsAgain(
    _ arguments: some DomainArguments, _ call: PlannedCall, _ verb: String
) throws -> Value {
    _ = try call.guest(arguments.domain, verb)
    return try call.change(arguments.domain, "booted again")
}

@Sendable private func setOff(_ arguments: some DomainArguments, _ call: PlannedCall) throws -> Value {
    _ = try call.set(arguments.domain, running: false)
    return .null
}

private func simple(
    _ verb: String, _ environment: Environment, _ doc: String,
    planned plan: @escaping PlannedEffect<OnlyDomain>.Plan,
    _ body: @escaping @Sendable (Machine) throws -> Void
) -> Definition {
    .domain(
        "domain.\(verb)", .changes(.machine, plan: plan), environment, OnlyDomain.self, doc: doc,
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):\(verb)()
            """
    ) { machine, _, _ in
        try body(machine)
        return .null
    }
}

private struct TimeoutOptions: Sendable {
    var timeout = Duration.seconds(600)
}

private let timeoutRecord = Record(
    "limiq.TimeoutOptions", "How long.", make: TimeoutOptions.init,
    fields: [Field("timeout", \.timeout, .duration, "The longest wait; 10 minutes where left out.")])

private struct AskArguments: DomainArguments {
    var domain = DomainReference()
    var options: TimeoutOptions?
}

private func reboot(_ environment: Environment) -> Definition {
    .domain(
        "domain.reboot", .changes(.machine) { try bootsAgain($0, $1, "reboot") }, environment,
        AskArguments.self,
        fields: [Field("options", \.options, .record(timeoutRecord), "How long to wait.")],
        doc: """
            Asks the guest to boot again and waits until it begins to, so that a wait that follows is for the new boot. An \
            error where it has not after the timeout.
            """,
        example: """
            local limiq = require "limiq"
            local domain = limiq.domain.get "web-01"
            domain:reboot { timeout = "1m" }
            domain:wait "ssh"
            """
    ) { machine, arguments, request in
        let timeout = arguments.options?.timeout ?? TimeoutOptions().timeout
        try machine.reboot(timeout: timeout, cancellation: request.cancellation)
        return .null
    }
}

private func shutdown(_ environment: Environment) -> Definition {
    .domain(
        "domain.shutdown", .changes(.machine, plan: setOff), environment, AskArguments.self,
        fields: [Field("options", \.options, .record(timeoutRecord), "How long to wait.")],
        doc:
            "Asks the guest to shut down and waits until it is off. An error where it is still on after the timeout.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):shutdown { timeout = "1m" }
            """
    ) { machine, arguments, request in
        let timeout = arguments.options?.timeout ?? TimeoutOptions().timeout
        try machine.shutdown(timeout: timeout, cancellation: request.cancellation)
        return .null
    }
}

private struct UndefineOptions: Sendable {
    var files = false
}

private struct UndefineArguments: DomainArguments {
    var domain = DomainReference()
    var options: UndefineOptions?
}

private func undefine(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.UndefineOptions", "What goes with it.", make: UndefineOptions.init,
        fields: [Field("files", \.files, .bool, "The disks, the seed and the folder limiq made as well.")])
    return .domain(
        "domain.undefine",
        .changes(.machine) { arguments, call in
            _ = try call.remove(arguments.domain, isWhole: arguments.options?.files ?? false)
            return .null
        }, environment, UndefineArguments.self,
        fields: [Field("options", \.options, .record(options), "What goes with it.")],
        doc:
            "Removes a domain's definition with its NVRAM and TPM state. A guest that runs runs on without one.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):undefine { files = true }
            """
    ) { machine, arguments, request in
        if arguments.options?.files ?? false {
            try machine.remove(cancellation: request.cancellation)
        } else {
            try machine.hypervisor.undefine(machine.name)
        }
        return .null
    }
}

private func state(_ environment: Environment) -> Definition {
    .domain(
        "domain.state",
        .reads(.machine) { arguments, call in
            let machine = try call.domain(arguments.domain)
            guard let forecast = call.run.forecast(machine) else { return try call.perform() }
            return .string(forecast.state.rawValue)
        }, environment, OnlyDomain.self, returns: "string",
        doc:
            """
            The domain's state in the words of `virsh domstate`: `running`, `shut off`, `paused`, `crashed`; and `saved` for one \
            that is off with its guest's memory kept, from which its next start goes on.
            """,
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):state())
            """
    ) { machine, _, _ in .string(try machine.info(withGuest: false).state.rawValue) }
}

private struct XMLOptions: Sendable {
    var inactive = false
}

private struct XMLArguments: DomainArguments {
    var domain = DomainReference()
    var options: XMLOptions?
}

private func xml(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.XMLOptions", "Which description.", make: XMLOptions.init,
        fields: [Field("inactive", \.inactive, .bool, "What the next start takes, not what runs.")])
    return .domain(
        "domain.xml", .reads(.machine) { try $1.ask($0.domain) }, environment, XMLArguments.self,
        fields: [Field("options", \.options, .record(options), "Which description.")], returns: "string",
        doc: "libvirt's description of the domain.",
        example: """
            local limiq = require "limiq"
            print(limiq.domain.get("web-01"):xml())
            """
    ) { machine, arguments, _ in
        .string(
            try machine.hypervisor.xml(
                machine.name, inactive: arguments.options?.inactive ?? false, secrets: false))
    }
}

private struct WaitOptions: Sendable {
    var timeout = Duration.seconds(600)
    var deadline: Duration?
}

private struct WaitArguments: DomainArguments {
    var domain = DomainReference()
    var what = Goal.running
    var options: WaitOptions?
}

private func wait(_ environment: Environment) -> Definition {
    let options = Record(
        "limiq.WaitOptions", "How long to wait.", make: WaitOptions.init,
        fields: [
            Field("timeout", \.timeout, .duration, timeoutDoc),
            Field("deadline", \.deadline, .duration, deadlineDoc),
        ])
    return .domain(
        "domain.wait",
        .waits(.machine) { arguments, call in
            _ = try call.domain(arguments.domain)
            return .null
        }, environment, WaitArguments.self,
        fields: [
            Field("what", \.what, .choice(), required: true, "What to wait for."),
            Field("options", \.options, .record(options), "How long to wait."),
        ],
        doc: """
            Waits for the guest. `cloud-init` ends well when cloud-init has, with the boot or the end that `power_state` asks \
            for; it is an error that names the module where something failed, and one where cloud-init is disabled or not \
            there. A guest that stops, panics or finds nothing to boot ends every wait at once.
            """,
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):wait("cloud-init", { timeout = "10m" })
            """
    ) { machine, arguments, request in
        try machine.wait(
            for: arguments.what, timeout: arguments.options?.timeout ?? WaitOptions().timeout,
            deadline: arguments.options?.deadline, cancellation: request.cancellation
        ) { line in
            environment.progress(Progress(.vm(machine.name), .console(line)))
        }
        return .null
    }
}
