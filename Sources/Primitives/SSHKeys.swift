import Basics
import LuaRuntime
import Provisioning

private struct NoArguments: Sendable {}

/// `limiq.ssh_keys`.
func sshKeysDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "ssh.keys", .positional, Record("limiq.ssh.keys", "", make: { NoArguments() }, fields: []),
            returns: "string[]",
            doc: """
                The caller's public keys: those of the agent and of `~/.ssh`; where there is none, limiq's own, made \
                once in the state folder. Scripts call it `limiq.ssh_keys`.
                """,
            example: "recipes.admin { name = \"admin\", ssh_authorized_keys = limiq.ssh_keys() }"
        ) { _, request in
            .list(try SSHKeys(state: environment.state).publicKeys(request.cancellation).map(Value.string))
        }
    ]
}
