import Foundation
import Support
import Testing

extension EndToEnd {
    /// `scripts/cluster.lua`: machines on a network of limiq's that know each other by name.
    @Suite(.enabled(if: geteuid() == 0, "networks with a bridge are root's to make"))
    struct `scripts/cluster.lua` {
        private static let cidr = "10.88.\(UInt8.random(in: 1...250)).0/24"
        private static let cluster = ["--set", "name=lan", "--set", "cidr=\(cidr)"]

        /// Machines that are not started, on the network that the cluster's script has made.
        private static let others = """
            local limiq = require "limiq"
            local count = limiq.params { count = 3 }.count
            local others = limiq.fleet {
                name = "other", count = count,
                spec = function() return { memory = "64MiB", nics = { { network = "lan" } } } end,
            }
            others:up { start = false }
            others:scale(count, { start = false })
            for _, vm in ipairs(others:members()) do print(vm.name, vm:address()) end
            """

        /// The bridge that has the network's first address.
        private static func bridge() async throws -> String? {
            let addresses = try await command("ip", ["-br", "-4", "address", "show", "type", "bridge"])
            let own = cidr.replacing(".0/24", with: ".1/24")
            return addresses.lines.first { $0.contains(" \(own) ") }?.split(separator: " ").first.map(
                String.init)
        }

        @Test
        func
            `a pair that boots finds each other by name, forwards and back; addresses stay whatever else changes`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                try FileManager.default.copyItem(
                    atPath: "\(repository)/scripts/cluster.lua", toPath: "\(home.path)/cluster.lua")
                func run(_ script: String, _ words: String...) async throws -> CommandResult {
                    try await home.start(["run", script] + words).result()
                }
                let words = ["run", "cluster.lua", "--set", "count=1"] + Self.cluster
                let up = try await home.start(words).result()
                try #require(up.status == 0, "\(up.errors)")
                let fields = try #require(up.lines.last).split(separator: "\t").map(String.init)
                try #require(fields.count == 3, "\(up.output)")
                #expect(
                    fields[0] == "lan-worker-01" && fields[2] == "lan-worker-01", "its own name, asked by ssh"
                )
                let again = try await home.start(words).result()
                #expect(
                    again.lines.last == up.lines.last && again.errors.contains("unchanged"), "\(again.errors)"
                )

                let asked = try home.script(
                    "asked",
                    """
                    local limiq = require "limiq"
                    local controller = limiq.domain.get "lan-controller"
                    for _, words in ipairs {
                        { "getent", "ahostsv4", "lan-worker-01" }, { "getent", "hosts", "lan-worker-01.lan.internal" },
                        { "getent", "hosts", limiq.args[1] },
                    } do
                        print((controller:exec(words).stdout:gsub("%s+", " ")))
                    end
                    """)
                let answers = try await home.start(["run", asked, "--", fields[1]]).result()
                #expect(answers.lines.count == 3, "\(answers.errors)")
                for line in answers.lines {
                    #expect(line.contains(fields[1]) && line.contains("lan-worker-01"), "\(line)")
                }

                let others = try home.script("others", Self.others)
                let three = try await run(others)
                try #require(three.status == 0, "\(three.errors)")
                let six = try await run(others, "--set", "count=6")
                #expect(six.lines.prefix(3) == three.lines[...] && Set(six.lines).count == 6, "\(six.output)")
                let less = try await run(others, "--set", "count=3")
                #expect(less.lines == three.lines, "\(less.output)\(less.errors)")
                let shown = try await home.limiq("network", "show", "lan")
                #expect(
                    shown.output.contains(fields[1]) && !shown.output.contains("other-04"), "\(shown.output)")
                let refused = try await home.limiq("network", "rm", "lan")
                #expect(refused.status == 1 && refused.errors.contains("lan-controller"), "\(refused.errors)")
                let clash = try home.script(
                    "clash",
                    """
                    local limiq = require "limiq"
                    local net = limiq.network { name = "clash", cidr = "\(Self.cidr)" }
                    limiq.vm({ name = "clash", nics = { { network = net } } }):up { start = false }
                    """)
                let clashed = try await run(clash)
                #expect(
                    clashed.status == 1 && clashed.errors.contains("taken by the network lan"),
                    "\(clashed.errors)")

                // As at the host's next boot: no daemon, no bridge.
                let down = try await home.limiq("rm", "lan-controller", "lan-worker-01")
                #expect(down.status == 0, "\(down.errors)")
                let bridge = try await Self.bridge()
                try endDaemons(home.daemons)
                _ = try await command("ip", ["link", "delete", try #require(bridge)])
                let after = try await run(others, "--set", "count=3")
                #expect(after.lines == three.lines && after.errors.contains("unchanged"), "\(after.errors)")
                let removed = try await home.limiq("rm", "other-01", "other-02", "other-03")
                #expect(removed.status == 0, "\(removed.errors)")
                let network = try await home.limiq("network", "rm", "lan")
                #expect(network.status == 0, "\(network.errors)")
                #expect(try await Self.bridge() == nil)
            }
        }
    }
}
