import Foundation
import Hypervisors
import Support
import Testing

extension EndToEnd {
    /// Memtest86+ is the vendor: its ISO image boots under BIOS and UEFI, and turns the screen blue.
    @Suite struct `What a machine boots from` {
        private static let iso = "/usr/lib/memtest86+/memtest86+x64.iso"

        /// The share of blue in a screenshot, by netpbm.
        private func blue(_ screenshot: String) async throws -> Double {
            let histogram = try await command(
                "sh", ["-c", #"pngtopnm "$1" | ppmhist -noheader"#, "sh", screenshot])
            let counts = histogram.lines.compactMap { line -> (isBlue: Bool, count: Int)? in
                let numbers = line.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
                guard numbers.count == 5 else { return nil }
                return (numbers[0] == 0 && numbers[1] == 0 && numbers[2] > 128, numbers[4])
            }
            let all = counts.reduce(0) { $0 + $1.count }
            try #require(all > 0, "no picture: \(histogram.errors)")
            return Double(counts.filter(\.isBlue).reduce(0) { $0 + $1.count }) / Double(all)
        }

        @Test(arguments: ["bios", "uefi"])
        func `a vendor's ISO image starts under either firmware`(firmware: String) async throws {
            try await Home.with { home in
                let up = try await home.limiq(
                    "run",
                    home.script(
                        "up",
                        """
                        local limiq = require "limiq"
                        local vm = limiq.vm {
                            name = "vendor", memory = "256MiB", firmware = "\(firmware)",
                            disks = { { id = "boot-disk", size = "1GiB", bootable = true } },
                            cdroms = {
                                { id = "os", iso_path = "\(Self.iso)", bootable = true },
                                { id = "tools", iso_path = "/usr/lib/ipxe/ipxe.iso" },
                            },
                            boot_order = { "BOOT_DEVICE_CDROM", "BOOT_DEVICE_DISK" },
                        }
                        vm:up { wait = "running" }
                        """))
                try #require(up.status == 0, "\(up.errors)")
                let look = try home.script(
                    "look", #"require("limiq").domain.get("vendor"):screenshot "screen.png""#)
                var share = 0.0
                let deadline = ContinuousClock.now + .seconds(180)
                while share < 0.4, ContinuousClock.now < deadline {
                    try await Task.sleep(for: .seconds(2))
                    let shot = try await home.limiq("run", look)
                    try #require(shot.status == 0, "\(shot.errors)")
                    share = try await blue(home.path + "/screen.png")
                }
                #expect(share >= 0.4, "Memtest86+ fills the screen with blue, not \(share) of it")
            }
        }

        @Test(arguments: [true, false])
        func `the order is the description's: a disk before a CD-ROM, or the other way`(diskFirst: Bool)
            async throws
        {
            try await Home.with { home in
                try TestGuest.writeDisk(home.path + "/disk.raw")
                let order = diskFirst ? #"{ "disk", "cdrom" }"# : #"{ "cdrom", "disk" }"#
                let run = try await home.limiq(
                    "run",
                    home.script(
                        "order",
                        """
                        local limiq = require "limiq"
                        local vm = limiq.vm {
                            name = "order", memory = "128MiB", boot_order = \(order),
                            disks = { { id = "boot", path = "disk.raw", bootable = true } },
                            cdroms = { { id = "live", iso_path = "\(Self.iso)" } },
                        }
                        vm:up { wait = "running" }
                        limiq.sleep "15s"
                        vm:screenshot "screen.png"
                        print(vm:console():find("limiq test guest", 1, true) ~= nil)
                        """))
                try #require(run.status == 0, "\(run.errors)")
                #expect(run.lines == ["\(diskFirst)"], "the disk's boot sector has spoken")
                let share = try await blue(home.path + "/screen.png")
                #expect((share >= 0.4) == !diskFirst, "the CD-ROM fills the screen with blue: \(share)")
            }
        }

        @Test
        func `secure boot refuses a loader without a signature; the TPM and its state go with the machine`()
            async throws
        {
            try await Home.with { home in
                let run = try await home.limiq(
                    "run",
                    home.script(
                        "secure",
                        """
                        local limiq = require "limiq"
                        local vm = limiq.vm {
                            name = "secure", memory = "256MiB", firmware = "uefi", secure_boot = true, tpm = true,
                            cdroms = { { id = "os", iso_path = "\(Self.iso)", bootable = true } },
                        }
                        vm:up { wait = "running" }
                        limiq.retry({ times = 60, delay = "1s" }, function()
                            assert(vm:console():find("Access Denied", 1, true))
                        end)
                        """))
                #expect(run.status == 0, "the firmware says that it starts nothing unsigned: \(run.errors)")
                let tpm = folderNames(home.daemons.folder + "/lib/swtpm").first ?? "none"
                let swtpm = try await command("pgrep", ["--full", "--count", "swtpm.*\(tpm)"])
                #expect(swtpm.output == "1\n", "an emulated TPM runs")
                let removed = try await home.limiq("rm", "secure")
                #expect(removed.status == 0, "\(removed.errors)")
                let left =
                    folderNames(home.daemons.folder + "/lib/swtpm")
                    + folderNames(home.daemons.folder + "/lib/qemu/nvram")
                #expect(left.isEmpty, "the TPM's and the firmware's memory: \(left)")
                try await expectNothing(in: home)
            }
        }
    }
}
