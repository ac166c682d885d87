import Basics
import Glibc
import HostFiles
import MachineSpec
import Support
import Testing

@testable import Provisioning

@Suite struct `How long a machine is wanted` {
    private func machine(_ name: String, _ host: FakeHypervisor, _ state: StateFolder) -> Machine {
        var machine = Machine(name, on: host, state: state)
        machine.neighbours = { _, _ in [] }
        return machine
    }

    private func survey(_ host: FakeHypervisor, _ state: StateFolder) throws -> (Leftovers, Leftovers.Survey)
    {
        let leftovers = try Leftovers(state: state, on: host) { _, _ in [] }
        return (leftovers, try leftovers.survey())
    }

    private func failure(_ body: () throws -> Void) -> Failure? {
        do {
            try body()
            return nil
        } catch { return error as? Failure }
    }

    @Test func `one with a ttl is a leftover after it, and not before`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let machine = machine("web", host, state)
            var spec = VMSpec(name: "web")
            spec.ttl = 7200
            _ = try machine.up(spec)
            let present = try machine.record()
            var record = try #require(present)
            let expires = try #require(record.expires)
            #expect(expires > time(nil) + 7100 && expires <= time(nil) + 7200)
            #expect(try survey(host, state).1.left.isEmpty)

            record.expires = time(nil) - 1
            try host.setMetadata("web", try record.element())
            let (leftovers, survey) = try survey(host, state)
            #expect(survey.left.map(\.reason) == ["its time is over: ttl = \"2h\""])
            let left = try leftovers.remove(survey.left[0])
            #expect(left == nil)
            #expect(try host.domain("web") == nil && !fileExists(machine.folder))
        }
    }

    @Test func `a ttl counts from when a machine gets it, and no other change moves it`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let machine = machine("web", host, state)
            var spec = VMSpec(name: "web")
            _ = try machine.up(spec)
            spec.ttl = 60
            _ = try machine.up(spec)
            let expires = try machine.record()?.expires
            #expect(expires != nil)
            spec.labels["tier"] = "front"
            _ = try machine.up(spec)
            #expect(try machine.record()?.expires == expires)
            spec.ttl = nil
            _ = try machine.up(spec)
            #expect(try machine.record()?.expires == nil)
        }
    }

    @Test func `one that is protected is neither removed nor made anew`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let machine = machine("web", host, state)
            var spec = VMSpec(name: "web")
            spec.protect = true
            _ = try machine.up(spec)
            #expect(failure { try machine.remove() }?.code == .protected)
            #expect(failure { _ = try machine.removal() }?.code == .protected)
            var options = UpOptions()
            options.replace = true
            var other = spec
            other.firmware = .uefi
            #expect(failure { _ = try machine.plan(other, options) }?.code == .protected)
            #expect(failure { _ = try machine.up(other, options) }?.code == .protected)

            let present = try machine.record()
            var record = try #require(present)
            record.expires = 1
            try host.setMetadata("web", try record.element())
            let survey = try survey(host, state).1
            #expect(survey.left.isEmpty)
            #expect(survey.spared.map(\.reason) == ["its time is over, and it is protected"])

            // Nor is what is kept of it, once its domain is gone.
            try host.destroy("web")
            try host.undefine("web")
            #expect(failure { try machine.remove() }?.code == .protected)
            spec.protect = nil
            _ = try machine.up(spec)
            let isRemoved = try machine.remove()
            #expect(isRemoved)
        }
    }

    @Test func `protection and a ttl contradict each other`() {
        var spec = VMSpec(name: "web")
        (spec.protect, spec.ttl) = (true, 60)
        #expect(failure { try spec.check() }?.code == .badField)
    }

    @Test func `one of a run goes with it, and is told from what is in use`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let run = RunLifetime(state)
            var options = UpOptions()
            (options.run, options.ownRun, options.isLent) = (try run.begin(), run.id, true)
            let machine = machine("try", host, state)
            let spec = VMSpec(name: "try")
            _ = try machine.up(spec, options)
            #expect(try machine.record()?.run == run.id)
            // The run goes on.
            #expect(try survey(host, state).1.left.isEmpty)
            #expect(failure { _ = try machine.up(spec, options) }?.code == .inUse)
            #expect(failure { _ = try machine.up(spec) }?.code == .inUse)
            var own = UpOptions()
            own.ownRun = run.id
            #expect(try !machine.up(spec, own).changed)
            let isOthers = try machine.remove(ofRun: "0")
            #expect(!isOthers)

            run.end()
            #expect(
                try survey(host, state).1.left.map(\.reason) == ["the run that was to throw it away is gone"])
            // Whoever wants the name next has a machine of its own.
            let next = RunLifetime(state)
            (options.run, options.ownRun) = (try next.begin(), next.id)
            #expect(try machine.up(spec, options).changed)
            #expect(try machine.record()?.run == next.id)
            let isRemoved = try machine.remove(ofRun: next.id)
            #expect(isRemoved)
            next.end()
            #expect(try namesInFolder(state.machines).isEmpty)
        }
    }

    @Test func `what is there already is lent to nobody`() throws {
        try withScratchState { state in
            let host = FakeHypervisor()
            let machine = machine("web", host, state)
            _ = try machine.up(VMSpec(name: "web"))
            var options = UpOptions()
            (options.run, options.ownRun, options.isLent) = ("1", "1", true)
            let refused = failure { _ = try machine.up(VMSpec(name: "web"), options) }
            #expect(refused?.message == "vm web is there already, and is not limiq.with's to throw away")
            let isRemoved = try machine.remove(ofRun: "1")
            #expect(!isRemoved)
            #expect(try host.domain("web") != nil)
        }
    }
}

