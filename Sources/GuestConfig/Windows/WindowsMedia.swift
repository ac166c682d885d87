import Basics
import DiskImages
import MachineSpec

extension VMSpec {
    /// The warnings of the images that are made for a guest with Windows: names it cannot open, and a disk that its
    /// answer file has too little room on.
    package var windowsWarnings: [GuestFinding] {
        guard isWindows else { return [] }
        var warnings: [GuestFinding] = []
        for cdrom in cdroms {
            guard let files = cdrom.files else { continue }
            // Names that no image can have are told when it is made.
            for warning in (try? files.windowsNameWarnings()) ?? [] {
                warnings.append(
                    GuestFinding(warning: "cdrom \(cdrom.id): \(warning.message)", hint: warning.hint))
            }
            if let answers = files.files.first(where: { $0.path.lowercased() == "autounattend.xml" }),
                let warning = sizeWarning(String(decoding: answers.contents, as: UTF8.self))
            {
                warnings.append(warning)
            }
        }
        return warnings
    }

    /// Microsoft's system requirements: Windows 11 asks for 64 GB, Windows 10 and the servers for 32 GB.
    private func sizeWarning(_ answers: String) -> GuestFinding? {
        guard let index = disks.firstIndex(where: \.bootable) ?? disks.indices.first,
            let size = disks[index].size
        else { return nil }
        let isEleven = answers.contains("<Value>Windows 11 ")
        let needed: UInt64 = isEleven ? 64 : 32
        // Those are decimal.
        guard size.bytes < needed * 1_000_000_000 else { return nil }
        return GuestFinding(
            warning:
                "disks[\(index + 1)] has \(size), and \(isEleven ? "Windows 11" : "Windows") asks for \(needed) GB",
            hint: "size = \"\(needed)GiB\"")
    }
}
