import Basics
import Glibc
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `MAC addresses` {
    private static func spec(
        _ name: String, _ address: String?, network: String? = "lab", bridge: String? = nil
    ) -> VMSpec {
        var spec = VMSpec(name: name)
        spec.nics = [NICSpec(id: "nic1")]
        (spec.nics[0].macAddress, spec.nics[0].bridge) = (address, bridge)
        spec.nics[0].network = network.map(NICNetwork.named)
        return spec
    }

    @Test(arguments: [
        ("00:00:00:00:00:00", "all zeros"), ("ff:ff:ff:ff:ff:ff", "the broadcast address"),
        ("01:00:5e:00:00:01", "a multicast address"), ("33:33:00:00:00:01", "a multicast address"),
        ("fe:54:00:12:34:56", "of the host's"), ("FE:54:00:12:34:56", "of the host's"),
        ("52:54:00:12:34", "is not a MAC address"), ("52:54:00:12:34:5", "is not a MAC address"),
        ("52-54-00-12-34-56", "is not a MAC address"), ("+2:54:00:12:34:56", "is not a MAC address"),
        ("52:54:00:12:34:56:78", "is not a MAC address"),
    ])
    func `that no nic can have are refused`(address: String, why: String) throws {
        let failure = try #require(throws: Failure.self) { try Self.spec("web", address).check() }
        #expect(failure.code == .badField && failure.message.contains(why), "\(failure)")
        #expect(failure.message.hasPrefix("nics[1].mac_address"))
    }

    @Test func `are no two nics' of one VM, given or made`() throws {
        var spec = Self.spec("web", "52:54:00:AA:BB:CC")
        spec.nics.append(NICSpec(id: "nic2"))
        spec.nics[1].macAddress = "52:54:00:aa:bb:cc"
        #expect(throws: Failure.self) { try spec.check() }
        spec.nics[1].macAddress = nil
        try spec.check()
        spec.nics[0].macAddress = spec.macAddress(ofNIC: 1)?.uppercased()
        #expect(throws: Failure.self) { try spec.check() }
    }

    @Test(arguments: [false, true])
    func `are one VM's on a network, whoever was there first`(isMade: Bool) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let first = Machine("db", on: host, state: state)
            // The address that is made of the other's name counts too.
            let made = try #require(Self.spec("web", nil).macAddress(ofNIC: 0))
            let address = isMade ? made : "52:54:00:12:34:56"
            _ = try first.up(Self.spec("db", address.uppercased()))
            let spec = Self.spec("web", isMade ? nil : address)
            let second = Machine("web", on: host, state: state)
            for attempt in [{ _ = try second.plan(spec) }, { _ = try second.up(spec) }] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(failure.code == .inUse && failure.message.contains(address), "\(failure)")
                #expect(failure.message.contains("web") && failure.message.contains("db on network lab"))
            }
            #expect(!fileExists(second.folder))
            // Elsewhere nobody sees it.
            for other in [
                Self.spec("web", address, network: "other"),
                Self.spec("web", address, network: nil, bridge: "lab"),
                Self.spec("web", address, network: nil),
            ] {
                _ = try second.up(other)
                _ = try second.remove()
            }
            _ = try first.remove()
            _ = try second.up(spec)
        }
    }

    @Test func `are seen on the bridge of a network, which libvirt names while a guest runs`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            _ = try Machine("db", on: host, state: state).up(Self.spec("db", "52:54:00:12:34:56"))
            host.edit("db", live: true) { node in
                node.editDevice({ $0.name == "interface" }) { $0.set("source", "bridge", "virbr7") }
            }
            let spec = Self.spec("web", "52:54:00:12:34:56", network: nil, bridge: "virbr7")
            let failure = try #require(throws: Failure.self) {
                try Machine("web", on: host, state: state).up(spec)
            }
            #expect(failure.message.contains("db on bridge virbr7"), "\(failure)")
        }
    }

    @Test func `are looked at when a VM gets another, and when it starts`() throws {
        try withScratchState { state throws in
            let host = FakeHypervisor()
            let first = Machine("db", on: host, state: state)
            let second = Machine("web", on: host, state: state)
            _ = try first.up(Self.spec("db", "52:54:00:12:34:56"))
            _ = try second.up(Self.spec("web", "52:54:00:12:34:57"))
            let calls = host.calls
            #expect(throws: Failure.self) { try second.up(Self.spec("web", "52:54:00:12:34:56")) }
            #expect(host.calls == calls)
            // By hand, while it is off.
            try host.destroy("web")
            for live in [false, true] {
                host.edit("web", live: live) { node in
                    node.editDevice({ $0.name == "interface" }) {
                        $0.set("mac", "address", "52:54:00:12:34:58")
                    }
                }
            }
            host.edit("db", live: true) { node in
                node.editDevice({ $0.name == "interface" }) { $0.set("mac", "address", "52:54:00:12:34:57") }
            }
            #expect(throws: Failure.self) { try second.start() }
            #expect(throws: Failure.self) { try second.up(Self.spec("web", "52:54:00:12:34:57")) }
            try host.destroy("db")
            try second.start()
        }
    }

    @Test func `of two that are made at the same time are one's`() async throws {
        let state = StateFolder(root: "/nowhere")
        let host = FakeHypervisor()
        let (first, second) = (
            Machine("db", on: host, state: state), Machine("web", on: host, state: state)
        )
        func hold(_ machine: Machine) throws(Failure) {
            try machine.holdAddresses(of: Self.spec(machine.name, "52:54:00:12:34:56")) {
                () throws(Failure) in
            }
        }
        try first.holdAddresses(of: Self.spec("db", "52:54:00:12:34:56")) { () throws(Failure) in
            let failure = #expect(throws: Failure.self) { try hold(second) }
            #expect(failure?.message.contains("db on network lab") == true)
        }
        try hold(second)
    }

    @Test func `are looked for among libvirt's domains, as they are now`() async throws {
        try await ScratchFolder.with { folder in
            let host = LibvirtHypervisor(uri: "test:///default")
            let state = StateFolder(root: folder)
            let names = (1...3).map { "mac-\(UInt32.random(in: 0 ... .max))-\($0)" }
            try await onThread {
                let machines = names.map { Machine($0, on: host, state: state) }
                let address = "52:54:00:\(hexadecimal([UInt8.random(in: 0 ... .max)])):00:01"
                _ = try machines[0].up(Self.spec(names[0], address, network: "default"))
                let wanted = Self.spec(names[1], address, network: "default")
                let failure = try #require(throws: Failure.self) { try machines[1].up(wanted) }
                #expect(failure.message.contains(names[0]))
                _ = try machines[0].remove()
                _ = try machines[1].up(wanted)
                #expect(throws: Failure.self) {
                    try machines[2].up(Self.spec(names[2], address, network: "default"))
                }
                _ = try machines[1].remove()
            }
        }
    }

}
