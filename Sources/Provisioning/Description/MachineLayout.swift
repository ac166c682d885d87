import Basics
import DiskImages
import Hypervisors
import MachineSpec

/// The places where the parts of one machine are. On another host the paths of disks, seed, ISO images and console log
/// are that host's; until the volumes are made, or looked up, those of limiq's making are their names.
struct MachineLayout: Sendable {
    /// A disk as the domain gets it.
    struct Disk: Sendable, Equatable {
        var spec: DiskSpec
        /// The path of the disk's file; where the spec names a pool and a volume that is there, the volume's name.
        var path: String
        var format: DiskFormat
        /// Whether limiq makes the disk.
        var isMade: Bool
        /// The address of a block device of Ceph's; `path` is then Ceph's `POOL/VOLUME`.
        var rbd: RBDSource?
        /// The files below an overlay, the nearest first.
        var backing: [BackingImage] = []
        /// The stamps of those files, as they were when the overlay was made.
        var stamps: [ImageStamp] = []
    }

    /// The machine's own folder, on this host.
    let folder: String
    var disks: [Disk]
    /// The ISO image in each CD-ROM drive.
    var cdroms: [String]
    /// The path of the cidata image; `nil` without `cloud_init`.
    var seed: String?
    /// The path of Ignition's configuration; `nil` without one.
    var ignition: String?

    /// The path of the log of the guest's serial console.
    var consoleLog: String

    /// The file that says where in the console's log the present boot begins, where that is not its start.
    var bootOffset: String { folder + "/boot-offset" }
    /// The file with what the guest's nics had been lent when the present boot began.
    var leases: String { folder + "/leases.json" }
    /// The file that says how the guest's cloud-init ended.
    var outcome: String { folder + "/cloud-init.json" }

    /// The file with the guest's ssh host keys, where its cloud-config brings them.
    var hostKeys: String { folder + "/host_keys" }

    /// The names of the files of this host that come to be while the machine runs.
    static let runtimeFiles =
        consoleLogs + [
            "boot-offset", "leases.json", "cloud-init.json", "known_hosts", "host_keys", "user-address",
            "memory", "warm-start",
        ]
    /// The names of the console's log, and of those that libvirt has begun anew.
    static let consoleLogs = ["", ".0", ".1", ".2", ".3"].map { "console.log\($0)" }
}
