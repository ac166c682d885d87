import Basics

/// Where the parts of one VM are.
struct MachineLayout: Sendable {
    /// A disk as the domain gets it.
    struct Disk: Sendable, Equatable {
        var spec: DiskSpec
        /// The file, or the volume's name where the spec names a pool.
        var path: String
        var format: DiskFormat
        /// Made by limiq in the VM's folder.
        var isMade: Bool
        /// The files below an overlay, the nearest first.
        var backing: [BackingImage] = []
    }

    struct BackingImage: Sendable, Equatable {
        var path: String
        /// As libvirt calls it: `qcow2`, `raw`.
        var format: String
    }

    let folder: String
    var disks: [Disk]
    /// The image in each CD-ROM drive.
    let cdroms: [String]
    /// Those of them that are made, in the VM's folder.
    private let madeCDROMs: [String]
    /// The cidata image; `nil` without `cloud_init`.
    var seed: String?
    /// Ignition's configuration; `nil` without one.
    let ignition: String?

    init(_ spec: VMSpec, in state: StateFolder) {
        let folder = state.machine(spec.name)
        self.folder = folder
        disks = spec.disks.map { disk in
            Disk(
                spec: disk,
                path: disk.path ?? "\(folder)/\(disk.id).\(disk.format == .raw ? "raw" : "qcow2")",
                format: disk.format, isMade: disk.path == nil)
        }
        cdroms = spec.cdroms.map { $0.isoPath ?? "\(folder)/cdrom-\($0.id).iso" }
        madeCDROMs = zip(spec.cdroms, cdroms).filter { $0.0.isoPath == nil }.map(\.1)
        ignition = spec.ignition == nil ? nil : "\(folder)/ignition.json"
        seed = spec.cloudInit == nil ? nil : "\(folder)/seed.iso"
    }

    /// The guest's serial console as text.
    var consoleLog: String { folder + "/console.log" }
    /// What was made, written before it is made.
    var journal: String { folder + "/made.json" }
    /// Where in the console's log the present boot begins, where that is not its start.
    var bootOffset: String { folder + "/boot-offset" }
    /// How the guest's cloud-init ended.
    var outcome: String { folder + "/cloud-init.json" }

    /// The guest's ssh host keys, where its cloud-config brings them.
    var hostKeys: String { folder + "/host_keys" }

    /// The files limiq makes for this VM, in the order they are made.
    var madeFiles: [String] {
        disks.filter(\.isMade).map(\.path) + madeCDROMs + [seed, ignition].compactMap(\.self)
    }
    /// Files that come to be while the VM runs.
    var runtimeFiles: [String] {
        [consoleLog, bootOffset, outcome, folder + "/known_hosts", hostKeys]
            + (0..<4).map { "\(consoleLog).\($0)" }
    }
}
