import Basics
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Provisioning
import Steps
import Support
import Synchronization
import Testing

/// Waits that are patient with a guest that works, and quick with one that does not.
@Suite struct `Patience with a guest` {
    /// Prints lines on a guest's console, one after the other.
    private func print(_ lines: [String], every pause: UInt32, to path: String) {
        startThread {
            for line in lines {
                usleep(pause)
                append("\(line)\r\n", to: path)
            }
        }
    }

    private func wait(
        _ machine: Machine, timeout: Duration, deadline: Duration? = nil, goal: Goal = .agent
    ) throws -> (failure: Failure, took: Duration) {
        let began = ContinuousClock.now
        let failure = try #require(throws: Failure.self) {
            try machine.wait(for: goal, timeout: timeout, deadline: deadline, cancellation: Cancellation())
        }
        return (failure, began.duration(to: .now))
    }

    @Test func `begins anew with each new line, and ends when nothing comes`() throws {
        try `Waiting for a guest`.withGuest { machine, _ throws in
            let words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
            print(words, every: 250_000, to: machine.consoleLog)
            let (failure, took) = try wait(machine, timeout: .seconds(1))
            #expect(failure.code == .timeout)
            #expect(took > .seconds(2.5) && took < .seconds(10), "\(took)")
            #expect(failure.message.contains("nothing has moved in it for 1s"), "\(failure.message)")
            #expect(failure.cause?.contains("| eight") == true)
            #expect(failure.hint?.contains("run again to go on waiting") == true)
        }
    }

    @Test func `is not had with a line that comes again and again`() throws {
        try `Waiting for a guest`.withGuest { machine, _ throws in
            let lines = (0..<20).map { "[ \($0).5 ] waiting for the network (\($0)s / no limit)" }
            print(lines, every: 200_000, to: machine.consoleLog)
            let (failure, took) = try wait(machine, timeout: .seconds(1))
            #expect(failure.code == .timeout && took < .seconds(3), "\(took)")
        }
    }

    @Test func `ends at the deadline, whatever the guest does`() throws {
        try `Waiting for a guest`.withGuest { machine, _ throws in
            let letters = (0..<40).map { String(repeating: "x", count: $0 + 1) }
            print(letters, every: 100_000, to: machine.consoleLog)
            let (failure, took) = try wait(machine, timeout: .milliseconds(800), deadline: .seconds(2))
            #expect(failure.code == .timeout && took < .seconds(3), "\(took)")
            #expect(
                failure.message
                    == "web is not answering through its agent after 2s; it is still at work, and its deadline is over"
            )
        }
    }

    @Test func `is had with a guest whose disk is at work, though it says nothing`() throws {
        var behaviour = FakeHypervisor.Behaviour()
        let began = ContinuousClock.now
        // It writes for six seconds.
        behaviour.work = {
            let seconds = began.duration(to: .now) / .seconds(1)
            return GuestWork(written: UInt64(min(seconds, 6) * 20 * 1_048_576))
        }
        try `Waiting for a guest`.withGuest(behaviour) { machine, _ throws in
            let (failure, took) = try wait(machine, timeout: .seconds(4))
            #expect(failure.code == .timeout)
            #expect(took > .seconds(8) && took < .seconds(14), "\(took)")
        }
    }

    @Test(arguments: [
        "No bootable device.", "BdsDxe: No bootable option or device was found.",
        "UEFI Interactive Shell v2.2",
        "Entering rescue mode...",
        "ALERT!  UUID=1234 does not exist.  Dropping to a shell!",
        "You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
    ])
    func `is not had with one that has found nothing to boot`(line: String) throws {
        try `Waiting for a guest`.withGuest { machine, _ throws in
            print(["booting", line], every: 50_000, to: machine.consoleLog)
            let (failure, took) = try wait(machine, timeout: .seconds(60))
            #expect(failure.code == .guestStuck && failure.message.contains(line), "\(failure)")
            #expect(took < .seconds(10))
        }
    }

    @Test func `is had with one that boots after somebody has mended it`() throws {
        try `Waiting for a guest`.withGuest { machine, _ throws in
            append(
                "You are in emergency mode.\r\n[    0.000000] Linux version 6.1.0\r\n", to: machine.consoleLog
            )
            #expect(try wait(machine, timeout: .milliseconds(300)).failure.code == .timeout)
        }
    }

    @Test func `is not had with one that boots again and again`() throws {
        try `Waiting for a guest`.withGuest { machine, host throws in
            startThread {
                for _ in 0..<20 {
                    usleep(550_000)
                    host.post(.rebooted, to: "web")
                }
            }
            let (failure, took) = try wait(machine, timeout: .seconds(60))
            #expect(failure.code == .guestStuck && failure.message.contains("again and again"))
            #expect(took < .seconds(10))
        }
    }

    // MARK: up

    private func options(_ goal: Goal?, timeout: Duration = .milliseconds(300)) -> UpOptions {
        var options = UpOptions()
        options.wait = goal
        options.timeout = timeout
        return options
    }

    @Test func `that is over leaves the machine as it is, and the next run goes on waiting`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let machine = Machine("web", on: host, state: state)
            let spec = `Bringing a VM up`.spec()
            let failure = try #require(throws: Failure.self) {
                _ = try machine.up(spec, options(nil))
            }
            #expect(failure.code == .timeout)
            #expect(failure.hint?.contains("vm web is left as it is") == true, "\(failure)")
            #expect(failure.hint?.contains("limiq rm web") == true)
            #expect(failure.hint?.contains("removed") == false)
            #expect(try host.domain("web")?.state == .running)
            #expect(MachineJournal.read(in: state.machine("web"))?.isFinished == true)
            #expect(try Leftovers(state: state, on: host).survey().left.isEmpty)

            append(`Bringing a VM up`.finished, to: machine.consoleLog)
            let calls = host.calls
            let report = try machine.up(spec, options(nil, timeout: .seconds(20)))
            #expect(!report.changed && report.phases.map(\.step.word) == ["cloud-init"])
            #expect(host.calls == calls)
        }
    }

    @Test func `that is over for a machine on its second start leaves that as well`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(`Bringing a VM up`.spec())
            try host.destroy("web")
            host.behaviour.withLock { $0.console = "" }
            #expect(throws: Failure.self) { try machine.up(`Bringing a VM up`.spec(), options(nil)) }
            #expect(try host.domain("web")?.state == .running)
        }
    }

    @Test func `gives no advice about a machine that was removed`() throws {
        try withScratchState { state throws in
            var behaviour = FakeHypervisor.Behaviour()
            behaviour.console = "Entering rescue mode...\r\n"
            let host = FakeHypervisor(behaviour)
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).up(`Bringing a VM up`.spec(), options(nil))
            }
            #expect(try failure.code == .guestStuck && host.domain("web") == nil)
            #expect(failure.hint == "vm web was removed again; keep = true leaves it for a look")
        }
    }

    // MARK: ways

    @Test(arguments: [(Goal.ssh, "nothing leads to port 22 of web"), (.address, "web has no nic")])
    func `is not asked for where nothing could ever come`(goal: Goal, words: String) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let machine = Machine("web", on: host, state: state)
            var spec = `Bringing a VM up`.spec()
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec, options(goal)) }
            #expect(failure.code == .badField && failure.message.hasPrefix(words), "\(failure)")
            #expect(host.calls.isEmpty && !fileExists(state.machine("web")))
            // A nic that leads elsewhere is no way to it.
            spec = `Bringing a VM up`.spec(port: try `Bringing a VM up`.freePort())
            if goal == .ssh { #expect(throws: Failure.self) { try machine.up(spec, options(goal)) } }
            #expect(host.calls.isEmpty)
        }
    }

    @Test(arguments: [22, nil] as [UInt16?])
    func `is had where a nic leads there`(guest: UInt16?) throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: FakeHypervisor(), state: state)
            var spec = VMSpec(name: "web")
            var nic = NICSpec(id: "lan")
            if let guest {
                nic.forward = [PortForward(host: try `Bringing a VM up`.freePort(), guest: guest)]
            } else {
                nic.network = "default"
            }
            spec.nics = [nic]
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec, options(.ssh)) }
            #expect(failure.code == .timeout, "\(failure)")
        }
    }

    @Test func `is not asked for where the forward leads to another machine only`() throws {
        try withScratchState { state throws in
            var spec = VMSpec(name: "web")
            var nic = NICSpec(id: "lan")
            nic.forward = [PortForward(host: 2222, guest: 22)]
            spec.nics = [nic]
            for (uri, code) in [
                ("qemu+tls://node2/system", Failure.Code.hostNotAble), ("qemu+ssh://node2/system", nil),
            ] {
                let machine = Machine("web", on: FakeHypervisor(uri: uri), state: state)
                var failure: Failure?
                do throws(Failure) { try machine.requireWay(to: .ssh, spec) } catch { failure = error }
                #expect(failure?.code == code)
            }
        }
    }

    @Test func `for ssh of a domain that nobody here made is refused`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            _ = try host.define("<domain><name>theirs</name></domain>")
            try host.start("theirs")
            let machine = Machine("theirs", on: host, state: state)
            #expect(try wait(machine, timeout: .seconds(30), goal: .ssh).failure.code == .badField)
        }
    }
}
