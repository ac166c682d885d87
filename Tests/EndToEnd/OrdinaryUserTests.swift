import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite("An ordinary user", .enabled(if: geteuid() == 0, "only root can make one"))
    struct OrdinaryUserTests {
        @Test("has a hypervisor of their own, with nothing to set up, and leaves nothing in it")
        func session() async throws {
            try await Home.with { home in
                // The checkout may be closed to others.
                let installed = try await command("\(repository)/scripts/install", [home.path + "/prefix"])
                try #require(installed.status == 0, "\(installed.errors)")
                let script = try home.script(
                    "small",
                    """
                    local limiq = require "limiq"
                    local vm = \(smallGuest(#""small""#))
                    local report = vm:up { wait = "running" }
                    print(vm.name, vm:state(), report.changed, limiq.domain.list({ ours = true })[1].uri)
                    """)
                let limiq = home.path + "/prefix/bin/limiq"
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
    }
}
