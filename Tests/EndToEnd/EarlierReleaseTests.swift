import Foundation
import Hypervisors
import Support
import Testing

extension EndToEnd {
    @Suite(.enabled(if: geteuid() == 0, "root's libvirt was inside limiq then"))
    struct `Machines of limiq 0.1.0` {
        @Test func `are taken over when they are off, with their disk, seed and firmware's variables`()
            async throws
        {
            try await Home.with { home in
                let script = try home.script(
                    "old",
                    """
                    local limiq = require "limiq"
                    local vm = limiq.vm {
                        name = "old", memory = "128MiB", firmware = "uefi", disks = { { id = "data", size = "1GiB" } },
                        cloud_init = { user_data = "#cloud-config\\nhostname: old\\n" },
                    }
                    local report = vm:up { wait = "running" }
                    print(vm:state(), report.changed, vm.domain:xml():match("<uuid>(.-)</uuid>"))
                    """)
                let made = try await home.limiq("run", script)
                try #require(made.status == 0, "\(made.errors)")
                let down = try await home.limiq(
                    "run", home.script("down", #"require("limiq").domain.get("old"):destroy()"#))
                try #require(down.status == 0, "\(down.errors)")
                try endDaemons(home.daemons)
                // As 0.1.0 kept it: root's alone, defined in a driver of limiq's own process.
                let before = """
                    mkdir -p embed/etc/qemu embed/lib/qemu/nvram
                    mv libvirt/etc/qemu/old.xml embed/etc/qemu/
                    mv libvirt/lib/qemu/nvram/old_VARS.fd embed/lib/qemu/nvram/
                    rm -r libvirt
                    chown root:root vms/old/* embed/lib/qemu/nvram/*
                    chmod 600 vms/old/*
                    chmod 700 vms/old
                    sed -i "s|qemu+unix:[^\\"]*|qemu:///embed?root=$PWD/embed|" vms/old/made.json
                    sha256sum embed/lib/qemu/nvram/old_VARS.fd | cut -d' ' -f1
                    """
                let moved = try await command("sh", ["-ec", before], folder: home.path)
                try #require(moved.status == 0, "\(moved.errors)")

                let list = try await home.limiq("list")
                #expect(list.output.contains(/old +shut off/), "\(list.output)\(list.errors)")
                let variables = try await command(
                    "sha256sum", [home.daemons.folder + "/lib/qemu/nvram/old_VARS.fd"])
                #expect(variables.output.hasPrefix(moved.lines.last ?? "none"), "the firmware remembers")
                #expect(!folderNames(home.path).contains("embed"), "nothing is left of it")
                let plan = try await home.limiq("plan", script)
                #expect(plan.output.contains("start") && !plan.output.contains("make"), "\(plan.output)")
                let again = try await home.limiq("run", script)
                #expect(again.status == 0 && again.lines == made.lines, "\(again.output)\(again.errors)")
                let removed = try await home.limiq("rm", "old")
                #expect(removed.status == 0, "\(removed.errors)")
                try await expectNothing(in: home)
            }
        }
    }
}
