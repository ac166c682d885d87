import Basics
import FoundationEssentials
import Glibc
import GuestConfig
import Hypervisors
import MachineSpec
import Support
import Synchronization
import Testing

@testable import Provisioning

/// A guest whose agent has files, and says of others that they are not there.
private final class GuestFilesFake: Sendable {
    private let files: Mutex<[String: String]>
    private let open = Mutex<String>("")

    init(_ files: [String: String]) { self.files = Mutex(files) }

    func put(_ path: String, _ text: String) { files.withLock { $0[path] = text } }

    var behaviour: FakeHypervisor.Behaviour {
        var behaviour = FakeHypervisor.Behaviour()
        behaviour.agent = { [self] command in answer(command) }
        behaviour.agentFails = {
            Failure(
                .libvirt, "cannot ask the guest agent",
                cause:
                    "unable to execute QEMU agent command 'guest-file-open': failed to open file: No such file or directory"
            )
        }
        return behaviour
    }

    private func answer(_ command: String) -> String? {
        if command.contains("guest-ping") || command.contains("guest-file-close") { return #"{"return":{}}"# }
        if command.contains("guest-get-osinfo") { return #"{"return":{"id":"debian"}}"# }
        if command.contains("guest-file-open") {
            let path = files.withLock { files in
                files.keys.first { command.replacing("\\/", with: "/").contains("\"\($0)\"") }
            }
            guard let path else { return nil }
            open.withLock { $0 = path }
            return #"{"return":1000}"#
        }
        if command.contains("guest-file-read") {
            let text = files.withLock { $0[open.withLock(\.self)] } ?? ""
            let bytes = Data(text.utf8).base64EncodedString()
            return #"{"return":{"count":\#(text.utf8.count),"buf-b64":"\#(bytes)","eof":true}}"#
        }
        return nil
    }
}

private let done = #"{"v1": {"datasource": "DataSourceNoCloud", "errors": []}}"#
private let stage =
    "[   55.0] cloud-init[512]: Cloud-init v. 22.4.2 running 'modules:final' at Mon, 23 Nov 2026 10:00:55 +0000. Up 54.90 seconds.\r\n"
private let restart = "[   71.1] reboot: Restarting system\r\n"

@Suite struct `A guest without cloud-init` {
    private func failure(of files: [String: String]) throws -> Failure {
        try withScratchState { state throws in
            let host = FakeHypervisor(GuestFilesFake(files).behaviour)
            _ = try host.define("<domain><name>web</name></domain>")
            try host.start("web")
            return try #require(throws: Failure.self) {
                try Machine("web", on: host, state: state).wait(
                    for: .cloudInit, timeout: .seconds(2), cancellation: Cancellation())
            }
        }
    }

    @Test func `says so as soon as it answers`() throws {
        let off = try failure(of: [CloudInitAbsence.disabledMark: "", CloudInitAbsence.offSwitch: ""])
        #expect(off.code == .noCloudInit)
        #expect(
            off.message == "cloud-init is disabled in web by /etc/cloud/cloud-init.disabled, and does not run"
        )
        let disabled = try failure(of: [CloudInitAbsence.disabledMark: ""])
        #expect(disabled.code == .noCloudInit && disabled.message.contains("it found no seed"))
        let missing = try failure(of: ["/bin/sh": ""])
        #expect(missing.code == .noCloudInit && missing.message == "there is no cloud-init in web")
    }

    @Test(arguments: [CloudInitAbsence.enabledMark, "/usr/bin/cloud-init"])
    func `is not one that is still to run it`(file: String) throws {
        #expect(try failure(of: [file: ""]).code == .timeout)
    }

    @Test func `that has had it in an earlier boot is up, with a warning`() throws {
        try withScratchState { state throws in
            let guest = GuestFilesFake([CloudInitAbsence.disabledMark: ""])
            let host = FakeHypervisor(guest.behaviour)
            let machine = Machine("web", on: host, state: state)
            let spec = `Bringing a VM up`.spec()
            var options = UpOptions()
            options.keep = true
            let failure = try #require(throws: Failure.self) { _ = try machine.up(spec, options) }
            #expect(failure.code == .noCloudInit)
            machine.remember(CloudInitOutcome(errors: [], finishLine: "an earlier boot's"))
            let report = try machine.up(spec)
            #expect(report.warnings.contains { $0.contains("it has finished in an earlier boot") })
        }
    }
}

@Suite struct `What power_state asks for` {
    @Test(
        arguments: [
            ("power_state: {mode: reboot}", PowerChange(.reboot)),
            ("power_state:\n  mode: poweroff\n  delay: now\n  condition: true", PowerChange(.poweroff)),
            ("power_state: {mode: halt, delay: '+5', message: bye}", PowerChange(.halt, delay: 300)),
            ("power_state: {mode: reboot, delay: 2}", PowerChange(.reboot, delay: 120)),
            ("power_state: {mode: reboot, condition: test -e /x}", PowerChange(.reboot)),
            ("power_state: {mode: reboot, condition: false}", nil), ("power_state: {mode: dance}", nil),
            ("power_state: {delay: now}", nil), ("power_state: 7", nil), ("packages: [nginx]", nil),
            ("power_state: {mode: reboot, delay: -9223372036854775808}", PowerChange(.reboot)),
            ("power_state: {mode: reboot, delay: 9223372036854775807}", PowerChange(.reboot, delay: 86_400)),
        ] as [(String, PowerChange?)])
    func `is read as cloud-init reads it`(text: String, change: PowerChange?) {
        #expect(CloudInitSpec(userData: .text("#cloud-config\n\(text)\n")).powerChange == change)
    }

