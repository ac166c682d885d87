import Basics
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `Machines that a person means` {
    /// Three machines of limiq's and a domain of somebody else's.
    private func with<Result>(_ body: (FakeHypervisor, StateFolder) throws -> Result) throws -> Result {
        try withScratchState { state in
            let host = FakeHypervisor()
            for (name, fleet) in [("web-2", "a"), ("web-10", "b"), ("db", "a")] {
                var spec = VMSpec(name: name)
                spec.labels = ["fleet": fleet, "site": "north"]
                _ = try Machine(name, on: host, state: state).up(spec)
            }
            _ = try host.define("<domain><name>web-9</name></domain>")
            return try body(host, state)
        }
    }

    @Test func `are found by name, pattern and label, each once and in order`() throws {
        try with { host, state in
            try expect([], host, state, are: ["db", "web-2", "web-10"])
            try expect(["web-*", "web-2", "d?"], host, state, are: ["db", "web-2", "web-10"])
            try expect(["web-[0-9]"], host, state, are: ["web-2"])
            try expect([], host, state, labels: ["fleet": "a"], are: ["db", "web-2"])
            try expect(["web-*"], host, state, labels: ["fleet": "a", "site": "north"], are: ["web-2"])
        }
    }

    @Test func `are none of somebody else's, whatever is said`() throws {
        try with { host, state in
            try expect(["web-9"], host, state, are: ["not_ours"])
            try expect(["web-9*"], host, state, are: ["not_found"])
            try expect(["*"], host, state, are: ["db", "web-2", "web-10"])
        }
    }

    @Test func `are told where there are none, and the others are found`() throws {
        try with { host, state in
            try expect(["db", "wbe-2", "app-*"], host, state, are: ["db", "not_found", "not_found"])
            try expect([], host, state, labels: ["fleet": "c"], are: ["not_found"])
            let selection = try MachineSelector(words: ["wbe-2", "../db", ""]).select(
                on: host, state: state, keepsGone: true)
            #expect(selection.machines.isEmpty && selection.failures.count == 3)
            #expect(selection.failures[0].hint == "did you mean web-2?")
        }
    }

    @Test func `may be gone but for what is kept of them`() throws {
        try with { host, state in
            try host.destroy("db")
            try host.undefine("db")
            try expect(["db"], host, state, are: ["not_found"])
            let kept = try MachineSelector(words: ["db"]).select(on: host, state: state, keepsGone: true)
            #expect(kept.machines.map(\.name) == ["db"])
        }
    }
}

@Suite struct `A machine's power` {
    private func with<Result>(_ body: (FakeHypervisor, Machine) throws -> Result) throws -> Result {
        try withScratchState { state in
            let host = FakeHypervisor()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(VMSpec(name: "web"))
            return try body(host, machine)
        }
    }

    @Test func `is turned off and on, and nothing is done twice`() throws {
        try with { host, machine in
            try expect(machine.turnOn(), .running)
            try expect(machine.turnOff(timeout: .seconds(5)), .running)
            try expect(machine.turnOff(timeout: .seconds(5)), .shutOff)
            try expect(machine.turnOn(), .shutOff)
            try expect(machine.turnOffAndOn(timeout: .seconds(5)), .running)
            try expect(machine.turnOffAndOn(timeout: .seconds(5), force: true), .running)
            let verbs = host.calls.map { $0.split(separator: " ")[0] }.filter {
                $0 != "define" && $0 != "metadata"
            }
            #expect(verbs == ["start", "shutdown", "start", "shutdown", "start", "destroy", "start"])
        }
    }

    @Test func `is paused and kept, and comes back from both`() throws {
        try with { host, machine in
            try expect(machine.pause(), true)
            try expect(machine.pause(), false)
            try expect(machine.turnOn(), .paused)
            try expect(machine.unpause(), false)
            try expect(machine.save(), true)
            try expect(machine.save(), false)
            #expect(throws: Failure.self) { try machine.unpause() }
            #expect(throws: Failure.self) { try machine.pause() }
            try expect(machine.turnOff(timeout: .zero), .saved)
            try expect(machine.turnOn(), .saved)
            #expect(try host.domain("web")?.state == .running)
        }
    }

    @Test func `is nobody's to change who has not made it`() throws {
        try with { host, machine in
            _ = try host.define("<domain><name>other</name></domain>")
            let other = Machine("other", on: host, state: machine.state)
            for verb in [
                other.turnOn,
                { cancellation in try other.turnOff(timeout: .zero, cancellation: cancellation) },
            ] {
                let failure = #expect(throws: Failure.self) { try verb(Cancellation()) }
                #expect(failure?.code == .notOurs)
            }
        }
    }
}

/// Expects the machines that are found, and behind them the codes of what names none.
private func expect(
    _ words: [String], _ host: FakeHypervisor, _ state: StateFolder, labels: [String: String] = [:],
    are expected: [String], at place: SourceLocation = #_sourceLocation
) throws {
    let selection = try MachineSelector(words: words, labels: labels).select(on: host, state: state)
    let found = selection.machines.map(\.name) + selection.failures.map(\.code.rawValue)
    #expect(found == expected, sourceLocation: place)
}

private func expect<Value: Equatable>(
    _ found: Value, _ expected: Value, at place: SourceLocation = #_sourceLocation
) {
    #expect(found == expected, sourceLocation: place)
}
