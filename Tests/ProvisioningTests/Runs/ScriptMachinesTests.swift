import Basics
import HostFiles
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `A script's machines` {
    private let script = "/scripts/web.lua"

    private func up(_ name: String, by script: String?, _ host: FakeHypervisor, _ state: StateFolder) throws
        -> Machine
    {
        var machine = Machine(name, on: host, state: state)
        machine.script = script
        _ = try machine.up(VMSpec(name: name))
        return machine
    }

    @Test func `are those it has made, by its path on this host`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let mine = try up("web-2", by: script, host, state)
            _ = try up("web-10", by: script, host, state)
            let other = try up("other", by: "/scripts/other.lua", host, state)
            _ = try up("nobody", by: nil, host, state)
            let made = ScriptMachines(of: script, in: state)
            #expect(made.places().map(\.name) == ["web-2", "web-10"])
            let known = ScriptMachines.Place(name: "web-2", uri: host.uri)
            #expect(made.places(besides: [known]).map(\.name) == ["web-10"])
            #expect(try made.made(mine) && !made.made(other))
            #expect(ScriptMachines(of: "/scripts/moved.lua", in: state).places().isEmpty)

            // One that is gone but for its journal is no machine any more; the record of another host is another's.
            let element = try mine.record()
            var record = try #require(element)
            record.owner = "root@elsewhere"
            try host.setMetadata("web-2", try record.element())
            #expect(try !made.made(mine))
        }
    }

    @Test func `are its to remove where it made them, or nobody is left who did`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let moved = try up("moved", by: "/nowhere/web.lua", host, state)
            let nobody = try up("nobody", by: nil, host, state)
            let others = try up("others", by: state.root, host, state)
            let made = ScriptMachines(of: script, in: state)
            #expect(try made.mayRemove(moved) && made.mayRemove(nobody))
            #expect(try !made.mayRemove(Machine("absent", on: host, state: state)))
            let failure = #expect(throws: Failure.self) { try made.mayRemove(others) }
            #expect(failure?.code == .notOurs && failure?.message.contains(state.root) == true)
            _ = try host.define("<domain><name>stranger</name></domain>")
            #expect(throws: Failure.self) { try made.mayRemove(Machine("stranger", on: host, state: state)) }
        }
    }
}
