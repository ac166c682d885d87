import Basics
import HostFiles
import LuaRuntime
import Provisioning
import Records

private struct NoArguments: Sendable {}

/// The primitives of `limiq.ssh_keys`.
func sshKeysDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "ssh.keys",
            .changes(.files) { _, call in
                let state = call.environment.state
                if call.environment.images.hasStandIns { return .list([madeUpKey]) }
                let keys = SSHKeys(state: state, gate: call.environment.gate).knownKeys(
                    call.request.cancellation)
                guard keys.isEmpty else { return .list(keys.map(Value.string)) }
                call.makeKey(state.sshKey)
                return .list([call.run.guess()])
            }, in: .function("ssh_keys"), .positional,
            Record("limiq.ssh.keys", "", make: { NoArguments() }, fields: []),
            returns: "string[]",
            doc: """
                The caller's public keys: those of the agent and of `~/.ssh`; where there is none, limiq's own, made \
                once in the state folder. Under `--sandbox` always limiq's own. Scripts call it `limiq.ssh_keys`.
                """,
            example: "recipes.admin { name = \"admin\", ssh_authorized_keys = limiq.ssh_keys() }",
            check: { _, _ in .list([madeUpKey]) }
        ) { _, request in
            // A simulated guest lets nobody in, and what a script plans is the same whoever looks.
            if environment.images.hasStandIns { return .list([madeUpKey]) }
            return .list(
                try SSHKeys(state: environment.state, gate: environment.gate).publicKeys(request.cancellation)
                    .map(Value.string))
        },
        Definition(
            "ssh.host_key",
            .changes(.files) { arguments, call in
                let environment = call.environment
                if environment.gate.isBounded { _ = try environment.machine(arguments.name, on: nil) }
                if fileExists(environment.state.hostKeySecret) { return try call.perform() }
                call.makeKey(environment.state.hostKeySecret)
                return ["private": .secret(PlanRun.unknown), "public": call.run.guess()]
            }, .positional,
            Record(
                "limiq.ssh.HostKey", "", make: { HostKeyArguments() },
                fields: [Field("name", \.name, .string, required: true, "The VM's name.")]),
            returns: "{ private: userdata, public: string }",
            doc: """
                The ssh host key of a VM, as the files of /etc/ssh hold it; the private one is a secret. The same name \
                gives the same key. The recipe `ssh_host_keys` gives it to the guest.
                """,
            example: "print(limiq.ssh.host_key(\"web-01\").public)",
            check: { _, _ in ["private": .secret(UnknownText.ofCheck), "public": madeUpKey] }
        ) { arguments, request in
            let key = try HostKey(
                machine: environment.gate.hostKeyName(arguments.name), state: environment.state,
                request.cancellation)
            return ["private": .secret(key.privateText), "public": .string(key.publicLine)]
        },
    ]
}

/// A text in the form of a key, for who looks at it.
private let madeUpKey: Value =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA limiq-check"

private struct HostKeyArguments: Sendable {
    var name = ""
}
