import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Provisioning
import Support
import Testing

@Suite struct `The address of a guest on a network` {
    private static var spec: VMSpec {
        var spec = VMSpec(name: "web")
        spec.nics = [NICSpec(id: "nic1")]
        spec.nics[0].network = "lab"
        return spec
    }
    private static let mac = "52:54:00:00:00:01"
    private static let now = Int64(Date().timeIntervalSince1970)

    private static func lease(_ address: String, _ end: Int64?, mac: String = mac) -> AddressLease {
        AddressLease(macAddress: mac, address: address, expires: end.map { now + $0 })
    }

    /// A VM that runs, and had these leases before.
    private static func with(
        before: [AddressLease] = [], _ body: (FakeHypervisor, Machine) throws -> Void
    ) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            host.behaviour.withLock { $0.leases = before }
            let machine = Machine("web", on: host, state: state)
            _ = try machine.up(spec)
            try body(host, machine)
        }
    }

    @Test func `is the one that was lent last, of each nic and family`() throws {
        try Self.with { host, machine throws in
            host.behaviour.withLock {
                $0.leases = [
                    Self.lease("192.0.2.10", 600), Self.lease("192.0.2.11", 1200),
                    Self.lease("192.0.2.12", 900), Self.lease("2001:db8::5", 300),
                    Self.lease("192.0.2.50", 100, mac: "52:54:00:00:00:02"),
                ]
            }
            #expect(try machine.addresses() == ["192.0.2.11", "192.0.2.50", "2001:db8::5"])
            host.behaviour.withLock { $0.leases.append(Self.lease("192.0.2.13", nil)) }
            #expect(try machine.requireAddresses().first == "192.0.2.13")
        }
    }

    @Test func `is none that was lent before this boot and not since`() throws {
        let old = Self.lease("192.0.2.10", 3000)
        try Self.with(before: [old]) { host, machine throws in
            #expect(try machine.addresses() == [])
            // The host's ARP table remembers it as well.
            host.behaviour.withLock {
                $0.addresses = { source in
                    guard source == .arp else { return [] }
                    return [
                        InterfaceAddresses(
                            interface: "vnet0", macAddress: Self.mac, addresses: ["192.0.2.10"])
                    ]
                }
            }
            #expect(try machine.addresses() == [])
            #expect(throws: Failure.self) { try machine.requireAddresses() }
            // The guest asks, and may get the same.
            host.behaviour.withLock { $0.leases = [Self.lease("192.0.2.10", 3600)] }
            #expect(try machine.addresses() == ["192.0.2.10"])
            host.behaviour.withLock { $0.leases = [old, Self.lease("192.0.2.20", 3600)] }
            #expect(try machine.addresses() == ["192.0.2.20"])
        }
    }

    @Test func `of a machine that was removed is none of the one made in its place`() throws {
        try Self.with { host, machine throws in
            host.behaviour.withLock { $0.leases = [Self.lease("192.0.2.10", 3000)] }
            #expect(try machine.addresses() == ["192.0.2.10"])
            #expect(try machine.remove())
            #expect(!fileExists(machine.folder))
            var options = UpOptions()
            (options.wait, options.timeout) = (.address, .milliseconds(700))
            options.keep = true
            let failure = try #require(throws: Failure.self) { _ = try machine.up(Self.spec, options) }
            #expect(failure.code == .timeout)
            #expect(try machine.info().addresses == [])
        }
    }

    @Test func `is asked for anew at each start and reset, whoever asks for it`() throws {
        try Self.with { host, machine throws in
            host.behaviour.withLock { $0.leases = [Self.lease("192.0.2.10", 3000)] }
            try machine.reset()
            #expect(try machine.addresses() == [])
            host.behaviour.withLock { $0.leases = [Self.lease("192.0.2.11", 3010)] }
            #expect(try machine.addresses() == ["192.0.2.11"])
            try host.destroy("web")
            try machine.start()
            #expect(try machine.addresses() == [])
            #expect(try machine.remove() && !fileExists(machine.folder))
        }
    }
}

extension `The address of a guest on a network` {
    @Test(.enabled(if: geteuid() == 0, "networks are root's to make"))
    func `is read from the files of libvirt's DHCP servers`() async throws {
        try await PrivateDaemon.with { daemon in
            let number = UInt16.random(in: 0...UInt16.max)
            let (network, bridge) = ("lab\(number)", "lq\(number)")
            try await ScratchFolder.with { folder in
                let file = folder + "/net.xml"
                let xml = """
                    <network><name>\(network)</name><bridge name='\(bridge)'/><ip address='198.51.100.1' prefix='24'>
                    <dhcp><range start='198.51.100.10' end='198.51.100.99'/></dhcp></ip></network>
                    """
                try xml.write(toFile: file, atomically: false, encoding: .utf8)
                let made = try await daemon.virsh("net-create", file)
                try #require(made.status == 0, "\(made.errors)")
                let host = LibvirtHypervisor(uri: daemon.uri)
                let machine = Machine("web", on: host, state: StateFolder(root: folder))
                var spec = Self.spec
                spec.memoryMiB = 64
                spec.nics[0].network = .named(network)
                let mac = try #require(spec.macAddress(ofNIC: 0))
                func status(_ leases: (address: String, end: Int64)...) throws {
                    let entries = leases.map {
                        """
                        {"ip-address": "\($0.address)", "mac-address": "\(mac)", "client-id": "ff:\($0.end)",
                         "expiry-time": \(Self.now + $0.end)}
                        """
                    }
                    try "[\(entries.joined(separator: ","))]".write(
                        toFile: daemon.path("lib/dnsmasq/\(bridge).status"), atomically: false,
                        encoding: .utf8)
                }
                let made1 = spec
                let outcome: Result<Void, any Error>
                do {
                    try status(("198.51.100.10", 3000))
                    try await onThread {
                        _ = try machine.up(made1)
                        #expect(try machine.addresses() == [])
                    }
                    try status(("198.51.100.10", 3000), ("198.51.100.12", 3600), ("198.51.100.11", 3300))
                    try await onThread {
                        #expect(try machine.requireAddresses() == ["198.51.100.12"])
                        _ = try machine.remove()
                    }
                    outcome = .success(())
                } catch { outcome = .failure(error) }
                _ = try await daemon.virsh("net-destroy", network)
                try outcome.get()
            }
        }
    }
}
