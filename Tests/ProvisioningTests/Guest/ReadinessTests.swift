import Basics
import Glibc
import Hypervisors
import MachineSpec
import Support
import Synchronization
import Testing

@testable import Provisioning

/// Console text recorded from Debian 12 guests, shortened.
private enum Recorded {
    static let boot =
        "\u{1B}c\u{1B}[?7l\u{1B}[2JSeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n"
        + "[    0.000000] Linux version 6.1.0-38-cloud-amd64\r\n"
        + "[    9.812345] cloud-init[312]: Cloud-init v. 22.4.2 running 'init-local' at Mon, 23 Nov 2026 10:00:10 +0000. Up 9.80 seconds.\r\n"
        + "[   20.112345] cloud-init[345]: Cloud-init v. 22.4.2 running 'init' at Mon, 23 Nov 2026 10:00:20 +0000. Up 20.01 seconds.\r\n"
    static let final =
        "[   55.000000] cloud-init[512]: Cloud-init v. 22.4.2 running 'modules:final' at Mon, 23 Nov 2026 10:00:55 +0000. Up 54.90 seconds.\r\n"
    static let finished =
        "[   63.300000] cloud-init[512]: Cloud-init v. 22.4.2 finished at Mon, 23 Nov 2026 10:01:03 +0000. Datasource DataSourceNoCloud [seed=/dev/sr0][dsmode=net].  Up 63.24 seconds\r\n"
    static let failedModule =
        "[   60.100000] cloud-init[512]: 2026-11-23 10:01:00,123 - cc_scripts_user.py[WARNING]: Failed to run module scripts-user (scripts in /var/lib/cloud/instance/scripts)\r\n"
        + "[   60.110000] cloud-init[512]: 2026-11-23 10:01:00,130 - util.py[WARNING]: Running module scripts-user (<module 'cloudinit.config.cc_scripts_user' from '/usr/lib/python3/dist-packages/cloudinit/config/cc_scripts_user.py'>) failed\r\n"
    static let panic =
        "[    3.0] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
}

