import Basics
import Digests

extension VMSpec {
    /// The number of characters of a disk's serial number that a guest sees.
    private static let serialLength = 20

    /// The serial numbers by which the guest knows its disks, each of its id: the beginning of it, and of one that
    /// begins as another does a digest too, so that no two are alike.
    package var diskSerials: [String] {
        var taken: Set<Substring> = []
        return disks.map { disk in
            let plain = disk.id.prefix(Self.serialLength)
            if taken.insert(plain).inserted { return String(plain) }
            let digest = hexadecimal(SHA256.hash(data: Array(disk.id.utf8)).prefix(4))
            return "\(disk.id.prefix(Self.serialLength - 1 - digest.count))-\(digest)"
        }
    }
}
