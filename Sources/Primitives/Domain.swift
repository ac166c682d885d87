import Basics
import LuaRuntime
import Provisioning

/// `limiq.domain`: libvirt's words for a domain's life. `stdlib/limiq/domain.lua` is the handle a script sees.
func domainDefinitions(_ environment: Environment) -> [Definition] {
    lifecycleDefinitions(environment)
        + [
            Definition(
                "domain.define", .positional,
                Record("limiq.domain.define", "", make: { VMArgument() }, fields: [
                    Field("vm", \.value, .any, required: true, "What `limiq.vm` returned.")
                ]),
                grace: .seconds(60),
                doc: "Makes the domain with its disks and seed, and does not start it.",
                example: "local domain = limiq.domain.define { name = \"web\", memory = \"1GiB\" }"
            ) { arguments, request in
                let spec = try VMSpecSchema.decode(arguments.value["spec"] ?? .null, environment)
                var options = UpOptions()
                options.start = false
                _ = try Codec.domain.decode(arguments.value, "domain").machine(environment)
                    .up(spec, options, cancellation: request.cancellation)
                return .null
            },
            Definition(
                "domain.get", .positional, handleRecord("limiq.domain.get"),
                doc: "The domain of a name; an error where there is none.",
                example: "local domain = limiq.domain.get \"web-server-01\""
            ) { handle, _ in
                try handle.machine(environment).requireDomain()
                return .null
            },
            Definition(
                "domain.list", .positional,
                Record("limiq.domain.list", "", make: { ListArguments() }, fields: [
                    Field("uri", \.uri, .string, "The host; the run's own unless told."),
                    Field("filter", \.filter, .record(listFilter), "Which domains."),
                ]),
                returns: "string[]", doc: "The names of the host's domains, sorted.",
                example: "for _, domain in ipairs(limiq.domain.list { state = \"running\" }) do print(domain.name) end"
            ) { arguments, _ in
                let all = try environment.hypervisor(arguments.uri).domains()
                let wanted = all.filter { arguments.filter.state == nil || $0.state.rawValue == arguments.filter.state }
                return .list(wanted.map(\.name).sorted().map(Value.string))
            },
            Definition(
                "domain.state", .positional, handleRecord("limiq.domain.state"), returns: "string",
                doc: "`\"running\"`, `\"paused\"`, `\"shut off\"` …: the words of `virsh domstate`.",
                example: "print(domain:state())"
            ) { handle, _ in .string(try handle.machine(environment).requireDomain().state.rawValue) },
            Definition(
                "domain.xml", .positional,
                Record("limiq.domain.xml", "", make: { XMLArguments() }, fields: [
                    Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                    Field("options", \.options, .record(xmlOptions), "Which description."),
                ]),
                returns: "string", doc: "The domain's description as libvirt has it.",
                example: "print(domain:xml { inactive = true })"
            ) { arguments, _ in
                let machine = try arguments.handle.machine(environment)
                return .string(try machine.hypervisor.xml(machine.name, inactive: arguments.options.inactive))
            },
            Definition(
                "domain.wait", .positional,
                Record("limiq.domain.wait", "", make: { WaitArguments() }, fields: [
                    Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                    Field("what", \.goal, .choice(), required: true, "What to wait for."),
                    Field("options", \.options, .record(timeoutOptions), "When to give up; ten minutes unless told."),
                ]),
                doc: "Waits for the guest; a timeout says the last stage seen and shows the console's last lines.",
                example: "domain:wait(\"cloud-init\", { timeout = \"10m\" })"
            ) { arguments, request in
                let machine = try arguments.handle.machine(environment)
                try machine.wait(
                    for: arguments.goal, timeout: arguments.options.timeout ?? .seconds(600),
                    cancellation: request.cancellation)
                return .null
            },
            Definition(
                "domain.address", .positional, handleRecord("limiq.domain.address"), returns: "string?",
                doc: """
                    The guest's own address, from a lease, the agent or the ARP table; nil while nobody knows. On user \
                    networking it is reached through forwards only.
                    """,
                example: "print(domain:address())"
            ) { handle, _ in
                try handle.machine(environment).addresses().first.map(Value.string) ?? .null
            },
        ]
}

private struct VMArgument: Sendable {
    var value = Value.null
}

private struct ListArguments: Sendable {
    struct Filter: Sendable, Equatable {
        var state: String?
    }

    var uri: String?
    var filter = Filter()
}

private let listFilter = Record("limiq.DomainFilter", "Which domains.", make: { ListArguments.Filter() }, fields: [
    Field("state", \.state, .string, "Only those in this state.")
])

private struct XMLArguments: Sendable {
    struct Options: Sendable, Equatable {
        var inactive = false
    }

    var handle = DomainHandle()
    var options = Options()
}

private let xmlOptions = Record("limiq.XMLOptions", "Which description.", make: { XMLArguments.Options() }, fields: [
    Field("inactive", \.inactive, .bool, "The one the next start takes.")
])

private struct WaitArguments: Sendable {
    var handle = DomainHandle()
    var goal = Goal.running
    var options = TimeoutOptions()
}

private struct ShutdownArguments: Sendable {
    var handle = DomainHandle()
    var options = TimeoutOptions()
}

/// The calls that take a handle and nothing else, one line each.
private func lifecycleDefinitions(_ environment: Environment) -> [Definition] {
    func plain(
        _ verb: String, _ doc: String, _ body: @escaping @Sendable (Machine) throws(Failure) -> Void
    ) -> Definition {
        Definition(
            "domain.\(verb)", .positional, handleRecord("limiq.domain.\(verb)"), doc: doc, example: "domain:\(verb)()"
        ) { handle, _ in
            try body(try handle.machine(environment))
            return .null
        }
    }
    return [
        plain("start", "Starts it, with its forwards. Does nothing where it runs.") { machine throws(Failure) in
            try machine.start()
        },
        plain("reboot", "Asks the guest to restart.") { machine throws(Failure) in
            try machine.hypervisor.reboot(machine.name)
        },
        plain("reset", "Restarts it as the reset button does.") { machine throws(Failure) in
            try machine.hypervisor.reset(machine.name)
        },
        plain("destroy", "Ends it at once, as a pulled plug does.") { machine throws(Failure) in
            try machine.hypervisor.destroy(machine.name)
        },
        plain("suspend", "Stops its processors.") { machine throws(Failure) in
            try machine.hypervisor.suspend(machine.name)
        },
        plain("resume", "Lets its processors go on.") { machine throws(Failure) in
            try machine.hypervisor.resume(machine.name)
        },
        plain("undefine", "Removes its definition; its disks stay.") { machine throws(Failure) in
            try machine.hypervisor.undefine(machine.name)
        },
        Definition(
            "domain.shutdown", .positional,
            Record("limiq.domain.shutdown", "", make: { ShutdownArguments() }, fields: [
                Field("domain", \.handle, .domain, required: true, "The domain, or its name."),
                Field("options", \.options, .record(timeoutOptions), "When to give up; two minutes unless told."),
            ]),
            doc: "Asks the guest to power off, and waits until it has.", example: "domain:shutdown { timeout = \"2m\" }"
        ) { arguments, request in
            try arguments.handle.machine(environment)
                .shutdown(timeout: arguments.options.timeout ?? .seconds(120), cancellation: request.cancellation)
            return .null
        },
    ]
}