@Suite struct `Waiting for a guest` {
    /// Runs `body` with a running VM whose console log is empty.
    static func withGuest(
        _ behaviour: FakeHypervisor.Behaviour = FakeHypervisor.Behaviour(),
        _ body: (Machine, FakeHypervisor) throws -> Void
    ) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor(behaviour)
            var options = UpOptions()
            options.wait = .running
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(`Bringing a VM up`.spec(), options)
            try body(machine, host)
        }
    }

    static func wait(_ machine: Machine, _ goal: Goal = .cloudInit, timeout: Duration = .seconds(20))
        throws(Failure)
    {
        try machine.wait(for: goal, timeout: timeout, cancellation: Cancellation())
    }

    /// Does something from another thread as soon as the wait sees a line.
    static func wait(
        _ machine: Machine, timeout: Duration = .seconds(20), whenItSees text: String,
        _ action: @escaping @Sendable () -> Void
    ) throws(Failure) {
        var done = false
        try machine.wait(for: .cloudInit, timeout: timeout, cancellation: Cancellation()) { line in
            if !done, line.contains(text) {
                done = true
                startThread(action)
            }
        }
    }

    @Test func `ends at the console's finish line, though nothing else in the guest answers`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.boot, to: machine.consoleLog)
            try Self.wait(machine, whenItSees: "running 'init'") {
                append(Recorded.final, to: machine.consoleLog)
                append(Recorded.finished, to: machine.consoleLog)
            }
        }
    }

    @Test func `tells which module failed, from the console`() throws {
        try Self.withGuest { machine, _ throws in
            append(
                Recorded.boot + Recorded.final + Recorded.failedModule + Recorded.finished,
                to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) { try Self.wait(machine) }
            #expect(failure.code == .cloudInit)
            #expect(failure.message.contains("scripts-user"))
        }
    }

    @Test func `tells which module failed and why, from result.json where the agent answers`() throws {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.agent = { command in
            if command.contains("guest-ping") { return #"{"return":{}}"# }
            if command.contains("guest-file-open") { return #"{"return":1000}"# }
            if command.contains("guest-file-read") {
                // {"v1": {"datasource": "DataSourceNoCloud", "errors": ["('locale', ProcessExecutionError('x'))"]}}
                return
                    #"{"return":{"count":97,"eof":true,"buf-b64":"eyJ2MSI6IHsiZGF0YXNvdXJjZSI6ICJEYXRhU291cmNlTm9DbG91ZCIsICJlcnJvcnMiOiBbIignbG9jYWxlJywgUHJvY2Vzc0V4ZWN1dGlvbkVycm9yKCd4JykpIl19fQ=="}}"#
            }
            return #"{"return":{}}"#
        }
        try Self.withGuest(behaviour) { machine, _ throws in
            let failure = try #require(throws: Failure.self) { try Self.wait(machine) }
            #expect(failure.code == .cloudInit)
            #expect(failure.message.contains("locale: ProcessExecutionError('x')"))
        }
    }

    @Test func `says the last stage seen and the last lines when time is up`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, timeout: .milliseconds(300))
            }
            #expect(failure.code == .timeout)
            #expect(failure.message.contains("the last stage seen is init"))
            #expect(failure.cause?.contains("| SeaBIOS (version") == true)
            #expect(failure.cause?.contains("\u{1B}") == false)
        }
    }

    @Test func `ends at once when the kernel panics`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, whenItSees: "running 'init'") {
                    append(Recorded.panic, to: machine.consoleLog)
                }
            }
            #expect(failure.code == .guestPanicked)
            #expect(failure.message.contains("Unable to mount root fs"))
        }
    }

    @Test func `ends at once when the guest stops`() throws {
        try Self.withGuest { machine, host throws in
            append(Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, whenItSees: "running 'init'") {
                    host.post(.stopped(.shutdown), to: "web")
                }
            }
            #expect(failure.code == .guestStopped)
            #expect(failure.cause?.contains("running 'init'") == true)
        }
    }

    @Test(
        arguments: [("internal-error", Failure.Code.guestFailed), ("io-error", .guestStopped)]
            + [("guest-panicked", .guestPanicked)])
    func `ends at once when the hypervisor pauses the guest over an error`(
        status: String, code: Failure.Code
    ) throws {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.qmp = { _ in #"{"return":{"status":"\#(status)","running":false}}"# }
        try Self.withGuest(behaviour) { machine, host throws in
            append(Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, whenItSees: "running 'init'") { host.post(.suspended, to: "web") }
            }
            #expect(failure.code == code)
        }
    }

    @Test func `waits on when a person pauses the guest, whatever the reply says beside`() throws {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.qmp = { _ in #"{"return":{"status":"paused","running":false,"note":"\"io-error\""}}"# }
        try Self.withGuest(behaviour) { machine, host throws in
            append(Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, timeout: .milliseconds(500), whenItSees: "running 'init'") {
                    host.post(.suspended, to: "web")
                }
            }
            #expect(failure.code == .timeout)
        }
    }

    @Test func `remembers how a boot ended, and forgets it with the next boot`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.boot + Recorded.failedModule + Recorded.finished, to: machine.consoleLog)
            #expect(throws: Failure.self) { try Self.wait(machine) }
            // The same finish line and no word of the module: the answer is the remembered one.
            append(Recorded.finished, to: machine.consoleLog, truncate: true)
            let again = try #require(throws: Failure.self) { try Self.wait(machine) }
            #expect(again.message.contains("scripts-user"))
            let next = Recorded.finished.replacing("63.24", with: "41.07")
            append(Recorded.boot + next, to: machine.consoleLog, truncate: true)
            try Self.wait(machine)
        }
    }

    @Test func `is not fooled by the log of an earlier start`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.finished + Recorded.boot, to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, timeout: .milliseconds(300))
            }
            #expect(failure.code == .timeout)
        }
    }

    @Test func `is for the new boot when a guest boots again, though all stands in one log`() throws {
        try Self.withGuest { machine, _ throws in
            append(Recorded.boot + Recorded.finished, to: machine.consoleLog)
            for again in [{ try machine.reboot(timeout: .seconds(20)) }, { try machine.reset() }] {
                try Self.wait(machine)
                try again()
                let failure = try #require(throws: Failure.self) {
                    try Self.wait(machine, timeout: .milliseconds(300))
                }
                #expect(failure.code == .timeout)
                append(Recorded.boot + Recorded.finished, to: machine.consoleLog)
            }
            try machine.hypervisor.destroy("web")
            append("", to: machine.consoleLog, truncate: true)
            try machine.start()
            append(Recorded.boot + Recorded.finished, to: machine.consoleLog)
            try Self.wait(machine)
        }
    }

    @Test func `is for the new boot when the guest has begun it by itself`() throws {
        try Self.withGuest { machine, _ throws in
            append(
                Recorded.boot + Recorded.finished + "[   71.1] reboot: Restarting system\r\n",
                to: machine.consoleLog)
            let failure = try #require(throws: Failure.self) {
                try Self.wait(machine, timeout: .milliseconds(300))
            }
            #expect(failure.code == .timeout)
        }
    }

    @Test(
        arguments: zip(
            [nil, DomainEvent.stopped(.shutdown), .connectionLost],
            [Failure.Code.timeout, .guestStopped, .libvirt]))
    func `a guest that does not boot again is an error`(event: DomainEvent?, code: Failure.Code) throws {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.eventsAfterReboot = event.map { [$0] } ?? []
        try Self.withGuest(behaviour) { machine, _ throws in
            let failure = try #require(throws: Failure.self) {
                try machine.reboot(timeout: .milliseconds(200))
            }
            #expect(failure.code == code)
        }
    }

    @Test func `refuses to wait for a guest that is off`() throws {
        try Self.withGuest { machine, host throws in
            try host.destroy("web")
            let failure = try #require(throws: Failure.self) { try Self.wait(machine) }
            #expect(failure.code == .guestStopped)
            try Self.wait(machine, .stopped)
        }
    }
}

