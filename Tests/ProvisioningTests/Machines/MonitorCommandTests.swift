import Basics
import MachineSpec
import Provisioning
import Support
import Testing

@Suite struct `QEMU's replies` {
    /// A machine that runs, and what its QEMU says.
    private func withReply(_ reply: String, _ body: (Machine) throws -> Void) throws {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.qmp = { _ in reply }
        let host = FakeHypervisor(behaviour)
        try withScratchState { state throws in
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(VMSpec(name: "web"))
            try body(machine)
        }
    }

    @Test func `that refuse a key are the caller's mistake, in QEMU's words`() throws {
        try withReply(#"{"error":{"class":"GenericError","desc":"Invalid parameter 'any'"}}"#) { machine in
            let failure = try #require(throws: Failure.self) { try machine.sendKeys(["any"]) }
            #expect(failure.code == .badField && failure.cause == "Invalid parameter 'any'", "\(failure)")
        }
    }

    @Test(arguments: ["", "[]", "not JSON", #"{"id":1}"#])
    func `that are none are no mistake of the caller's`(reply: String) throws {
        try withReply(reply) { machine in
            let failure = try #require(throws: Failure.self) { try machine.sendKeys(["a"]) }
            #expect(failure.code == .internal, "\(failure)")
        }
    }

    @Test func `that quote an error in what they answer are none`() throws {
        try withReply(#"{"return":{"note":"\"error\": \"internal-error\""}}"#) { machine in
            try machine.sendKeys(["a", "ctrl-alt-delete"])
        }
    }
}
