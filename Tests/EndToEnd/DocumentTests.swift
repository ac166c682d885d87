import Foundation
import Support
import Testing

extension EndToEnd {
    /// The two documents of the platform's page on provisioning, as they stand there but for the paths.
    @Suite struct `The platform's documents` {
        private static let webServer = #"""
            {
              "name": "web-server-01",
              "spec": {
                "cpu_cores": 4,
                "memory_mib": 4096,
                "disks": [{
                  "id": "boot-disk",
                  "size_gib": 50,
                  "bootable": true,
                  "backing_file": "HOME/cloud-images/ubuntu-22.04.qcow2"
                }],
                "cloud_init": {
                  "user_data": "#cloud-config\nhostname: web-server-01\nusers:\n  - name: admin\n    sudo: ALL=(ALL) NOPASSWD:ALL\n    ssh_authorized_keys:\n      - ssh-rsa AAAAB3...",
                  "meta_data": "instance-id: web-server-01\nlocal-hostname: web-server-01"
                }
              }
            }
            """#

        private static let windowsServer = #"""
            {
              "name": "windows-server",
              "spec": {
                "cpu_cores": 4,
                "memory_mib": 8192,
                "disks": [{
                  "id": "boot-disk",
                  "size_gib": 100,
                  "bootable": true
                }],
                "cdroms": [{
                  "id": "os-iso",
                  "iso_path": "HOME/isos/windows-server-2022.iso",
                  "bootable": true
                }, {
                  "id": "virtio-drivers",
                  "iso_path": "HOME/isos/virtio-win.iso",
                  "bootable": false
                }],
                "firmware": "FIRMWARE_UEFI",
                "boot_order": ["BOOT_DEVICE_CDROM", "BOOT_DEVICE_DISK"]
              }
            }
            """#

        private func write(_ document: String, _ name: String, in home: Home) throws {
            try document.replacing("HOME", with: home.path)
                .write(toFile: "\(home.path)/\(name)", atomically: true, encoding: .utf8)
        }

        @Test func `web-server-01 comes up as its document says, and its description makes the same machine`()
            async throws
        {
            try await Home.with { home in
                try await home.linkImage("debian-12")
                let images = home.path + "/cloud-images"
                try FileManager.default.moveItem(
                    atPath: images + "/debian-12.qcow2", toPath: images + "/ubuntu-22.04.qcow2")
                try write(Self.webServer, "web.json", in: home)
                let up = try await home.limiq("up", "web.json", "--timeout", "10m")
                try #require(up.status == 0, "\(up.errors)")
                #expect(up.output.contains("web-server-01"))
                let look = try await home.limiq(
                    "run",
                    home.script(
                        "look",
                        #"""
                        local guest = require("limiq").domain.get "web-server-01"
                        local function sh(text) io.write(guest:exec({ "sh", "-c", text }).stdout) end
                        sh "hostname; id -un admin; nproc; sudo -l -U admin | grep -c NOPASSWD"
                        sh "cat /var/lib/cloud/data/instance-id; cat ~admin/.ssh/authorized_keys"
                        sh "lsblk -bdno SIZE /dev/vda"
                        """#))
                #expect(
                    look.lines == [
                        "web-server-01", "admin", "4", "1", "web-server-01", "ssh-rsa AAAAB3...",
                        "\(50 << 30)",
                    ], "\(look.errors)")

                let spec = try await home.limiq("show", "--spec", "web-server-01")
                try write(spec.output, "again.json", in: home)
                let given = try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(fileURLWithPath: home.path + "/web.json")))
                let told = try JSONSerialization.jsonObject(with: Data(spec.output.utf8))
                #expect((given as? NSDictionary) == (told as? NSDictionary), "\(spec.output)\(spec.errors)")
                let again = try await home.limiq("up", "again.json")
                #expect(again.status == 0 && again.output == up.output, "\(again.errors)")
                #expect(again.errors.contains("web-server-01: unchanged"), "\(again.errors)")
            }
        }

        @Test
        func `windows-server comes up as its document says, and its description makes the same machine`()
            async throws
        {
            try await Home.with { home in
                // Stand-ins: the vendors' own images cannot be had without them.
                let isos = home.path + "/isos"
                try FileManager.default.createDirectory(atPath: isos, withIntermediateDirectories: true)
                for (name, stand) in [
                    ("windows-server-2022", "/usr/lib/memtest86+/memtest86+x64.iso"),
                    ("virtio-win", "/usr/lib/ipxe/ipxe.iso"),
                ] {
                    try FileManager.default.copyItem(atPath: stand, toPath: "\(isos)/\(name).iso")
                }
                try write(Self.windowsServer, "windows.json", in: home)
                let up = try await home.limiq("up", "windows.json")
                try #require(up.status == 0, "\(up.errors)")
                let spec = try await home.limiq("show", "--spec", "windows-server")
                try write(spec.output, "again.json", in: home)
                let again = try await home.limiq("up", "again.json")
                #expect(again.status == 0, "\(again.errors)")
                #expect(again.errors.contains("windows-server: unchanged"), "\(again.errors)")
                let console = try await home.limiq(
                    "run",
                    home.script(
                        "wait",
                        #"""
                        local limiq = require "limiq"
                        limiq.retry({ times = 60, delay = "1s" }, function()
                            assert(limiq.domain.get("windows-server"):console():find "starting Boot%d+ .*CD%-ROM")
                        end)
                        """#))
                #expect(console.status == 0, "its CD-ROM starts first: \(console.errors)")
                let removed = try await home.limiq("rm", "windows-server")
                #expect(removed.status == 0, "\(removed.errors)")
                try await expectNothing(in: home)
                #expect(folderNames(isos).count == 2, "the ISO images stay")
            }
        }

        @Test func `a document that is none says what is wrong with it, and nothing is made`() async throws {
            try await Home.with { home in
                for (text, complaint) in [
                    (#"{ "name": "a", "spec": { "memory_mb": 1 } }"#, "memory_mb is not a field"),
                    (#"{ "name": "a" "#, "broken.json:1:15"), ("[]", "name is missing"),
                ] {
                    try write(text, "broken.json", in: home)
                    let up = try await home.limiq("up", "broken.json")
                    #expect(up.status == 1 && up.errors.contains(complaint), "\(up.errors)")
                }
                let gone = try await home.limiq("up", "gone.json")
                #expect(gone.status == 1 && gone.errors.contains("gone.json"), "\(gone.errors)")
                try await expectNothing(in: home)
            }
        }
    }
}
