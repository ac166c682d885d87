import Basics
import Hypervisors
import Provisioning
import Records

/// The primitives about hosts that `limiq.connect` and `limiq.hosts` are made of.
func connectDefinitions(_ environment: Environment) -> [Definition] {
    [connect(environment), info(environment), placements(environment)]
}

private struct URIArgument: Sendable {
    var uri = ""
}

private func connect(_ environment: Environment) -> Definition {
    Definition(
        "host.connect", .reads(.host), in: .inner, .positional,
        Record(
            "limiq.host.connect", "", make: { URIArgument() },
            fields: [
                Field("uri", \.uri, .string, required: true, "libvirt's name of the host.")
            ]),
        doc: "Opens another host; `limiq.connect` is what scripts call.",
        example: "local node = limiq.connect \"qemu+ssh://node2/system\""
    ) { arguments, _ in
        // The cheapest question every driver answers.
        _ = try environment.hypervisor(arguments.uri).load()
        return .null
    }
}

private struct OptionalURI: Sendable {
    var uri: String?
}

private func info(_ environment: Environment) -> Definition {
    Definition(
        "host.info", .reads(.host), .positional,
        Record(
            "limiq.host.info", "", make: { OptionalURI() },
            fields: [Field("uri", \.uri, .string, "The host; the run's own where left out.")]),
        returns: """
            { uri: string, hostname: string, cpus: integer, memory_mib: integer, \
            domains: table<string, { memory_mib: integer, active: boolean }> }
            """,
        doc: """
            What a host has: its own name, logical processors, memory, and its domains by name, each with the most memory \
            it may have and whether it runs. Asked anew each time.
            """,
        example: """
            local info = limiq.host.info()
            local free = info.memory_mib
            for _, domain in pairs(info.domains) do
              if domain.active then free = free - domain.memory_mib end
            end
            print(info.hostname, free)
            """
        ,
        check: { arguments, call in
            call.guess()
            return [
                "uri": .string(arguments.uri ?? "unknown"), "hostname": "unknown", "cpus": 1,
                "memory_mib": 1024, "domains": [:],
            ]
        }
    ) { arguments, _ in
        let hypervisor = try environment.hypervisor(arguments.uri)
        let load = try hypervisor.load()
        var domains = Map()
        for domain in load.domains {
            domains.append(
                domain.name,
                ["memory_mib": .int(Int64(clamping: domain.memoryMiB)), "active": .bool(domain.isActive)])
        }
        return [
            "uri": .string(hypervisor.uri), "hostname": .string(load.hostname),
            "cpus": .int(Int64(load.cpus)),
            "memory_mib": .int(Int64(clamping: load.memoryMiB)), "domains": .map(domains),
        ]
    }
}

private struct NameArgument: Sendable {
    var name = ""
}

private func placements(_ environment: Environment) -> Definition {
    Definition(
        "vm.placements", .reads(.machine), in: .inner, .positional,
        Record(
            "limiq.vm.placements", "", make: { NameArgument() },
            fields: [Field("name", \.name, .string, required: true, "The VM's name.")]),
        returns: "string[]",
        doc: """
            The URIs of the hosts on which this machine has made a VM of that name and not removed it, whether they answer \
            or not; `limiq.hosts` puts it there again.
            """,
        example: """
            local limiq = require "limiq"
            local hosts = limiq.hosts { "qemu+ssh://node1/system", "qemu+ssh://node2/system" }
            print(hosts.vm { name = "web-01" }.uri)
            """
    ) { arguments, _ in
        .list(MachineJournal.placements(of: arguments.name, in: environment.state).map(Value.string))
    }
}
