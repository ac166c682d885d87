import Support
import Testing

extension EndToEnd {
    @Suite("A guest whose cloud-init ends with another boot, and is then disabled") struct PowerStateTests {
        @Test(
            "is ready in the boot after it; later it is up with a warning, and a wait says why it is no use")
        func rebootThenDisabled() async throws {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let run = try await home.limiq(
                    "run",
                    home.script(
                        "again",
                        #"""
                        local limiq = require "limiq"
                        local vm = limiq.vm {
                            name = "again", memory = "1GiB", nics = {},
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

                        vm:write_file("/etc/cloud/cloud-init.disabled", "")
                        print((shell "stat -c %a /etc/cloud/cloud-init.disabled"))
                        vm:down { timeout = "5m" }
                        local report = vm:up()
                        print(report.changed, report.warnings[1])
                        print(select(2, limiq.try(vm.wait, vm, "cloud-init")).code)
                        print(select(2, limiq.try(vm.wait, vm, "ssh")).code)
                        """#))
                try #require(run.status == 0, "\(run.errors)")
                let warning =
                    "cloud-init is disabled in again by /etc/cloud/cloud-init.disabled, and does not run; "
                    + "it has finished in an earlier boot"
                #expect(
                    run.lines == [
                        "true", "false", "644", "true\t\(warning)", "no_cloud_init", "bad_field",
                    ])
            }
        }
    }
}
