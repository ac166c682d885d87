import Basics
import Glibc
import HostFiles
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `Host keys` {
    @Test(arguments: ["a", "web-server-01", "a-name-of-many-letters-that-makes-another-padding"])
    func `are read by ssh-keygen, which derives the same public key`(name: String) throws {
        try withScratchState { state throws in
            let key = try HostKey(machine: name, state: state)
            let path = state.root + "/key"
            try writeBytes(Array(key.privateText.utf8), to: path)
            let derived = try run("ssh-keygen", "-y", "-f", path)
            #expect(derived.status == 0, "\(derived.errors)")
            #expect(derived.output.trimmed() == key.publicLine)
            #expect(key.publicLine.hasSuffix(" \(name)"))
        }
    }

    @Test func `stay the same, one for each VM and each state folder`() throws {
        try withScratchState { state throws in
            let first = try HostKey(machine: "web", state: state)
            #expect(try HostKey(machine: "web", state: state).privateText == first.privateText)
            #expect(try HostKey(machine: "web2", state: state).publicLine != first.publicLine)
            try withScratchState { other throws in
                #expect(try HostKey(machine: "web", state: other).publicLine != first.publicLine)
            }
        }
    }

    @Test func `are made by many at once from one secret, which only its owner can read`() async throws {
        try await ScratchFolder.with { folder in
            let state = StateFolder(root: folder)
            let lines = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 {
                    group.addTask { try HostKey(machine: "web", state: state).publicLine }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(lines.count == 1)
            var status = stat()
            #expect(stat(state.hostKeySecret, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `are not made of a secret that is damaged`() throws {
        try withScratchState { state throws in
            _ = try HostKey(machine: "web", state: state)
            try writeBytes([1, 2, 3], to: state.hostKeySecret)
            let failure = try #require(throws: Failure.self) { _ = try HostKey(machine: "web", state: state) }
            #expect(failure.message.contains("host_key_secret is not the 32 bytes"))
        }
    }

    @Test func `of a cloud-config are the only ones ssh then takes`() throws {
        try withScratchState { state throws in
            let ssh = GuestSSH(
                name: "web", endpoint: SSHEndpoint(host: "127.0.0.1", port: 1), user: nil, key: "/nowhere",
                knownHosts: state.machine("web") + "/known_hosts")
            #expect(try ssh.options().contains("StrictHostKeyChecking=accept-new"))
            try makeFolders(state.machine("web"))
            let layout = MachineLayout(
                VMSpec(name: "web"), of: Machine("web", on: FakeHypervisor(), state: state))
            let key = try HostKey(machine: "web", state: state)
            let spec = CloudInitSpec(
                userData: .table([
                    "ssh_keys": [
                        "ed25519_private": .secret(key.privateText),
                        "ed25519_public": .string(key.publicLine),
                    ]
                ]))
            try layout.writeHostKeys(spec.hostKeys)
            #expect(try ssh.options().contains("StrictHostKeyChecking=yes"))
            #expect(try ssh.options().contains("UserKnownHostsFile=\"\(layout.hostKeys)\""))
            let found = try run("ssh-keygen", "-F", GuestSSH.hostAlias, "-f", layout.hostKeys)
            #expect(found.output.contains(key.publicLine.split(separator: " ")[1]), "\(found.output)")
            #expect(MachineLayout.runtimeFiles.contains(lastComponent(layout.hostKeys)))
        }
    }

    @Test(arguments: [
        "#!/bin/sh\n", "#cloud-config\nssh_keys: [a]\n", "#cloud-config\nssh_keys: {rsa_private: x}\n", "",
    ])
    func `are none where the user-data gives no public one`(userData: String) {
        #expect(CloudInitSpec(userData: .text(userData)).hostKeys == [])
    }
}
