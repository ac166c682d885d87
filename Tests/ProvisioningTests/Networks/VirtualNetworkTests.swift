import Basics
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `A network` {
    static func spec(_ change: (inout NetworkSpec) -> Void = { _ in }) -> NetworkSpec {
        var spec = NetworkSpec(name: "net", cidr: "10.77.0.0/24")
        change(&spec)
        return spec
    }

    private static func with(
        _ networks: FakeNetworks = FakeNetworks(),
        _ body: (VirtualNetwork, FakeHypervisor, StateFolder) throws -> Void
    ) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor(networks: networks)
            var network = VirtualNetwork("net", on: host, state: state)
            network.routes = { [] }
            try body(network, host, state)
        }
    }

    /// A machine on the network that has come up.
    static func machine(_ name: String, on host: FakeHypervisor, _ state: StateFolder) throws -> Machine {
        let machine = Machine(name, on: host, state: state)
        var spec = VMSpec(name: name)
        spec.nics = [NICSpec(id: "lan")]
        spec.nics[0].network = .described(Self.spec())
        _ = try machine.up(spec)
        return machine
    }

    @Test func `is made and started once, and is then what its spec says`() throws {
        try Self.with { network, host, _ in
            let full = Self.spec {
                ($0.ipv6, $0.domain, $0.mtu, $0.dns) = ("fd00:77::/64", "net.internal", 1400, ["1.1.1.1"])
                $0.dhcp = .from("10.77.0.100", to: "10.77.0.120")
            }
            #expect(try network.up(full))
            #expect(try !network.up(full))
            let entry = try network.entry()
            #expect(entry.isActive && entry.spec == full, "\(entry)")
            try host.fakeNetworks.stopNetwork("net")
            #expect(try network.plan(full).action == .start)
            #expect(try network.up(full))
            #expect(try network.remove())
            #expect(try !network.remove())
        }
    }

    @Test(arguments: NetworkMode.allCases)
    func `of each mode reads as it was written`(mode: NetworkMode) throws {
        try Self.with { network, _, _ in
            let spec = Self.spec { $0.mode = mode }
            try network.up(spec)
            var read = try #require(try network.entry().spec)
            #expect((read.segment != nil) == (mode == .private))
            read.segment = nil
            #expect(read == spec)
            #expect(try network.plan(spec).action == .none)
        }
    }

    @Test func `without a DHCP server stays without one`() throws {
        try Self.with { network, _, _ in
            for cidr in ["10.77.0.0/24", "10.77.0.0/29"] {
                let spec = Self.spec { ($0.dhcp, $0.cidr) = (.off, cidr) }
                try network.up(spec)
                #expect(try network.plan(spec).action == .none)
                try network.remove()
            }
        }
    }

    @Test func `of somebody else is left alone, and so is a copy of one of limiq's`() throws {
        try Self.with(FakeNetworks(["net"])) { network, host, state in
            for attempt in [{ _ = try network.up(Self.spec()) }, { _ = try network.remove() }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .notOurs && failure.message.contains("net"), "\(failure)")
            }
            try host.fakeNetworks.undefineNetwork("net")
            try network.up(Self.spec())
            let xml = try #require(try host.fakeNetworks.network("net")).xml
            try host.fakeNetworks.defineNetwork(
                xml.replacing("<name>net</name>", with: "<name>copy</name>"), autostart: false)
            let copy = VirtualNetwork("copy", on: host, state: state)
            let failure = try #require(throws: Failure.self) { _ = try copy.remove() }
            #expect(failure.code == .notOurs)
        }
    }

    @Test
    func `with the addresses of another network, or of a route of the host, is refused before it is made`()
        throws
    {
        try Self.with { network, host, state in
            try network.up(Self.spec())
            var other = VirtualNetwork("other", on: host, state: state)
            other.routes = { [] }
            let wide = Self.spec { ($0.name, $0.cidr) = ("other", "10.77.0.0/16") }
            let clash = try #require(throws: Failure.self) { _ = try other.up(wide) }
            #expect(clash.code == .inUse && clash.message.contains("net"), "\(clash)")
            other.routes = {
                HostRoute.ipv4("Iface Destination\neth0\t0000A8C0\t0\t1\t0\t0\t0\t0000FFFF\t0\t0\t0")
            }
            let routed = Self.spec { ($0.name, $0.cidr) = ("other", "192.168.4.0/24") }
            let failure = try #require(throws: Failure.self) { _ = try other.up(routed) }
            #expect(failure.message.contains("eth0, 192.168.0.0/16"), "\(failure)")
            #expect(try host.fakeNetworks.networkNames() == ["net"])
            // The halves of a default route, as VPNs have it, lead everywhere.
            other.routes = {
                HostRoute.ipv4("Iface Destination\ntun0\t00000000\t0\t1\t0\t0\t0\t00000080\t0\t0\t0")
            }
            #expect(try other.plan(routed).action == .make)
            // No route leads to a private network.
            try other.up(Self.spec { ($0.name, $0.cidr, $0.mode) = ("other", "192.168.4.0/24", .private) })
        }
    }

    @Test func `is not removed while a machine is on it, and not changed while one runs`() throws {
        try Self.with { network, host, state in
            let machine = try Self.machine("web", on: host, state)
            let removal = try #require(throws: Failure.self) { _ = try network.remove() }
            #expect(removal.code == .inUse && removal.message.contains("web"), "\(removal)")
            let isolated = Self.spec { $0.mode = .isolated }
            let change = try #require(throws: Failure.self) { _ = try network.up(isolated) }
            #expect(change.code == .inUse && change.message.contains("nat → isolated"), "\(change)")
            try host.destroy("web")
            #expect(try network.plan(isolated).changes.map(\.field) == ["mode"])
            #expect(try network.up(isolated))
            #expect(try network.entry().members.map(\.name) == ["web"])
            // Its machine would have an address of no network.
            let moved = Self.spec { ($0.mode, $0.cidr) = (.isolated, "10.78.0.0/24") }
            #expect(throws: Failure.self) { _ = try network.up(moved) }
            _ = try machine.remove()
            #expect(try network.entry().members.isEmpty)
            #expect(try network.up(moved))
            #expect(try network.remove())
        }
    }

    @Test func `that an ordinary user's session could not run names the mode that it can`() throws {
        try Self.with(FakeNetworks(runsNetworks: false)) { network, _, _ in
            let failure = try #require(throws: Failure.self) { _ = try network.up(Self.spec()) }
            #expect(failure.code == .hostNotAble && failure.hint?.contains("private") == true, "\(failure)")
            try network.up(Self.spec { $0.mode = .private })
        }
    }
}
