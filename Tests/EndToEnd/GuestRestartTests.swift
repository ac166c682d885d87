import Support
import Testing

extension EndToEnd {
    @Suite(.serialized) struct `A guest that stops and starts` {
        /// What changes with each boot, and what must not.
        private static let identity = """
            cat /proc/sys/kernel/random/boot_id
            cat /etc/ssh/ssh_host_*_key.pub | sha256sum
            ls /var/lib/cloud/instances
            stat -c %y /var/lib/cloud/instance/sem/config_users_groups
            """

        private static let sshWorks = #"show(guest:exec({ "id", "-un", user = "admin" }).stdout)"#

        @Test func `its disk has the size that was asked for, and its root filesystem fills it`() async throws
        {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.shell("lsblk -bdno SIZE /dev/vda; df -B1 --output=size / | tail -n 1")
            let sizes = lines.compactMap { Int($0.filter(\.isNumber)) }
            try #require(sizes.count == 2, "\(lines)")
            #expect(sizes[0] == 20 << 30)
            #expect(sizes[1] > 18 << 30, "ext4 keeps some for itself: \(sizes[1])")
        }

        @Test func `suspended it does nothing, resumed it goes on where it was`() async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                #"""
                local function boot() return guest:exec({ "cat", "/proc/sys/kernel/random/boot_id" }).stdout end
                local before = boot()
                guest:suspend()
                show(guest:state())
                local _, e = limiq.try(boot)
                show(e.code, e.hint)
                guest:resume()
                show(guest:state(), boot() == before)
                """#)
            #expect(
                lines == [#""paused""#, #""guest_stopped""#, #""resume it first""#, #""running""#, "true"])
        }

        @Test
        func
            `a wait after a reboot is for the new boot; ports lead into it, and cloud-init does nothing anew`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let before = try await guest.shell(Self.identity)
            let lines = try await guest.run(
                #"""
                guest:reboot()
                guest:wait("cloud-init", { timeout = "10m" })
                """# + "\n" + Self.sshWorks)
            #expect(lines == [#""admin\n""#])
            let after = try await guest.shell(Self.identity)
            #expect(after[0] != before[0], "it has booted anew")
            #expect(after[1...] == before[1...], "the same keys, the same one instance, its users made once")
        }

        @Test func `off and on again, ports lead into it, and what was changed of its drives is there`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let before = try await guest.shell(Self.identity)
            let lines = try await guest.run(
                #"""
                for _, label in ipairs { "FIRST", "SECOND", "THIRD" } do
                    limiq.iso.create { path = label .. ".iso", label = label, files = { name = label } }
                end
                guest:attach_cdrom { id = "kept", iso_path = "FIRST.iso" }
                guest:attach_cdrom { id = "gone", iso_path = "THIRD.iso" }
                guest:insert_media("kept", "SECOND.iso")
                guest:detach_cdrom "gone"
                guest:shutdown { timeout = "3m" }
                show(guest:state())
                guest:start()
                guest:wait("ssh", { timeout = "10m" })
                """# + "\n" + Self.sshWorks + "\n" + #"guest:wait("cloud-init", { timeout = "10m" })"#)
            #expect(lines == [#""shut off""#, #""admin\n""#])
            let after = try await guest.shell(Self.identity)
            #expect(after[0] != before[0])
            #expect(after[1...] == before[1...])
            let drives = try await guest.shell("lsblk -dno LABEL /dev/sr* | sort")
            #expect(drives == ["SECOND", "cidata"])
            _ = try await guest.run(#"guest:detach_cdrom "kept""#)
        }
    }
}
