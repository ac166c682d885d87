import Basics
import LuaRuntime
import Provisioning

private struct NoArguments: Sendable {}

/// `limiq.ssh_keys`.
func sshKeysDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "ssh.keys", .changes(.files), in: .function("ssh_keys"), .positional,
            Record("limiq.ssh.keys", "", make: { NoArguments() }, fields: []),
            returns: "string[]",
            doc: """
                The caller's public keys: those of the agent and of `~/.ssh`; where there is none, limiq's own, made \
                once in the state folder. Under `--sandbox` always limiq's own. Scripts call it `limiq.ssh_keys`.
                """,
            example: "recipes.admin { name = \"admin\", ssh_authorized_keys = limiq.ssh_keys() }"
        ) { _, request in
            .list(
                try SSHKeys(state: environment.state, gate: environment.gate).publicKeys(request.cancellation)
                    .map(Value.string))
        },
        Definition(
            "ssh.host_key", .changes(.files), .positional,
            Record(
                "limiq.ssh.HostKey", "", make: { HostKeyArguments() },
                fields: [Field("name", \.name, .string, required: true, "The VM's name.")]),
            returns: "{ private: userdata, public: string }",
            doc: """
                The ssh host key of a VM, as the files of /etc/ssh hold it; the private one is a secret. The same name \
                gives the same key. The recipe `ssh_host_keys` gives it to the guest.
                """,
            example: "print(limiq.ssh.host_key(\"web-01\").public)"
        ) { arguments, request in
            // Whoever has another machine's key can pass for it.
            if environment.gate.isBounded { _ = try environment.machine(arguments.name, on: nil) }
            let key = try HostKey(machine: arguments.name, state: environment.state, request.cancellation)
            return ["private": .secret(key.privateText), "public": .string(key.publicLine)]
        },
    ]
}

private struct HostKeyArguments: Sendable {
    var name = ""
}
