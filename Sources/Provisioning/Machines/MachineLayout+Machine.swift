import Hypervisors
import MachineSpec

extension MachineLayout {
    init(_ spec: VMSpec, of machine: Machine) {
        let (folder, isLocal) = (machine.folder, machine.isLocal)
        self.folder = folder
        self.isLocal = isLocal
        consoleLog = machine.consoleLog
        disks = spec.disks.map { disk in
            let made =
                isLocal ? "\(folder)/\(disk.id).\(disk.format.libvirtName)" : machine.volumeName(of: disk)
            return Disk(spec: disk, path: disk.path ?? made, format: disk.format, isMade: disk.path == nil)
        }
        cdroms = spec.cdroms.map { cdrom in
            cdrom.isoPath ?? (isLocal ? "\(folder)/cdrom-\(cdrom.id).iso" : machine.volumeName(of: cdrom))
        }
        madeCDROMs = zip(spec.cdroms, cdroms).filter { $0.0.isoPath == nil }.map(\.1)
        ignition = spec.ignition == nil ? nil : "\(folder)/ignition.json"
        seed = spec.cloudInit == nil ? nil : isLocal ? "\(folder)/seed.iso" : machine.seedVolumeName
    }
}
