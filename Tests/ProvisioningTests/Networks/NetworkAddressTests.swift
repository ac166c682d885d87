import Basics
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing
import XML

@testable import Provisioning

@Suite struct `The addresses of machines on a network` {
    private static let network = `A network`.spec { $0.domain = "net.internal" }

    private static func spec(_ name: String, _ address: String? = nil, _ network: NetworkSpec = network)
        -> VMSpec
    {
        var spec = VMSpec(name: name)
        spec.nics = [NICSpec(id: "lan")]
        spec.nics[0].network = .described(network)
        spec.nics[0].address = address
        return spec
    }

    /// One run of a script.
    private struct Run {
        let host: FakeHypervisor
        let state: StateFolder
        let book = AddressBook()

        func machine(_ name: String) -> Machine {
            var machine = Machine(name, on: host, state: state)
            machine.addressBook = book
            return machine
        }

        @discardableResult
        func up(_ spec: VMSpec) throws -> String? {
            try book.note(spec, on: nil)
            _ = try machine(spec.name).up(spec)
            return try machine(spec.name).requireAddresses().first
        }
    }

    private static func with(_ body: (FakeHypervisor, () -> Run) throws -> Void) throws {
        try withScratchState { state throws in
            let host = FakeHypervisor(networks: FakeNetworks())
            try body(host) { Run(host: host, state: state) }
        }
    }

    @Test func `are known before anything is made, given ones and chosen ones`() throws {
        try Self.with { host, run in
            let run = run()
            let (db, web) = (Self.spec("db", "10.77.0.10"), Self.spec("web"))
            try run.book.note(db, on: nil)
            #expect(try run.machine("web").fixedAddresses(of: web) == ["10.77.0.11"])
            #expect(try run.machine("db").fixedAddresses(of: db) == ["10.77.0.10"])
            #expect(try host.fakeNetworks.networkNames().isEmpty)
            #expect(try run.up(web) == "10.77.0.11")
        }
    }

    @Test func `stay over runs, changes of the count and removed members`() throws {
        try Self.with { _, run in
            let first = run()
            let names = (1...6).map { "w\($0)" }
            let chosen = try names.map { try first.up(Self.spec($0)) }
            #expect(chosen.first == "10.77.0.10" && Set(chosen).count == 6)
            _ = try first.machine("w2").remove()
            // Another run, which knows nothing of the first, in another order.
            let second = run()
            for (name, address) in zip(names, chosen).reversed() where name != "w2" {
                #expect(try second.machine(name).up(Self.spec(name)).changed == false)
                #expect(try second.up(Self.spec(name)) == address)
            }
            #expect(try second.up(Self.spec("new")) == chosen[1])
        }
    }

    @Test func `come back where the network was removed by hand`() throws {
        try Self.with { host, run in
            let first = run()
            try first.up(Self.spec("a"))
            let address = try first.up(Self.spec("b"))
            try host.fakeNetworks.undefineNetwork("net")
            #expect(try run().up(Self.spec("b")) == address)
            #expect(try run().up(Self.spec("a")) == "10.77.0.10")
        }
    }

    @Test func `are in the network's DNS and its DHCP server, and go with the machine`() throws {
        try Self.with { host, run in
            let run = run()
            try run.up(Self.spec("web"))
            let network = VirtualNetwork("net", on: host, state: run.state)
            let member = try #require(try network.entry().members.first)
            #expect(member.name == "web" && member.macAddress == Self.spec("web").macAddress(ofNIC: 0))
            _ = try run.machine("web").remove()
            #expect(try network.entry().members.isEmpty)
        }
    }

