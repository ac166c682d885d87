import Basics

/// Where the parts of one VM are. On a host that is another machine the paths of disks, seed, ISO images and console log
/// are that machine's; until the volumes are made, or looked up, those of limiq's making are their names.
struct MachineLayout: Sendable {
    /// A disk as the domain gets it.
    struct Disk: Sendable, Equatable {
        var spec: DiskSpec
        /// The file; where the spec names a pool and a volume that is there, the volume's name.
        var path: String
        var format: DiskFormat
        /// Made by limiq.
        var isMade: Bool
        /// Where it is, if it is a block device of Ceph's; `path` is then Ceph's `POOL/VOLUME`.
        var rbd: RBDSource?
        /// The files below an overlay, the nearest first.
        var backing: [BackingImage] = []
        /// What they were when the overlay was made.
        var stamps: [ImageStamp] = []
    }

    /// The VM's own folder, of this machine.
    let folder: String
    var disks: [Disk]
    /// The ISO image in each CD-ROM drive.
    var cdroms: [String]
    /// Those of them that are made, in the VM's folder.
    let madeCDROMs: [String]
    /// The cidata image; `nil` without `cloud_init`.
    var seed: String?
    /// Ignition's configuration; `nil` without one.
    let ignition: String?

    /// The guest's serial console as text.
    var consoleLog: String
    /// What was made on a host that is another machine; empty on this one, where `madeFiles` says it.
    var volumes: [HostVolume] = []
    let isLocal: Bool

    /// Where in the console's log the present boot begins, where that is not its start.
    var bootOffset: String { folder + "/boot-offset" }
    /// What the guest's nics had been lent when the present boot began.
    var leases: String { folder + "/leases.json" }
    /// How the guest's cloud-init ended.
    var outcome: String { folder + "/cloud-init.json" }

    /// The guest's ssh host keys, where its cloud-config brings them.
    var hostKeys: String { folder + "/host_keys" }

    /// The files limiq makes on this machine for the VM, in the order they are made.
    var madeFiles: [String] {
        isLocal
            ? disks.filter(\.isMade).map(\.path) + madeCDROMs + [seed, ignition].compactMap(\.self) : []
    }
    /// The names of the files of this machine that come to be while the VM runs.
    static let runtimeFiles =
        consoleLogs + ["boot-offset", "leases.json", "cloud-init.json", "known_hosts", "host_keys"]
    /// The console's log, and those that libvirt has begun anew.
    static let consoleLogs = ["", ".0", ".1", ".2", ".3"].map { "console.log\($0)" }
}
