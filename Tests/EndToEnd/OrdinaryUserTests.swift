import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite(.enabled(if: geteuid() == 0, "only root can make one")) struct `An ordinary user` {
        /// The checkout may be closed to others: a copy laid out as an installation is.
        ///
        /// - Returns: the command in it.
        private func install(in home: Home) async throws -> String {
            let installation = """
                install -D -m 755 \(program) prefix/bin/limiq
                mkdir -p prefix/share && cp -R \(repository)/stdlib prefix/share/limiq
                """
            let installed = try await command("sh", ["-ec", installation], folder: home.path)
            try #require(installed.status == 0, "\(installed.errors)")
            return home.path + "/prefix/bin/limiq"
        }

        @Test func `has a hypervisor of their own, with nothing to set up, and leaves nothing in it`()
            async throws
        {
            try await Home.with { home in
                let limiq = try await install(in: home)
                let script = try home.script(
                    "small",
                    """
                    local limiq = require "limiq"
                    local vm = \(smallGuest(#""small""#))
                    local report = vm:up { wait = "running" }
                    print(vm.name, vm:state(), report.changed, limiq.domain.list({ ours = true })[1].uri)
                    """)
                try await TestUser.with { user in
                    let first = try await user.run(limiq, ["run", script])
                    #expect(first.status == 0, "\(first.errors)")
                    #expect(first.output == "small\trunning\ttrue\tnil\n")
                    let second = try await user.run(limiq, ["run", script])
                    #expect(second.output == "small\trunning\tfalse\tnil\n", "\(second.errors)")

                    let virsh = try await user.run(
                        "virsh", ["-q", "-c", "qemu:///session", "list", "--name"])
                    #expect(virsh.output.contains("small\n"), "libvirt's own client sees it too")
                    let doctor = try await user.run(limiq, ["doctor"])
                    #expect(doctor.output.contains("qemu:///session"), "\(doctor.output)\(doctor.errors)")
                    let list = try await user.run(limiq, ["list"])
                    #expect(list.output.contains(/small +running/), "\(list.output)\(list.errors)")
                    let state = user.home + "/.local/share/limiquantix"
                    #expect(folderNames(state + "/vms/small").contains("data.qcow2"))

                    let removed = try await user.run(limiq, ["rm", "small"])
                    #expect(removed.status == 0, "\(removed.errors)")
                    #expect(folderNames(state + "/vms").filter { !$0.hasPrefix(".") }.isEmpty)
                    let left = try await command("pgrep", ["--uid", user.name, "qemu-system"])
                    #expect(left.output.isEmpty, "its guest has ended")
                }
            }
        }

        @Test func `has machines that reach each other by name on a private network, and by ssh`()
            async throws
        {
            try await Home.with { home in
                let limiq = try await install(in: home)
                try await home.linkImage("debian-12")
                try await TestUser.with { user in
                    let images = user.home + "/.local/share/limiquantix/cloud-images"
                    let copied = """
                        install -d -o \(user.name) -g \(user.name) \(user.home)/.local \(user.home)/.local/share \
                            \(user.home)/.local/share/limiquantix \(images)
                        cp -L \(home.path)/cloud-images/* \(images)
                        cp \(repository)/scripts/cluster.lua \(user.home)
                        chown \(user.name) \(images)/* \(user.home)/cluster.lua
                        """
                    let copying = try await command("sh", ["-ec", copied])
                    try #require(copying.status == 0, "\(copying.errors)")
                    let words = [
                        "cluster.lua", "--set", "count=1", "--set", "mode=private", "--set", "name=lan",
                    ]
                    let up = try await user.run(limiq, ["run"] + words)
                    try #require(up.status == 0, "\(up.errors)")
                    // What the worker calls itself, asked by the controller by that name.
                    #expect(up.lines.last?.hasSuffix("\tlan-worker-01") == true, "\(up.output)")
                    let hostname = try await user.run(limiq, ["ssh", "lan-worker-01", "--", "hostname"])
                    #expect(hostname.output == "lan-worker-01\n", "\(hostname.errors)")
                    let down = try await user.run(limiq, ["down"] + words)
                    #expect(down.status == 0 && down.errors.contains("removed network lan"), "\(down.errors)")
                }
            }
        }

        @Test
        func `limiq doctor says how long a machine's name may be where libvirt's sockets have long paths`()
            async throws
        {
            try await Home.with { home in
                let limiq = try await install(in: home)
                try await TestUser.with { user in
                    // From 10.0 on only the monitor's socket is below the configuration.
                    let version = try await command("libvirtd", ["--version"]).output.split(separator: " ")
                        .last
                    let isOld = version?.hasPrefix("9.") == true
                    let folder = String(repeating: "c", count: isOld ? 20 : 42)
                    let long = ["XDG_CONFIG_HOME": "\(user.home)/\(folder)"]
                    let doctor = try await user.run(limiq, ["doctor"], environment: long)
                    let found = doctor.output.firstMatch(of: /names of more than (\d+) letters cannot start/)
                    let room = try #require(found.flatMap { Int($0.output.1) }, "\(doctor.output)")
                    // The number of a first domain has one digit, where three are counted on.
                    for (letters, starts) in [(room, true), (room + 2, true), (room + 3, false)] {
                        let name = String(repeating: "n", count: letters)
                        let script = try home.script(
                            "named",
                            """
                            local limiq = require "limiq"
                            local vm = \(smallGuest("\"\(name)\""))
                            vm:up { wait = "running" }
                            vm:remove()
                            """)
                        let run = try await user.run(limiq, ["run", script], environment: long)
                        #expect((run.status == 0) == starts, "\(name): \(run.errors)")
                        if !starts { #expect(run.errors.contains("give the machine a shorter name")) }
                    }
                }
            }
        }
    }
}
