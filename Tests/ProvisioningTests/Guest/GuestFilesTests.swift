import Basics
import Glibc
import HostFiles
import Support
import Synchronization
import Testing

@testable import Provisioning

/// The words that see to a file's permissions, given to a real shell in the place of the guest's.
@Suite struct `A file written in a guest` {
    /// - Returns: the file's permissions after it, and what the shell ended with.
    private func prepare(_ path: String, mode: String?) throws -> (bits: UInt32?, code: Int32) {
        // As an agent's: what it makes anybody may write.
        let script = "umask 000; " + GuestFiles.preparation(mode: mode)
        let code = try run("/bin/sh", "-c", script, "sh", path).status
        var information = stat()
        return (stat(path, &information) == 0 ? information.st_mode & 0o7777 : nil, code)
    }

    @Test(
        arguments: [(nil, 0o644), ("0600", 0o600), ("755", 0o755), ("4711", 0o4711)] as [(String?, UInt32)])
    func `has the mode that is asked for, and 0644 where none is`(mode: String?, bits: UInt32) throws {
        try withScratchState { state throws in
            for name in ["plain", "two words", "-dash", "it's"] {
                let result = try prepare("\(state.root)/\(name)", mode: mode)
                #expect(result.bits == bits && result.code == 0)
            }
        }
    }

    @Test(arguments: [(nil, 0o640), ("0600", 0o600)] as [(String?, UInt32)])
    func `keeps its permissions and contents where it was there before`(mode: String?, bits: UInt32) throws {
        try withScratchState { state throws in
            let path = state.root + "/there"
            append("what it held", to: path)
            chmod(path, 0o640)
            let result = try prepare(path, mode: mode)
            #expect(result.bits == bits && result.code == 0)
            #expect(readWhole(path) == "what it held")
        }
    }

    @Test func `is never readable for others before a mode forbids it`() throws {
        try withScratchState { state throws in
            let path = state.root + "/secret"
            // The shell ends where the mode would be set.
            let script = GuestFiles.preparation(mode: "0600").replacing("&& chmod", with: "&& exit 0; chmod")
            try run("/bin/sh", "-c", "umask 000; " + script, "sh", path)
            var information = stat()
            #expect(stat(path, &information) == 0 && information.st_mode & 0o077 == 0)
        }
    }

    @Test func `in a folder that is not there is an error`() throws {
        try withScratchState { state throws in
            #expect(try prepare(state.root + "/none/file", mode: nil).code != 0)
        }
    }

    @Test(arguments: [("mswindows", true), ("debian", false)])
    func `needs no shell in Windows alone`(system: String, isWritten: Bool) throws {
        var behaviour = FakeHypervisor.Behaviour()
        let commands = Mutex<[String]>([])
        behaviour.agent = { command in
            commands.withLock { $0.append(command) }
            if command.contains(#""guest-get-osinfo""#) { return #"{"return":{"id":"\#(system)"}}"# }
            if command.contains(#""guest-exec""#) { return nil }
            if command.contains("guest-file-open") { return #"{"return":1000}"# }
            if command.contains("guest-file-write") { return #"{"return":{"count":1}}"# }
            return #"{"return":{}}"#
        }
        behaviour.agentFails = {
            Failure(
                .libvirt, "cannot ask the guest agent of web",
                cause: "unable to execute QEMU agent command 'guest-exec': Failed to execute child process sh"
            )
        }
        try withScratchState { state throws in
            let host = FakeHypervisor(behaviour)
            _ = try host.define("<domain><name>web</name></domain>")
            try host.start("web")
            let machine = Machine("web", on: host, state: state)
            if isWritten {
                try machine.writeFile(#"C:\file"#, [7], mode: nil)
                #expect(commands.withLock { $0.contains { $0.contains("guest-file-write") } })
                // What cannot be done is not passed over.
                #expect(throws: Failure.self) { try machine.writeFile(#"C:\file"#, [7], mode: "0600") }
            } else {
                #expect(throws: Failure.self) { try machine.writeFile("/file", [7], mode: nil) }
                #expect(commands.withLock { !$0.contains { $0.contains("guest-file-open") } })
            }
        }
    }
}
