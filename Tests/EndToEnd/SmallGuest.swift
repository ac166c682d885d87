import Foundation

/// Lua of a machine that starts in a second: GRUB's rescue CD-ROM, in 64 MiB, with a blank disk. Nobody in it answers.
func smallGuest(_ name: String) -> String {
    """
    limiq.vm {
        name = \(name), memory = "64MiB", disks = { { id = "data", size = "1GiB" } },
        cdroms = { { id = "live", iso_path = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso", bootable = true } },
    }
    """
}
