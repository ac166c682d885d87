import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `A guest without an agent, whose console is silent` {
        @Test func `is known by ssh to be done with cloud-init, and with what error`() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let run = try await home.limiq(
                    "run",
                    home.script(
                        "silent",
                        #"""
                        local limiq = require "limiq"
                        local recipes = require "limiq.recipes"
                        local cloud_init = recipes.compose {
                            recipes.admin { name = "ann", ssh_authorized_keys = limiq.ssh_keys() },
                        }
                        local config = cloud_init.user_data
                        config.bootcmd = { "systemctl mask --now qemu-guest-agent" }
                        config.output = { all = ">> /var/log/cloud-init-output.log" }
                        config.runcmd = { "exit 3" }
                        local vm = limiq.vm {
                            name = "silent", memory = "1GiB",
                            disks = { { id = "boot", backing_file = limiq.image "debian-12" } },
                            nics = { { forward = { { host = \#(freePort()), guest = 22 } } } },
                            cloud_init = cloud_init,
                        }
                        vm:up { wait = "ssh", timeout = "10m" }
                        local _, late = limiq.try(vm.wait, vm, "cloud-init", { timeout = "5m" })
                        print(late.code, late.message)
                        print(vm:exec({ "id", "-un" }).stdout)
                        print(select(2, limiq.try(vm.wait, vm, "agent", { timeout = "1s" })).code)
                        print(vm:console({ tail = 1000 }):find("finished at", 1, true))
                        """#))
                try #require(run.status == 0, "\(run.errors)")
                let words = run.output
                #expect(
                    words.hasPrefix("cloud_init\tcloud-init finished with errors in silent: scripts"),
                    "\(words)")
                #expect(words.contains("\nann\n"), "ssh logs in as the user of the cloud-config: \(words)")
                #expect(words.hasSuffix("timeout\nnil\n"), "no agent and no finish line has told: \(words)")
            }
        }
    }
}
