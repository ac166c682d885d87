import Basics
import Glibc
import HostFiles
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `Forwards of a guest that runs` {
    /// A VM that runs with a forward, and what it was asked to do since.
    private struct Running {
        let host = `Bringing a VM up`.booting()
        let machine: Machine
        let port: UInt16
        let spec: VMSpec
        private let before: Int

        init(_ state: StateFolder) throws {
            port = try `Bringing a VM up`.freePort()
            spec = `Bringing a VM up`.spec(port: port)
            machine = Machine("web", on: host, state: state)
            _ = try machine.up(spec)
            before = host.calls.count
        }

        var calls: [String] { host.calls.dropFirst(before).map { $0.replacing(" web", with: "") } }
        var present: [PortForward] {
            get throws { try machine.info().forwards }
        }
        func spec(_ forwards: PortForward...) -> VMSpec {
            var spec = spec
            spec.nics[0].forward = forwards
            return spec
        }
    }

    /// Somebody else's.
    private static func withTakenPort(_ body: (UInt16) throws -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0)
                try #require(getsockname(descriptor, $0, &length) == 0)
            }
        }
        try body(UInt16(bigEndian: address.sin_port))
    }

    @Test func `stay as they are where a new one's port is taken, before anything is changed`() throws {
        try withScratchState { state throws in
            let running = try Running(state)
            try Self.withTakenPort { taken in
                let wanted = running.spec(
                    PortForward(host: taken, guest: 80), PortForward(host: running.port, guest: 8080))
                for attempt in [
                    { _ = try running.machine.plan(wanted) }, { _ = try running.machine.up(wanted) },
                ] {
                    let failure = try #require(throws: Failure.self) { try attempt() }
                    #expect(failure.code == .portInUse && failure.message.contains("\(taken)"))
                }
                #expect(running.calls == [])
                #expect(try running.machine.endpoint(ofGuestPort: 80) == "127.0.0.1:\(running.port)")
            }
        }
    }

    @Test func `a restart that needs a port that is taken leaves the guest running`() throws {
        try withScratchState { state throws in
            let running = try Running(state)
            try Self.withTakenPort { taken in
                var wanted = running.spec(PortForward(host: taken, guest: 80))
                wanted.cpuCores = 4
                var options = UpOptions()
                options.restart = true
                let failure = try #require(throws: Failure.self) {
                    try running.machine.up(wanted, options)
                }
                #expect(failure.code == .portInUse)
                #expect(running.calls == [])
            }
        }
    }

    @Test func `are put back where QEMU refuses one of the new`() throws {
        try withScratchState { state throws in
            let running = try Running(state)
            let (second, third) = try (`Bringing a VM up`.freePort(), `Bringing a VM up`.freePort())
            running.host.behaviour.withLock {
                $0.monitor = { command in
                    command.hasPrefix("hostfwd_add") && command.hasSuffix(":9999")
                        ? "Could not set up host forwarding rule\r\n" : nil
                }
            }
            for wanted in [
                // Refused before, and after the old one was taken back.
                running.spec(PortForward(host: second, guest: 80), PortForward(host: third, guest: 9999)),
                running.spec(
                    PortForward(host: second, guest: 80), PortForward(host: running.port, guest: 9999)),
            ] {
                let failure = try #require(throws: Failure.self) { try running.machine.up(wanted) }
                #expect(failure.code == .portInUse && failure.cause?.contains("rule") == true)
                #expect(failure.hint?.contains("not changed in the running guest") == true)
                let node = try #require(running.host.liveNode("web"))
                #expect(node.userNICs == ["ua-nic-nic1"])
                _ = try running.machine.up(running.spec)
                #expect(try running.present == [PortForward(host: running.port, guest: 80)])
            }
            #expect(!running.calls.contains { $0 == "hostfwd_remove hostua-nic-nic1 tcp:127.0.0.1:\(third)" })
        }
    }

    @Test func `a host port may lead to another guest port, and two may change places`() throws {
        try withScratchState { state throws in
            let running = try Running(state)
            let second = try `Bringing a VM up`.freePort()
            let forwards = [
                PortForward(host: running.port, guest: 80), PortForward(host: second, guest: 81),
            ]
            _ = try running.machine.up(running.spec(forwards[0], forwards[1]))
            let swapped = [
                PortForward(host: running.port, guest: 81), PortForward(host: second, guest: 80),
            ]
            _ = try running.machine.up(running.spec(swapped[0], swapped[1]))
            #expect(try running.present == swapped)
            #expect(try !running.machine.up(running.spec(swapped[0], swapped[1])).changed)
        }
    }

    @Test func `are none of a nic that waits for the next start`() throws {
        try withScratchState { state throws in
            var before = `Bringing a VM up`.spec()
            before.nics = []
            let host = `Bringing a VM up`.booting()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(before)
            try Self.withTakenPort { taken in
                var wanted = `Bringing a VM up`.spec(port: taken)
                wanted.nics[0].model = .e1000
                wanted.nics[0].forward.append(PortForward(host: taken + 1, guest: 22))
                let report = try machine.up(wanted)
                #expect(report.pending.map(\.path) == ["nics[1]"] && report.forwards == [])
                let failure = try #require(throws: Failure.self) { try machine.endpoint(ofGuestPort: 80) }
                #expect(failure.message.contains("nics[1] is pending"), "\(failure)")
                #expect(failure.hint?.contains("restart = true") == true)
                #expect(machine.sshEndpoint(wanted.nics) == nil)
                // Off, it is where it will be.
                try host.destroy("web")
                #expect(try machine.endpoint(ofGuestPort: 80) == "127.0.0.1:\(taken)")
            }
        }
    }

    @Test func `are said to be missing where somebody took them out by hand`() throws {
        try withScratchState { state throws in
            let running = try Running(state)
            _ = try running.host.monitor(
                "web", "hostfwd_remove hostua-nic-nic1 tcp:127.0.0.1:\(running.port)")
            let failure = try #require(throws: Failure.self) {
                try running.machine.endpoint(ofGuestPort: 80)
            }
            #expect(failure.message.contains("not set in the running guest"), "\(failure)")
            #expect(try running.machine.up(running.spec).changed)
            #expect(try running.machine.endpoint(ofGuestPort: 80) == "127.0.0.1:\(running.port)")
        }
    }

    @Test func `of a nic that leaves its network wait until it has`() throws {
        try withScratchState { state throws in
            var before = `Bringing a VM up`.spec()
            before.nics = [NICSpec(id: "nic1")]
            before.nics[0].network = "default"
            let host = `Bringing a VM up`.booting()
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(before)
            let port = try `Bringing a VM up`.freePort()
            let report = try machine.up(`Bringing a VM up`.spec(port: port))
            #expect(report.pending.map(\.path) == ["nics[1].forward", "nics[1].network"])
            #expect(report.forwards == [])
            let failure = try #require(throws: Failure.self) { try machine.endpoint(ofGuestPort: 80) }
            #expect(failure.message.contains("pending"))
        }
    }
}
