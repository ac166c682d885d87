import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite struct `A guest's snapshots` {
        @Test func `bring it back to where it was, memory and disks, and are gone when they are deleted`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let words = try await guest.run(
                #"""
                local function sh(script) return guest:exec({ "sh", "-c", script }).stdout end
                show(sh "echo before >/root/kept; sync; sleep 100000 >/dev/null 2>&1 & echo $!")
                guest:snapshot { name = "point" }
                show(guest:snapshots()[1].name, guest:snapshots()[1].memory)
                show(limiq.try(guest.snapshot, guest, { name = "point" }) == nil)
                sh "echo after >/root/kept; pkill sleep; sync"
                guest:revert "point"
                show(guest:state())
                show(sh "cat /root/kept; pgrep -x sleep")
                """#)
            try #require(words.count == 6, "\(words)")
            let process = words[0].dropFirst().prefix { $0 != "\\" }
            #expect(words[1...4] == ["\"point\"", "true", "true", "\"running\""], "\(words)")
            #expect(words[5] == "\"before\\n\(process)\\n\"", "the file and the process of then: \(words)")

            let ssh = try await command(
                "ssh-keyscan", ["-T", "10", "-p", String(guest.sshPort), "127.0.0.1"])
            #expect(
                ssh.output.contains("127.0.0.1"), "the forwarded port leads to the guest again: \(ssh.errors)"
            )

            let disk = "\(guest.home.path)/vms/\(BootedGuest.name)/boot.qcow2"
            func kept() async throws -> String {
                try await command("qemu-img", ["snapshot", "-U", "-l", disk]).output
            }
            #expect(try await kept().contains("point"))
            _ = try await guest.run(#"guest:delete_snapshot "point""#)
            #expect(try await !kept().contains("point"))
            let late = try await guest.attempt(#"guest:revert "point""#)
            #expect(late.errors.contains("guest has no snapshot point"), "\(late.errors)")
        }

        @Test
        func `of the disks alone are taken with its file systems frozen, and boot it from the disks of then`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let words = try await guest.run(
                #"""
                local function sh(script) return guest:exec({ "sh", "-c", script }).stdout end
                -- Not synced: only a file system that is frozen has it on the disk.
                sh "echo before >/root/kept"
                guest:snapshot { name = "disks", memory = false }
                show(guest:snapshots()[1].memory)
                show(sh "journalctl -b -u qemu-guest-agent | grep -c 'guest-fsfreeze called'" ~= "0\n")
                sh "echo after >/root/kept; sync"
                local boot = sh "cat /proc/sys/kernel/random/boot_id"
                guest:revert "disks"
                guest:wait("agent", { timeout = "5m" })
                show(sh "cat /root/kept")
                show(boot ~= sh "cat /proc/sys/kernel/random/boot_id")
                guest:wait("cloud-init", { timeout = "5m" })
                guest:delete_snapshot "disks"
                show(#guest:snapshots())
                """#)
            #expect(words == ["false", "true", "\"before\\n\"", "true", "0"], "\(words)")
        }
    }
}