@Suite struct `The guest agent` {
    /// A guest with one file, `/etc/hostname`, and a program that takes a while.
    static func guest() -> FakeHypervisor {
        var behaviour = FakeHypervisor.Behaviour()
        let asked = Counter()
        behaviour.agent = { command in
            if command.contains(#""guest-exec""#) { return #"{"return":{"pid":7}}"# }
            if command.contains("guest-exec-status") {
                return asked.next() < 3
                    ? #"{"return":{"exited":false}}"#
                    : #"{"return":{"exited":true,"exitcode":2,"out-data":"b3V0","err-data":"ZXJy"}}"#
            }
            return #"{"return":{}}"#
        }
        return FakeHypervisor(behaviour)
    }

    @Test func `gives a program's code and what it wrote when it has ended`() throws {
        try withScratchState { state throws in
            let host = Self.guest()
            _ = try host.define("<domain><name>web</name></domain>")
            try host.start("web")
            let machine = Machine("web", on: host, state: state)
            let result = try machine.exec(["make"], check: false)
            #expect(result == ExecResult(code: 2, stdout: Array("out".utf8), stderr: Array("err".utf8)))
            let failure = try #require(throws: Failure.self) { _ = try machine.exec(["make"]) }
            #expect(failure.message == "make in web ended with code 2")
            #expect(failure.cause == "err")
        }
    }

    @Test func `a paused guest is not asked anything`() throws {
        try withScratchState { state throws in
            let host = Self.guest()
            _ = try host.define("<domain><name>web</name></domain>")
            try host.start("web")
            try host.suspend("web")
            let failure = try #require(throws: Failure.self) {
                _ = try Machine("web", on: host, state: state).exec(["true"])
            }
            #expect(failure.code == .guestStopped && failure.hint == "resume it first")
        }
    }

    @Test func `refuses a mode that is no mode before it writes`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: Self.guest(), state: state)
            let failure = try #require(throws: Failure.self) {
                try machine.writeFile("/etc/motd", [], mode: "rw")
            }
            #expect(failure.code == .badField)
        }
    }
}

@Suite struct `Console text` {
    @Test func `is shown without what steers a terminal`() {
        let bytes = Array(
            "\u{1B}[2J\u{1B}[01;01HHello\u{7} \u{1B}[0;1;32mgreen\u{1B}[0m\u{1B}]0;title\u{7}!\r\n".utf8)
        #expect(ConsoleText.lines(bytes) == ["Hello green!"])
    }

    @Test func `shows what a carriage return has written last`() {
        #expect(ConsoleText.lines(Array(" 10%\r 20%\r 30%\r\nnext".utf8)) == [" 30%", "next"])
    }

    @Test func `survives bytes that are no text and sequences cut short`() {
        #expect(ConsoleText.lines([0xFF, 0x41, 0x1B, 0x5B, 0x33]) == ["\u{FFFD}A"])
        #expect(ConsoleText.lines([0x41, 0x1B]) == ["A"])
        #expect(ConsoleText.lines([0x1B, 0x5D, 0x30]) == [])
    }
}

@Suite struct `Port forwards` {
    @Test func `are read from what QEMU's monitor prints`() {
        let text = """
            Hub -1 (hostua-nic-nic1):\r
              Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r
              TCP[HOST_FORWARD]  18       127.0.0.1 18080       10.0.2.15    80     0     0\r
              TCP[ESTABLISHED]   20       127.0.0.1 18080       10.0.2.15    80     0     0\r
              UDP[HOST_FORWARD]  19       127.0.0.1 18081       10.0.2.15    81     0     0\r
            """
        #expect(
            PortForwards.parse(text) == [
                "hostua-nic-nic1": [
                    PortForward(host: 18080, guest: 80), PortForward(host: 18081, guest: 81, proto: .udp),
                ]
            ])
    }
}
