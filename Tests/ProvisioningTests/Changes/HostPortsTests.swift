import Basics
import Foundation
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Synchronization
import Testing

@testable import Provisioning

@Suite struct `Ports that are left to limiq` {
    private static func spec(
        _ name: String = "web", _ forwards: [PortForward] = [PortForward(host: PortForward.chosen, guest: 22)]
    ) -> VMSpec {
        var spec = `Bringing a VM up`.spec()
        spec.name = name
        var nic = NICSpec(id: "nic1")
        nic.forward = forwards
        spec.nics = [nic]
        return spec
    }

    private static func machine(_ state: StateFolder) -> Machine {
        Machine("web", on: `Bringing a VM up`.booting(), state: state)
    }

    @Test func `are chosen once, and kept over another run, a stop, another description and replacement`()
        throws
    {
        try withScratchState { state throws in
            let machine = Self.machine(state)
            let planned = try machine.settled(Self.spec()).nics[0].forward[0].host
            let report = try machine.up(Self.spec())
            let port = try #require(report.forwards.first?.host)
            #expect(ChosenPorts.range.contains(Int(port)) && port == planned)
            #expect(try machine.info().forwards == [PortForward(host: port, guest: 22)])
            #expect(try !machine.up(Self.spec()).changed)
            #expect(try machine.diff(Self.spec()) == [])
            #expect(try machine.endpoint(ofGuestPort: 22) == "127.0.0.1:\(port)")

            _ = try machine.down(timeout: .zero)
            #expect(try machine.endpoint(ofGuestPort: 22) == "127.0.0.1:\(port)")
            try machine.start()
            #expect(try machine.info().forwards == [PortForward(host: port, guest: 22)])

            // One more, beside it, in the guest that runs; and it survives a restart.
            var more = Self.spec()
            more.nics[0].forward.append(PortForward(host: PortForward.chosen, guest: 80))
            let second = try #require(try machine.up(more).forwards.last?.host)
            #expect(second != port)
            _ = try machine.down(timeout: .zero)
            #expect(try machine.up(more).forwards.map(\.host) == [port, second])

            more.firmware = .uefi
            var options = UpOptions()
            options.replace = true
            #expect(try machine.up(more, options).forwards.map(\.host) == [port, second])
        }
    }

    @Test func `of machines that come up at the same time are each another`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            let ports = Mutex<[UInt16]>([])
            DispatchQueue.concurrentPerform(iterations: 24) { index in
                let name = "web-\(index)"
                let forwards = [22, 80].map { PortForward(host: PortForward.chosen, guest: $0) }
                let report = try? Machine(name, on: host, state: state).up(Self.spec(name, forwards))
                ports.withLock { $0 += report?.forwards.map(\.host) ?? [] }
            }
            #expect(ports.withLock { ($0.count, Set($0).count) } == (48, 48))
        }
    }

    @Test func `are none that somebody else has, or that another process is choosing now`() throws {
        try withScratchState { state throws in
            let machine = Self.machine(state)
            let first = try machine.settled(Self.spec()).nics[0].forward[0]
            // As another limiq holds it until its guest has it.
            let theirs = ChosenPorts()
            let held = try theirs.choose(first, of: "\(state.root)\0web", nic: "nic1", isLocal: true) { _ in
                false
            }
            #expect(held.host == first.host)
            let other = try Machine("web", on: FakeHypervisor(), state: state).settled(Self.spec())
            #expect(other.nics[0].forward[0].host != first.host)
            withExtendedLifetime(theirs) {}
        }
    }

    @Test func `do not keep QEMU from opening them`() throws {
        let ports = ChosenPorts()
        let chosen = try ports.choose(
            PortForward(host: PortForward.chosen, guest: 22), of: "nobody", nic: "nic1", isLocal: true
        ) { _ in false }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port: chosen.host)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(status == 0 && listen(descriptor, 1) == 0)
        withExtendedLifetime(ports) {}
    }

    @Test func `are opened at the address that is asked for, which must be one of this host's`() throws {
        try withScratchState { state throws in
            let machine = Self.machine(state)
            let port = try `Bringing a VM up`.freePort()
            let all = Self.spec("web", [PortForward(host: port, guest: 80, bind: "0.0.0.0")])
            _ = try machine.up(all)
            #expect(try machine.info().forwards == all.nics[0].forward)
            #expect(try machine.endpoint(ofGuestPort: 80) == "127.0.0.1:\(port)")
            #expect(try !machine.up(all).changed)
            for (bind, code) in [
                ("192.0.2.1", Failure.Code.hostNotAble), ("here", .badField), ("010.0.0.1", .badField),
            ] {
                let wanted = Self.spec("web", [PortForward(host: port, guest: 81, bind: bind)])
                let failure = try #require(throws: Failure.self) { try machine.up(wanted) }
                #expect(failure.code == code && failure.message.contains(bind), "\(failure)")
            }
            let twice = Self.spec(
                "web",
                [PortForward(host: port, guest: 80), PortForward(host: port, guest: 81, bind: "0.0.0.0")])
            #expect(throws: Failure.self) { try twice.check() }
        }
    }

    @Test func `of a screen that are taken are told before anything is made`() throws {
        try withScratchState { state throws in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = loopback(port: 0)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, size)
                    _ = listen(descriptor, 1)
                    _ = getsockname(descriptor, $0, &size)
                }
            }
            let machine = Self.machine(state)
            var spec = Self.spec()
            spec.console = ConsoleSpec()
            spec.console?.vncEnabled = true
            spec.console?.vncPort = UInt16(bigEndian: address.sin_port)
            for attempt in [
                { _ = try machine.up(spec) }, { _ = try machine.plan(spec) },
                { _ = try machine.preflight(spec) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(
                    failure.code == .portInUse && failure.message.contains("console.vnc_port"), "\(failure)")
            }
            #expect(`Bringing a VM up`.contents(state.machines).isEmpty)
        }
    }
}

@Suite struct `A machine whose script says nothing of nics` {
    private static func spec() -> VMSpec {
        var spec = `Bringing a VM up`.spec()
        spec.nics = [.standard]
        return spec
    }

    @Test func `has one on user networking, with a way to its port 22`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: `Bringing a VM up`.booting(), state: state)
            let report = try machine.up(Self.spec())
            #expect(report.forwards.map(\.guest) == [22])
            #expect(try machine.record()?.spec.nics.map(\.isUser) == [true])
            #expect(try !machine.up(Self.spec()).changed)
        }
    }

    @Test func `is on the default network where that is active, and stays where it is`() throws {
        try withScratchState { state throws in
            let host = `Bringing a VM up`.booting()
            try host.fakeNetworks.startNetwork("default")
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(Self.spec())
            #expect(try machine.record()?.spec.nics.map(\.network?.name) == ["default"])
            try host.fakeNetworks.stopNetwork("default")
            #expect(try !machine.up(Self.spec()).changed)
        }
    }

    @Test func `has none where it was made without, and is told nothing of it`() throws {
        try withScratchState { state throws in
            let machine = Machine("web", on: `Bringing a VM up`.booting(), state: state)
            _ = try machine.up(`Bringing a VM up`.spec())
            #expect(try machine.diff(Self.spec()) == [])
            let report = try machine.up(Self.spec())
            #expect(!report.changed && report.forwards == [])
        }
    }
}
