import Foundation
import Support
import Testing

extension EndToEnd {
    @Suite(.serialized) struct `CD-ROMs as a guest sees them` {
        @Test func `the seed is a volume cloud-init looks for`() async throws {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.shell("blkid -o export /dev/sr0; cloud-init query v1.instance_id")
            #expect(lines.contains("TYPE=iso9660"))
            #expect(lines.contains("LABEL=cidata"))
            #expect(lines.last?.hasPrefix("iid-") == true, "\(lines)")
        }

        /// Files whose names and sizes are awkward, and many of them.
        private static let tree = """
            mkdir -p tree/many tree/deep/1/2/3/4/5/6/7/8/9/10 tree/empty-folder
            for i in $(seq -w 1 10000); do echo "file $i" >tree/many/file-$i.txt; done
            echo deep >tree/deep/1/2/3/4/5/6/7/8/9/10/bottom
            echo long >tree/$(printf 'n%.0s' $(seq 1 200)).txt
            echo folded >tree/README && echo other >tree/readme
            echo umlaut >'tree/Grüße aus Zürich.txt' && echo kanji >tree/日本語.txt && echo emoji >tree/🐟.txt
            echo '#!/bin/sh' >tree/run.sh && : >tree/empty
            for size in 1 2047 2048 2049 3000000; do head -c $size /dev/urandom >tree/size-$size.bin; done
            """
        private static let sums = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"

        @Test func `an ISO image with many, deep, long and foreign names is mounted whole`() async throws {
            let guest = try await BootedGuest.shared()
            let host = guest.home.path
            let made = try await command("sh", ["-c", Self.tree], folder: host)
            try #require(made.status == 0, "\(made.errors)")
            let sums = try await command("sh", ["-c", Self.sums], folder: host + "/tree")
            try sums.output.write(toFile: host + "/sums", atomically: true, encoding: .utf8)
            let count = sums.lines.count
            #expect(count > 10_000)

            let lines = try await guest.run(
                #"""
                local files = { ["empty-folder"] = {} }
                for _, name in ipairs(limiq.file.list "tree") do files[name] = limiq.file.read("tree/" .. name) end
                limiq.iso.create { path = "tree.iso", label = "TREE", files = files }
                guest:attach_cdrom { id = "tree", iso_path = "tree.iso" }
                guest:write_file("/root/sums", limiq.file.read "sums")
                io.write(guest:exec({ "sh", "-ec", limiq.args[1], timeout = "10m" }).stdout)
                guest:detach_cdrom "tree"
                """#,
                """
                udevadm settle; for i in $(seq 50); do [ -e /dev/sr1 ] && break; sleep 0.2; done
                mount -o ro /dev/sr1 /mnt; cd /mnt
                find . -type f | wc -l; find . -type d | wc -l
                sha256sum --check --quiet /root/sums && echo same
                stat -c '%a %U' run.sh empty; cd /
                umount /mnt; mount -o ro,norock /dev/sr1 /mnt; cd /mnt
                find . -type f | wc -l; grep -E ' \\./(many/|deep/|README|size-)' /root/sums | sha256sum --check --quiet && echo same
                cd /; umount /mnt
                """)
            #expect(
                lines == [
                    "\(count)", "14", "same", "755 root", "644 root",
                    // By Joliet's names, as Windows reads it.
                    "\(count)", "same",
                ])
        }

        @Test
        func
            `a medium comes and goes under the running guest; a tray it keeps locked is opened by force only`()
            async throws
        {
            let guest = try await BootedGuest.shared()
            let lines = try await guest.run(
                #"""
                for _, label in ipairs { "ONE", "TWO" } do
                    limiq.iso.create { path = label .. ".iso", label = label, files = { name = label } }
                end
                -- A drive that has just been given a medium says for a moment that it is not ready.
                local function label(expected)
                    local script = "udevadm settle; blkid -p -s LABEL -o value /dev/sr1 || echo none"
                    local seen
                    limiq.try(limiq.retry, { times = 20, delay = "250ms" }, function()
                        seen = guest:exec({ "sh", "-c", script }).stdout
                        assert(seen == expected .. "\n")
                    end)
                    return seen
                end
                guest:attach_cdrom { id = "tools", iso_path = "ONE.iso" }
                show(label "ONE")
                -- udev would let go of it when it is asked.
                guest:exec { "systemctl", "stop", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udevd" }
                guest:exec { "eject", "-i", "on", "/dev/sr1" }
                local _, e = limiq.try(guest.eject_media, guest, "tools")
                show(e.code, e.message)
                guest:eject_media("tools", { force = true })
                guest:exec { "systemctl", "start", "systemd-udevd" }
                show(label "none")
                guest:insert_media("tools", "TWO.iso")
                show(label "TWO")
                guest:insert_media("tools", "ONE.iso")
                show(label "ONE")
                guest:eject_media "tools"
                show(label "none")
                guest:detach_cdrom "tools"
                show(guest:exec({ "sh", "-c", "for i in $(seq 20); do [ -e /dev/sr1 ] || break; sleep 0.2; done; lsblk -dno NAME /dev/sr*" }).stdout)
                """#)
            #expect(
                lines == [
                    #""ONE\n""#, #""tray_locked""#, #""the guest of guest keeps the tray of tools locked""#,
                    #""none\n""#, #""TWO\n""#, #""ONE\n""#, #""none\n""#, #""sr0\n""#,
                ])
        }
    }
}
