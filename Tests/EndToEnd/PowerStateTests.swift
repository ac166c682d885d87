import Support
import Testing

extension EndToEnd {
    @Suite struct `A guest whose cloud-init ends with another boot` {
        @Test func `is ready in the boot after it, and the next run changes nothing`() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let run = try await home.limiq(
                    "run",
                    home.script(
                        "again",
                        #"""
                        local limiq = require "limiq"
                        local vm = limiq.vm {
                            name = "again", memory = "1GiB", nics = { {} },
                            disks = { { id = "boot", backing_file = limiq.image "debian-12" } },
                            cloud_init = { user_data = {
                                power_state = { mode = "reboot", delay = "now" },
                                runcmd = { "cat /proc/sys/kernel/random/boot_id >/root/first" },
                            } },
                        }
                        local function shell(words)
                            return vm:exec({ "sh", "-c", words, timeout = "5m" }).stdout
                        end
                        vm:up()
                        print(shell "cat /root/first" ~= shell "cat /proc/sys/kernel/random/boot_id")
                        print(vm:up().changed)
                        vm:write_file("/root/plain", "")
                        print((shell "stat -c %a /root/plain"))
                        """#))
                try #require(run.status == 0, "\(run.errors)")
                #expect(run.lines == ["true", "false", "644"])
            }
        }
    }
}