    @Test func `that two machines of a script would have are said when the second is described`() throws {
        let book = AddressBook()
        try book.note(Self.spec("db", "10.77.0.10"), on: nil)
        // Described anew, it is the same machine.
        try book.note(Self.spec("db", "10.77.0.10"), on: nil)
        let clash = try #require(throws: Failure.self) {
            try book.note(Self.spec("web", "10.77.0.10"), on: nil)
        }
        #expect(
            clash.code == .inUse && clash.message.contains("web") && clash.message.contains("db"), "\(clash)")
        // On another host it is another network.
        try book.note(Self.spec("web", "10.77.0.10"), on: "qemu+ssh://node/system")
        var same = Self.spec("cache", "10.77.0.12")
        same.nics[0].macAddress = Self.spec("db").macAddress(ofNIC: 0)
        #expect(throws: Failure.self) { try book.note(same, on: nil) }
        let other = `A network`.spec { ($0.name, $0.cidr) = ("other", "10.77.0.128/25") }
        let ranges = try #require(throws: Failure.self) { try book.note(other, on: nil) }
        #expect(ranges.message.contains("other") && ranges.message.contains("net"), "\(ranges)")
        let twice = try #require(throws: Failure.self) {
            try book.note(`A network`.spec { $0.mode = .isolated }, on: nil)
        }
        #expect(twice.message.contains("described twice") && twice.message.contains("mode"), "\(twice)")
    }

    @Test(arguments: [
        ("10.77.0.1", "the host's own"), ("10.77.0.255", "no address of network net"),
        ("10.78.0.5", "10.77.0.0/24"),
        ("10.77.0.10/24", "not an IPv4 address"), ("web", "not an IPv4 address"),
        ("10.77.0.10", "that of db"),
    ])
    func `that cannot be are refused, and nothing is made`(address: String, words: String) throws {
        try Self.with { host, run in
            try run().up(Self.spec("db", "10.77.0.10"))
            let calls = host.calls
            let machine = run().machine("web")
            for attempt in [
                { _ = try machine.plan(Self.spec("web", address)) },
                { _ = try machine.up(Self.spec("web", address)) },
                { _ = try machine.preflight(Self.spec("web", address)) },
            ] {
                let failure = try #require(throws: Failure.self) { try attempt() }
                #expect(
                    failure.message.contains("nics[1].address") && failure.message.contains(words),
                    "\(failure)")
            }
            #expect(host.calls == calls)
        }
    }

    @Test func `on a network of somebody else, or on none, cannot be given`() throws {
        try Self.with { host, run in
            try host.fakeNetworks.defineNetwork(
                "<network><name>theirs</name><uuid>1</uuid></network>", autostart: false)
            for network in [NICNetwork.named("theirs"), nil] {
                var spec = Self.spec("web", "10.77.0.5")
                spec.nics[0].network = network
                let failure = try #require(throws: Failure.self) { try run().up(spec) }
                #expect(
                    failure.code == .badField && failure.hint?.contains("limiq.network") == true, "\(failure)"
                )
            }
        }
    }

    @Test func `by the network's name alone are its own too`() throws {
        try Self.with { _, run in
            try run().up(Self.spec("db"))
            var spec = Self.spec("web")
            spec.nics[0].network = "net"
            #expect(try run().up(spec) == "10.77.0.11")
        }
    }

    @Test func `run out with an error that names the network`() throws {
        try Self.with { _, run in
            let small = `A network`.spec { $0.cidr = "10.77.0.0/29" }
            let run = run()
            for number in 1...5 { try run.up(Self.spec("w\(number)", nil, small)) }
            let failure = try #require(throws: Failure.self) { try run.up(Self.spec("w6", nil, small)) }
            #expect(failure.code == .inUse && failure.message.contains("no free address"), "\(failure)")
        }
    }

    @Test func `that the DHCP server has lent to somebody are not chosen`() throws {
        try Self.with { host, run in
            // As many machines as there are addresses below those that are lent.
            let small = `A network`.spec { $0.dhcp = .from("10.77.0.10", to: "10.77.0.20") }
            try run().up(Self.spec("db", "10.77.0.50", small))
            host.fakeNetworks.leases = [
                AddressLease(macAddress: "52:54:00:00:00:01", address: "10.77.0.10", expires: nil)
            ]
            #expect(try run().up(Self.spec("web", nil, small)) == "10.77.0.11")
        }
    }

    @Test func `are in the guest's network-config, beside what the script says itself`() throws {
        try Self.with { _, run in
            let run = run()
            var spec = Self.spec(
                "web", "10.77.0.12", `A network`.spec { ($0.ipv6, $0.domain) = ("fd00:77::/64", "x.y") })
            spec.nics.append(NICSpec(id: "user"))
            spec.cloudInit = .init(userData: "#cloud-config\n{}\n")
            func config(_ spec: VMSpec) throws -> Value {
                guard case .table(let table)? = try run.machine("web").settled(spec).cloudInit?.networkConfig
                else {
                    return .null
                }
                return table
            }
            var written = try config(spec)
            let lan = try #require(written["ethernets"]?["eth0"])
            #expect(lan["addresses"] == ["10.77.0.12/24", "fd00:77::c/64"])
            #expect(lan["match"]?["macaddress"]?.string == spec.macAddress(ofNIC: 0))
            #expect(
                lan["nameservers"]?["addresses"] == ["10.77.0.1"] && lan["nameservers"]?["search"] == ["x.y"])
            // The other nic's DHCP server says the way.
            #expect(lan["routes"] == nil && written["ethernets"]?["eth1"]?["dhcp4"] == true)
            spec.nics.removeLast()
            written = try config(spec)
            #expect(written["ethernets"]?["eth0"]?["routes"] == [["to": "0.0.0.0/0", "via": "10.77.0.1"]])
            #expect(written["ethernets"]?["eth0"]?["gateway6"] == "fd00:77::1")
            // A text is taken as it is.
            spec.cloudInit?.networkConfig = "version: 2\n"
            #expect(try config(spec) == .null)
        }
    }

    @Test func `of a machine that is gone are given to another, and gc lists them`() throws {
        try Self.with { host, run in
            let first = run()
            try first.up(Self.spec("old", "10.77.0.10"))
            try host.destroy("old")
            try host.undefine("old")
            let leftovers = try Leftovers(state: first.state, on: host) { _, _ in [] }
            let item = try #require(try leftovers.survey().left.first { $0.path == "network net" })
            #expect(item.reason.contains("old"))
            try run().up(Self.spec("new", "10.77.0.10"))
            let network = VirtualNetwork("net", on: host, state: first.state)
            #expect(try network.entry().members.map(\.name) == ["new"])
            try run().up(Self.spec("third"))
            try host.destroy("third")
            try host.undefine("third")
            let again = try Leftovers(state: first.state, on: host) { _, _ in [] }
            for item in try again.survey().left where item.path == "network net" {
                _ = try again.remove(item)
            }
            #expect(try network.entry().members.map(\.name) == ["new"])
        }
    }

    @Test func `that others have put into the network stay theirs, also where the network changes`() throws {
        try Self.with { host, run in
            let first = run()
            try first.up(Self.spec("web"))
            let printer = "<host ip='10.77.0.50'><hostname>printer</hostname></host>"
            try host.fakeNetworks.updateNetwork("net", .name(xml: printer, adding: true))
            // Of another state folder's limiq, whose machine is still being made.
            let other =
                "<host ip='10.77.0.51'><hostname>db</hostname><hostname>db.0badcafe.limiq</hostname></host>"
            try host.fakeNetworks.updateNetwork("net", .name(xml: other, adding: true))
            for address in ["10.77.0.50", "10.77.0.51"] {
                let failure = try #require(throws: Failure.self) { try run().up(Self.spec("app", address)) }
                #expect(failure.code == .inUse, "\(failure)")
            }
            let survey = try Leftovers(state: first.state, on: host) { _, _ in [] }.survey()
            #expect(!survey.left.contains { $0.path == "network net" }, "\(survey.left)")
            try host.destroy("web")
            var network = VirtualNetwork("net", on: host, state: first.state)
            network.routes = { [] }
            try network.up(`A network`.spec { $0.domain = "other.internal" })
            let xml = try #require(try host.fakeNetworks.network("net")).xml
            #expect(
                xml.contains("printer") && xml.contains("db.0badcafe.limiq") && xml.contains("other.internal")
            )
        }
    }

    @Test func `given to a machine are what others are told, and clash with what was chosen before`() throws {
        try Self.with { _, run in
            let run = run()
            try run.book.note(Self.spec("db", "10.77.0.20"), on: nil)
            #expect(try run.machine("db").fixedAddresses(of: Self.spec("db")) == ["10.77.0.20"])
            #expect(try run.machine("web").fixedAddresses(of: Self.spec("web")) == ["10.77.0.10"])
            let clash = try #require(throws: Failure.self) {
                try run.book.note(Self.spec("app", "10.77.0.10"), on: nil)
            }
            #expect(clash.code == .inUse && clash.message.contains("web"), "\(clash)")
            // What was removed is another's to have.
            try run.up(Self.spec("db", "10.77.0.20"))
            _ = try run.machine("db").remove()
            try run.book.note(Self.spec("app", "10.77.0.20"), on: nil)
        }
    }

    @Test func `of a private network are on QEMU's command line, and in no device of libvirt's`() throws {
        try Self.with { host, run in
            let spec = Self.spec("web", nil, `A network`.spec { $0.mode = .private })
            try run().up(spec)
            let node = try #require(host.domainNode("web"))
            #expect(node.all("devices/interface").isEmpty)
            let words = node.all("commandline/arg").compactMap { $0.attributes["value"] }
            #expect(
                words.contains { $0.hasPrefix("socket,") && $0.hasSuffix(",localaddr=127.0.0.1") }, "\(words)"
            )
            let mac = try #require(spec.macAddress(ofNIC: 0))
            #expect(words.contains { $0.contains("mac=\(mac)") })
            #expect(try run().machine("web").up(spec).changed == false)
            // Without it at its next start, and on it again.
            var outside = spec
            outside.nics[0].network = nil
            _ = try run().machine("web").up(outside)
            #expect(try #require(host.domainNode("web")).all("commandline/arg").isEmpty)
            _ = try run().machine("web").up(spec)
            #expect(try #require(host.domainNode("web")).all("commandline/arg").count == words.count)
        }
    }
}
