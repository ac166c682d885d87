import Foundation
import Support
import Testing

extension EndToEnd {
    /// On the system daemon, whose networks these are. iPXE is a guest that asks for an address within seconds.
    @Suite struct `Networks of the host` {
        private func machine(_ nics: String) -> String {
            """
            local limiq = require "limiq"
            local vm = limiq.vm {
                name = "net", memory = "128MiB", nics = { \(nics) },
                cdroms = { { id = "ipxe", iso_path = "/usr/lib/ipxe/ipxe.iso", bootable = true } },
            }

            """
        }

        @Test
        func
            `a network that is not active says how to start it; on an active one the guest has its lease's address`()
            async throws
        {
            try await TestDaemon.withSystemDaemon {
                try await Home.with(on: TestDaemon.uri) { home in
                    func virsh(_ words: String...) async throws -> CommandResult {
                        try await command("virsh", ["-q", "-c", TestDaemon.uri] + words)
                    }
                    _ = try await virsh("net-destroy", "default")
                    let script = try home.script(
                        "net",
                        machine(#"{ id = "lan", network = "default" }, { id = "user" }"#)
                            + """
                            vm:up { wait = "address", timeout = "2m" }
                            print(vm:address())
                            """)
                    let refused = try await home.limiq("run", script)
                    #expect(refused.status == 1)
                    #expect(
                        refused.errors.contains("network 'default' is not active")
                            && refused.errors.contains("virsh net-start default"), "\(refused.errors)")

                    let started = try await virsh("net-start", "default")
                    try #require(started.status == 0, "\(started.errors)")
                    let up = try await home.limiq("run", script)
                    #expect(up.status == 0, "\(up.errors)")
                    let leases = try await virsh("net-dhcp-leases", "default")
                    let address = up.lines.first ?? "none"
                    #expect(
                        address.hasPrefix("192.168.122.") && leases.output.contains(address + "/"),
                        "\(address) is the lease's: \(leases.output)")
                    _ = try await virsh("net-destroy", "default")
                }
            }
        }

        @Test func `a bridge of the host takes the guest's nic; one that is not there is named`() async throws
        {
            try await TestDaemon.withSystemDaemon {
                try await Home.with(on: TestDaemon.uri) { home in
                    let bridge = "lq\(UInt16.random(in: 0...UInt16.max))"
                    let script = try home.script(
                        "net",
                        machine(#"{ id = "lan", bridge = "\#(bridge)", mac_address = "52:54:00:ab:cd:01" }"#)
                            + #"vm:up { wait = "running" }"#)
                    let refused = try await home.limiq("run", script)
                    #expect(refused.status == 1)
                    #expect(refused.errors.contains("the host has no bridge \(bridge)"), "\(refused.errors)")

                    let made = try await command("ip", ["link", "add", bridge, "type", "bridge"])
                    try #require(made.status == 0, "\(made.errors)")
                    let up = try await home.limiq("run", script)
                    #expect(up.status == 0, "\(up.errors)")
                    let ports = try await command("ip", ["-o", "link", "show", "master", bridge])
                    #expect(
                        ports.output.contains("fe:54:00:ab:cd:01"), "the nic's other end: \(ports.output)")
                    let removed = try await home.limiq("rm", "net")
                    #expect(removed.status == 0, "\(removed.errors)")
                    _ = try await command("ip", ["link", "delete", bridge])
                }
            }
        }

        @Test func `that limiq makes lends each machine its own address, and starts with the host`()
            async throws
        {
            try await TestDaemon.withSystemDaemon {
                try await Home.with(on: TestDaemon.uri) { home in
                    let name = "lq\(UInt16.random(in: 0...UInt16.max))"
                    let script = try home.script(
                        "net",
                        """
                        local limiq = require "limiq"
                        local lab = limiq.network { name = "\(name)", cidr = "10.87.\(UInt8.random(in: 1...250)).0/24" }
                        local vm = limiq.vm {
                            name = "net", memory = "128MiB", nics = { { network = lab } },
                            cdroms = { { id = "ipxe", iso_path = "/usr/lib/ipxe/ipxe.iso", bootable = true } },
                        }
                        vm:up { wait = "address", timeout = "2m" }
                        print(vm:address())
                        """)
                    let up = try await home.limiq("run", script)
                    try #require(up.status == 0, "\(up.errors)")
                    let address = try #require(up.lines.first)
                    func virsh(_ words: String...) async throws -> String {
                        try await command("virsh", ["-q", "-c", TestDaemon.uri] + words).output
                    }
                    var leases = ""
                    for _ in 0..<120 where !leases.contains(address + "/") {
                        try await Task.sleep(for: .milliseconds(500))
                        leases = try await virsh("net-dhcp-leases", name)
                    }
                    #expect(leases.contains(address + "/"), "the guest asked, and got its own: \(leases)")
                    #expect(try await virsh("net-info", name).contains(/Autostart: +yes/))
                    let down = try await home.limiq("down", script)
                    #expect(
                        down.status == 0 && down.errors.contains("removed network \(name)"), "\(down.errors)")
                }
            }
        }

        @Test
        func `on another host is that host's: made, shown and removed there, and refused where it runs none`()
            async throws
        {
            try await RemoteHost.with(1) { hosts in
                try await Home.with { home in
                    func script(_ name: String, _ mode: String) throws -> String {
                        try home.script(
                            name,
                            """
                            local limiq = require "limiq"
                            local lab = limiq.network { name = "lab", cidr = "10.86.0.0/24", mode = "\(mode)" }
                            local vm = limiq.vm {
                                name = "far", memory = "64MiB", nics = { { network = lab } },
                                disks = { { id = "data", size = "1GiB" } },
                            }
                            vm:up { wait = "running" }
                            print(vm:address())
                            """)
                    }
                    let there = ["--connect", hosts[0].uri]
                    func limiq(_ words: String...) async throws -> CommandResult {
                        try await home.start(words + there).result()
                    }
                    // An ordinary user's session.
                    let nat = try await limiq("run", script("nat", "nat"))
                    #expect(nat.status == 3 || nat.status == 1, "\(nat.errors)")
                    #expect(nat.errors.contains("mode = \"private\" needs no root"), "\(nat.errors)")
                    let own = try script("own", "private")
                    let plan = try await limiq("plan", own)
                    #expect(
                        plan.status == 2 && plan.output.contains("network lab"),
                        "\(plan.output)\(plan.errors)")
                    let up = try await limiq("run", own)
                    #expect(up.status == 0 && up.output == "10.86.0.10\n", "\(up.output)\(up.errors)")
                    let shown = try await limiq("network", "show", "lab")
                    #expect(shown.output.contains("10.86.0.10"), "\(shown.output)\(shown.errors)")
                    let refused = try await limiq("network", "rm", "lab")
                    #expect(refused.status == 1 && refused.errors.contains("far"), "\(refused.errors)")
                    let down = try await limiq("down", own)
                    #expect(down.status == 0 && down.errors.contains("removed network lab"), "\(down.errors)")
                }
            }
        }
    }
}
