import Basics
import Hypervisors
import LuaRuntime
import Provisioning
import Records

/// The primitives about a domain's snapshots.
func domainSnapshotDefinitions(_ environment: Environment) -> [Definition] {
    [snapshot(environment), snapshots(environment), revert(environment), deleteSnapshot(environment)]
}

private struct NewSnapshot: Sendable, Equatable {
    var name = ""
    var memory = true
}

private struct SnapshotArguments: DomainArguments {
    var domain = DomainReference()
    var snapshot = NewSnapshot()
}

private func snapshot(_ environment: Environment) -> Definition {
    let snapshot = Record(
        "limiq.NewSnapshot", "A state to keep.", make: NewSnapshot.init,
        fields: [
            Field("name", \.name, .string, required: true, "Letters, digits, `-`, `_` and `.`."),
            Field(
                "memory", \.memory, .bool,
                """
                With the memory of a guest that runs; so it is where left out. `false` keeps the disks alone, the guest's file \
                systems frozen for that moment where its agent answers.
                """),
        ])
    return .domain(
        "domain.snapshot",
        .changes(.machine) { arguments, call in
            let answer = try call.change(arguments.domain, "gets a snapshot", arguments.snapshot.name)
            call.run.expectSnapshot(
                arguments.snapshot.name, of: try call.domain(arguments.domain), true)
            return answer
        }, environment,
        SnapshotArguments.self,
        fields: [Field("snapshot", \.snapshot, .record(snapshot), required: true, "The state.")],
        doc: """
            Keeps the state of now, in the domain's own qcow2 disks, to go back to. The variables of UEFI firmware are kept with \
            the memory of a guest that runs, and else stay what they are.
            """,
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):snapshot { name = "before-upgrade" }
            """
    ) { machine, arguments, request in
        try machine.snapshot(
            arguments.snapshot.name, memory: arguments.snapshot.memory, cancellation: request.cancellation)
        return .null
    }
}

private func snapshots(_ environment: Environment) -> Definition {
    .domain(
        "domain.snapshots",
        .reads(.machine) { arguments, call in
            let machine = try call.domain(arguments.domain)
            // A machine that is not made yet has none.
            let isThere = try machine.hypervisor.domain(machine.name) != nil
            return call.run.forecast(machine) == nil || isThere ? try call.perform() : []
        }, environment, OnlyDomain.self,
        returns: "{ name: string, created: integer, memory: boolean }[]",
        doc: "The snapshots, the oldest first; `created` is in seconds since 1970, as `os.time()` is.",
        example: """
            local limiq = require "limiq"
            for _, snapshot in ipairs(limiq.domain.get("web-01"):snapshots()) do print(snapshot.name) end
            """
    ) { machine, _, _ in
        .list(
            try machine.snapshots().map {
                [
                    "name": .string($0.name), "created": .int(Int64($0.created)),
                    "memory": .bool($0.hasMemory),
                ]
            })
    }
}

private struct NamedSnapshot: DomainArguments {
    var domain = DomainReference()
    var name = ""
}

private func revert(_ environment: Environment) -> Definition {
    .domain(
        "domain.revert",
        .changes(.machine) { try $1.changeSnapshot($0.domain, $0.name, "goes back to a snapshot") },
        environment,
        NamedSnapshot.self,
        fields: [Field("name", \.name, .string, required: true, "The snapshot.")],
        doc: """
            Makes the domain what it was; all that came after is lost. A guest that runs goes on where it was, or boots, where \
            its memory was not kept.
            """,
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):revert "before-upgrade"
            """
    ) { machine, arguments, request in
        try machine.revert(to: arguments.name, cancellation: request.cancellation)
        return .null
    }
}

private func deleteSnapshot(_ environment: Environment) -> Definition {
    .domain(
        "domain.delete_snapshot",
        .changes(.machine) { arguments, call in
            let answer = try call.changeSnapshot(arguments.domain, arguments.name, "loses a snapshot")
            call.run.expectSnapshot(arguments.name, of: try call.domain(arguments.domain), false)
            return answer
        }, environment,
        NamedSnapshot.self,
        fields: [Field("name", \.name, .string, required: true, "The snapshot.")],
        doc: "Forgets a snapshot, and gives its space back to the disks.",
        example: """
            local limiq = require "limiq"
            limiq.domain.get("web-01"):delete_snapshot "before-upgrade"
            """
    ) { machine, arguments, request in
        try machine.deleteSnapshot(arguments.name, cancellation: request.cancellation)
        return .null
    }
}