@Suite struct `A machine that starts with its host` {
    private func up(_ machine: Machine, _ autostart: Bool?, forwards: Bool = false) throws -> UpReport {
        var spec = VMSpec(name: machine.name)
        spec.autostart = autostart
        if forwards {
            var nic = NICSpec(id: "lan")
            nic.forward = [PortForward(host: 42_123, guest: 22)]
            spec.nics = [nic]
        }
        var options = UpOptions()
        options.start = false
        return try machine.up(spec, options)
    }

    @Test func `is started by a system's libvirt`() throws {
        try withScratchState { state in
            let host = FakeHypervisor(uri: "fake:///system")
            let machine = Machine("web", on: host, state: state)
            let report = try up(machine, true)
            #expect(report.warnings.isEmpty)
            #expect(try host.startsWithHost("web"))
            #expect(try up(machine, nil).warnings.isEmpty)
            #expect(try !host.startsWithHost("web"))
        }
    }

    @Test func `is started by a unit where libvirt's daemon is not, or has no forwards`() throws {
        try withScratchState { state in
            for (uri, forwards) in [("fake:///session", false), ("fake:///system", true)] {
                let host = FakeHypervisor(uri: uri)
                let machine = Machine("web", on: host, state: state)
                let report = try up(machine, true, forwards: forwards)
                #expect(try !host.startsWithHost("web"))
                let unit = AutostartUnit(state, uri: uri)
                #expect(report.warnings.count == 1 && report.warnings[0].contains(unit.command))
                let text = readWhole(unit.path) ?? ""
                #expect(text.contains("start --autostart\n") && text.contains("\"LIMIQ_URI=\(uri)\""))
                _ = try machine.remove()
            }
        }
    }

    @Test func `is refused on another host where nothing would start it`() throws {
        try withScratchState { state in
            let host = FakeHypervisor(uri: "fake+ssh://node/session")
            let refused = #expect(throws: Failure.self) {
                try up(Machine("web", on: host, state: state), true)
            }
            #expect(refused?.code == .hostNotAble)
        }
    }

    @Test func `has a unit that systemd reads as it is meant`() {
        let unit = AutostartUnit(StateFolder(root: "/tmp/a b%c\"$d"), uri: "qemu:///session")
        #expect(unit.text("/opt/my limiq").contains(#"ExecStart="/opt/my limiq" start --autostart"#))
        #expect(unit.text("/x").contains(#"Environment="LIMIQ_HOME=/tmp/a b%%c\"$d""#))
    }
}
