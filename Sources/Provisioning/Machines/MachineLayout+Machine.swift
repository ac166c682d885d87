import Hypervisors
import MachineSpec

extension MachineLayout {
    init(_ spec: VMSpec, of machine: Machine) {
        folder = machine.folder
        consoleLog = machine.consoleLog
        disks = spec.disks.map { disk in
            Disk(
                spec: disk, path: disk.path ?? machine.path(of: .disk(disk.id), disk), format: disk.format,
                isMade: disk.path == nil)
        }
        cdroms = spec.cdroms.map { $0.isoPath ?? machine.path(of: .cdrom($0.id)) }
        seed = spec.cloudInit == nil ? nil : machine.path(of: .seed)
        ignition = spec.ignition == nil ? nil : machine.path(of: .ignition)
    }
}

extension Machine {
    /// The path of a part that limiq makes; on another host, where that is not known yet, the name of its volume.
    func path(of kind: Part.Kind, _ disk: DiskSpec? = nil) -> String {
        isLocal ? "\(folder)/\(kind.fileName(disk))" : volumeName(of: kind, disk)
    }

    /// The volume of a part on another host. A machine's name has no dot, so that no two volumes have one name.
    func volumeName(of kind: Part.Kind, _ disk: DiskSpec? = nil) -> String {
        "\(name).\(kind.fileName(disk))"
    }
}