    /// A VM whose cloud-config ends so, as it is up.
    private func withGuest(
        _ mode: String, _ guest: GuestFilesFake = GuestFilesFake([CloudInitAbsence.enabledMark: ""]),
        _ body: (Machine, FakeHypervisor, VMSpec) throws -> Void
    ) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor(guest.behaviour)
            var spec = `Bringing a VM up`.spec()
            spec.cloudInit?.userData = .text("#cloud-config\npower_state: {mode: \(mode)}\n")
            let machine = Machine("web", on: host, state: state)
            var options = UpOptions()
            options.wait = .running
            _ = try machine.up(spec, options)
            try body(machine, host, spec)
        }
    }

    private func wait(
        _ machine: Machine, timeout: Duration = .seconds(20), _ onLine: (String) -> Void = { _ in }
    ) throws {
        try machine.wait(
            for: .cloudInit, timeout: timeout, cancellation: Cancellation(), onLine: onLine)
    }

    @Test(arguments: [true, false])
    func `is waited for: the boot after a reboot`(hasAgent: Bool) throws {
        let guest = GuestFilesFake([CloudInitAbsence.enabledMark: ""])
        if hasAgent { guest.put(CloudInitAbsence.result, done) }
        try withGuest("reboot", guest) { machine, host, spec throws in
            let boots = Mutex(0)
            append(stage + `Bringing a VM up`.finished, to: machine.consoleLog)
            startThread {
                usleep(700_000)
                append(restart, to: machine.consoleLog)
                boots.withLock { $0 += 1 }
                host.post(.rebooted, to: "web")
                usleep(300_000)
                append(`Bringing a VM up`.finished.replacing("63.24", with: "41.07"), to: machine.consoleLog)
            }
            try wait(machine)
            #expect(boots.withLock(\.self) == 1)
            // That was it: there is nothing more to wait for.
            let began = ContinuousClock.now
            try wait(machine)
            let report = try machine.up(spec)
            #expect(!report.changed && began.duration(to: .now) < .seconds(5))
        }
    }

    @Test func `is known to have been where a killed run had waited for it`() throws {
        try withGuest("reboot", GuestFilesFake([CloudInitAbsence.enabledMark: ""])) { machine, _, _ throws in
            append(
                stage + `Bringing a VM up`.finished + restart
                    + `Bringing a VM up`.finished.replacing("63.24", with: "41.07"), to: machine.consoleLog)
            let began = ContinuousClock.now
            try wait(machine)
            #expect(began.duration(to: .now) < .seconds(8))
        }
    }

    @Test func `is not waited for without end where it does not come`() throws {
        try withGuest("reboot", GuestFilesFake([CloudInitAbsence.result: done])) { machine, _, _ throws in
            let readiness = try Readiness(machine, nics: [], change: PowerChange(.reboot))
            readiness.powerChangeTime = .milliseconds(500)
            try readiness.wait(for: .cloudInit, timeout: .seconds(20), cancellation: Cancellation())
            let began = ContinuousClock.now
            try wait(machine)
            #expect(began.duration(to: .now) < .seconds(5))
        }
    }

    @Test(arguments: [true, false])
    func `is waited for: the end of one that powers off`(showsConsole: Bool) throws {
        try withGuest("poweroff") { machine, host, _ throws in
            startThread {
                if showsConsole { append(stage + `Bringing a VM up`.finished, to: machine.consoleLog) }
                usleep(300_000)
                host.post(.stopped(.shutdown), to: "web")
            }
            try wait(machine)
            #expect(try host.domain("web")?.state == .shutOff)
        }
    }

    @Test func `is waited for: the end of one that halts`() throws {
        try withGuest("halt") { machine, _, _ throws in
            append(stage + `Bringing a VM up`.finished, to: machine.consoleLog)
            startThread {
                usleep(300_000)
                append("[   80.2] reboot: System halted\r\n", to: machine.consoleLog)
            }
            try wait(machine)
        }
    }

    @Test func `does not make errors good`() throws {
        let failed = #"{"v1": {"errors": ["('scripts_user', RuntimeError('x'))"]}}"#
        try withGuest("reboot", GuestFilesFake([CloudInitAbsence.result: failed])) { machine, _, _ throws in
            let failure = try #require(throws: Failure.self) { try wait(machine) }
            #expect(failure.code == .cloudInit)
        }
    }

    @Test func `is for cloud-init's end only: a guest that is ended is no guest that is ready`() throws {
        for (mode, reason) in [("poweroff", StopReason.destroyed), ("reboot", .shutdown)] {
            try withGuest(mode) { machine, host, _ throws in
                startThread {
                    usleep(200_000)
                    host.post(.stopped(reason), to: "web")
                }
                #expect(throws: Failure.self) { try wait(machine) }
            }
        }
    }
}
