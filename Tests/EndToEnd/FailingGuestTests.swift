import Foundation
import Hypervisors
import Support
import Testing

extension EndToEnd {
    /// One guest with UEFI firmware whose cloud-init is held until a file is there, and fails.
    @Suite struct `A guest in which things go wrong` {
        private static let guest = #"""
            local limiq = require "limiq"
            local recipes = require "limiq.recipes"
            local cloud_init = recipes.compose {
                recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
            }
            cloud_init.user_data.runcmd = {
                "while [ ! -e /run/go ]; do sleep 0.2; done", "echo the last words of runcmd; exit 3",
            }
            return limiq.vm {
                name = "failing", memory = "1GiB", firmware = "uefi",
                disks = { { id = "boot", backing_file = limiq.image "debian-12" } },
                nics = { { forward = { { host = PORT, guest = 22 } } } },
                cloud_init = cloud_init,
            }
            """#

        @Test
        func
            `is told apart: not ready in time, ready with errors, panicked; and is removed with its firmware's memory`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                _ = try home.script("guest", Self.guest.replacing("PORT", with: "\(freePort())"))
                func run(_ lua: String) async throws -> CommandResult {
                    try await home.limiq("run", home.script("test", "local vm = require 'guest'\n" + lua))
                }

                let up = try await run(
                    """
                    vm:up { wait = "agent", timeout = "10m" }
                    io.write(vm:exec({ "ls", "/sys/firmware/efi" }).stdout)
                    vm:snapshot { name = "now", memory = false }
                    vm:delete_snapshot "now"
                    """)
                try #require(up.status == 0, "\(up.errors)")
                #expect(up.lines.contains("efivars"), "it has booted by UEFI: \(up.lines)")

                // The agent answers before cloud-init comes to its last stage.
                let late = try await run(
                    #"""
                    local limiq = require "limiq"
                    limiq.retry({ times = 120, delay = "1s" }, function()
                        assert(vm:console({ tail = 1000 }):find "running 'modules:final'")
                    end)
                    vm:wait("cloud-init", { timeout = "2s" })
                    """#)
                #expect(late.status == 1)
                #expect(
                    late.errors.contains(
                        "failing is not done with cloud-init after 2s: the last stage seen is modules:final"),
                    "\(late.errors)")
                #expect(late.errors.contains("    | "), "with the console's last lines: \(late.errors)")
                #expect(late.errors.contains("limiq console failing"), "and what to do: \(late.errors)")

                let failed = try await run(
                    """
                    vm:write_file("/run/go", "")
                    vm:up { timeout = "5m" }
                    """)
                #expect(failed.status == 1)
                #expect(
                    failed.errors.contains("cloud-init finished with errors in failing: scripts-user: "),
                    "\(failed.errors)")
                #expect(home.machines == ["failing"], "a machine that was there is not removed")
                // Another process: what is known by now is what the guest says, and what was kept.
                let again = try await run(#"vm:wait("cloud-init", { timeout = "30s" })"#)
                #expect(again.status == 1 && again.errors.contains("scripts-user: "), "\(again.errors)")

                let began = ContinuousClock.now
                let panicked = try await run(
                    #"""
                    local limiq = require "limiq"
                    vm:exec { "systemctl", "stop", "ssh.socket", "ssh.service" }
                    local waiting = limiq.spawn(function() vm:wait("ssh", { timeout = "5m" }) end)
                    limiq.sleep "1s"
                    limiq.spawn(function()
                        limiq.try(vm.exec, vm, { "sh", "-c", "echo c >/proc/sysrq-trigger", timeout = "10s" })
                    end)
                    waiting:join()
                    """#)
                #expect(panicked.status == 1)
                #expect(
                    panicked.errors.contains("the kernel of failing panicked: ")
                        && panicked.errors.contains("Kernel panic - not syncing: sysrq triggered crash"),
                    "\(panicked.errors)")
                #expect(began.duration(to: .now) < .seconds(60), "the wait ends with the guest")

                let nvram = folderNames(home.daemons.folder + "/lib/qemu/nvram")
                #expect(!nvram.isEmpty, "its firmware's variables are kept in a file")
                let removed = try await home.limiq("rm", "failing")
                #expect(removed.status == 0, "\(removed.errors)")
                #expect(folderNames(home.daemons.folder + "/lib/qemu/nvram").isEmpty)
                #expect(home.machines.isEmpty)
            }
        }
    }
}
