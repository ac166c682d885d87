import Foundation
import Support
import Testing

extension EndToEnd {
    /// The host is an ordinary user of this machine with an ssh server and a libvirt session of their own.
    @Suite(
        .enabled(
            if: geteuid() == 0, "another machine is an ordinary user of this one, which is root's to make"))
    struct `A plan of a machine on another host` {
        @Test func `answers as the run does, and names the volumes that go`() async throws {
            try await RemoteHost.with(1) { hosts in
                try await Home.with { home in
                    func write(_ name: String, _ text: String) throws -> String {
                        let path = "\(home.path)/\(name).lua"
                        try (#"local limiq = require "limiq""# + "\n" + text).write(
                            toFile: path, atomically: true, encoding: .utf8)
                        return path
                    }
                    let up = try write(
                        "up",
                        """
                        local vm = limiq.vm {
                            name = "web", memory = "64MiB", disks = { { id = "data", size = "1GiB" } },
                            nics = { { forward = { { host = \(freePort()), guest = 80 } } } },
                        }
                        vm:up { wait = "running" }
                        local _, e = limiq.try(vm.forward, vm, 80)
                        assert(e and e.code == "host_not_able", tostring(e))
                        """)
                    let remove = try write("remove", #"assert(limiq.vm { name = "web" }:remove())"#)

                    let plan = try await home.limiq("plan", up, "--connect", hosts[0].uri)
                    #expect(plan.status == 2, "\(plan.errors)")
                    let run = try await home.limiq("run", up, "--connect", hosts[0].uri)
                    #expect(run.status == 0, "\(run.errors)")
                    let volumes = hosts[0].volumes
                    try #require(volumes.contains { $0.hasPrefix("web.data") }, "\(volumes)")

                    let removal = try await home.limiq("plan", remove, "--connect", hosts[0].uri)
                    #expect(removal.status == 2, "\(removal.errors)")
                    for volume in volumes where volume.hasPrefix("web.") {
                        #expect(removal.output.contains("/\(volume)"), "\(volume): \(removal.output)")
                    }
                    #expect(hosts[0].volumes == volumes)
                    let removed = try await home.limiq("run", remove, "--connect", hosts[0].uri)
                    #expect(removed.status == 0, "\(removed.errors)")
                    #expect(!hosts[0].volumes.contains { $0.hasPrefix("web.") })
                }
            }
        }
    }
}
