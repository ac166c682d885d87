import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import MachineSpec
import XML

/// A machine that has booted and was stopped in the middle: its memory beside the disk of that moment. Each machine that is
/// made of it is that machine going on, with a disk of its own on top.
///
/// The disk is an image of the library, the rest lies in a folder beside the images.
public struct WarmImage: Sendable {
    /// What is kept of the machine beside its memory.
    struct Note: Codable, Equatable {
        var version = 1
        /// The machine that was saved.
        var spec: VMSpec
        /// The image it was made from: what stands in for it where it cannot go on.
        var base: String
        var host: Host
    }

    /// What must be the same where the memory goes on.
    struct Host: Codable, Equatable {
        /// QEMU's version, as a number.
        var emulator: UInt64
        var acceleration: Acceleration
        /// The processor's model and what it can do, where the guest has seen it.
        var processor: String?
        /// The ports it has beside those of its devices; `nil` in a note of before.
        var ports: Int?
    }

    /// The frozen disk's file.
    let disk: String
    let note: Note
    private let folder: String

    /// The file of the memory.
    var memory: String { folder + "/memory" }
    /// The image that the machine was made from.
    public var base: String { note.base }
    /// The machine that was saved.
    public var spec: VMSpec { note.spec }

    /// - Parameter disk: the path of a frozen disk.
    /// - Throws: `Failure` with code `not_found` where there is no memory beside it, `bad_image` where its note cannot be read.
    public init(disk: String, state: StateFolder) throws(Failure) {
        self.disk = disk
        folder = Self.folder(of: disk, state)
        guard let bytes = readBytes(folder + "/machine.json") else {
            throw Failure(
                .notFound, "\(disk) is no warm machine", hint: "limiq.warm { name = …, from = … } makes one",
                resource: disk)
        }
        do { note = try JSONDecoder().decode(Note.self, from: Data(bytes)) } catch {
            throw Failure(.badImage, "the note of the warm machine \(disk) cannot be read", resource: disk)
        }
    }

    private init(disk: String, note: Note, state: StateFolder) {
        self.disk = disk
        self.note = note
        folder = Self.folder(of: disk, state)
    }

    private static func folder(of disk: String, _ state: StateFolder) -> String {
        ImageLibrary.warmFolder(ofFile: lastComponent(disk), in: state)
    }

    /// Makes the folder that the memory is saved into.
    static func begin(_ disk: String, _ note: Note, _ state: StateFolder) throws(Failure) -> WarmImage {
        let image = WarmImage(disk: disk, note: note, state: state)
        if fileExists(image.folder) { try removeWhole(image.folder) }
        // libvirt's daemon opens the memory; nobody else may read what a guest has in it.
        try makeFolders(image.folder, mode: 0o711)
        return image
    }

    /// Writes the note, with which the image is whole.
    func finish() throws(Failure) { try writeJSON(note, to: folder + "/machine.json") }

    /// The host as the memory's guest sees it.
    static func host(_ host: HostDescription, _ acceleration: Acceleration, cpuinfo: String?) -> Host {
        // Under emulation the processor is QEMU's, and the same for the same QEMU.
        let lines = (cpuinfo ?? "").split(separator: "\n").prefix { !$0.isEmpty }
        let processor = lines.filter { $0.hasPrefix("model name") || $0.hasPrefix("flags") }.joined(
            separator: "\n")
        return Host(
            emulator: UInt64(host.emulatorVersion), acceleration: acceleration,
            processor: acceleration == .kvm ? processor : nil, ports: DomainPorts.spare)
    }

    /// The reason why a machine of this spec cannot be this one going on; `nil` where it can.
    func obstacle(_ spec: VMSpec, _ machine: Machine, _ acceleration: Acceleration) throws(Failure) -> String?
    {
        guard machine.isLocal, machine.hypervisor.memory != nil else {
            return "memory is kept for machines of this host alone"
        }
        let now = Self.host(try machine.host(), acceleration, cpuinfo: machine.cpuinfo())
        if now.emulator != note.host.emulator { return "QEMU is another by now" }
        if now.acceleration != note.host.acceleration {
            return
                "it was saved under \(note.host.acceleration.rawValue), and this is \(now.acceleration.rawValue)"
        }
        if now.processor != note.host.processor { return "the processor is another" }
        if now.ports != note.host.ports { return "it was kept by another limiq, without ports to spare" }
        let (old, new) = (note.spec, spec)
        if old.memoryMiB != new.memoryMiB {
            return "it has \(old.memoryMiB) MiB of memory, and the spec says \(new.memoryMiB)"
        }
        if old.processors != new.processors {
            return "it has \(old.processors) processors, and the spec says \(new.processors)"
        }
        if old.firmware != new.firmware { return "its firmware is another" }
        if old.nics.count != new.nics.count {
            return "it has \(old.nics.count) nics, and the spec has \(new.nics.count)"
        }
        // QEMU's user network is a part of what was saved.
        if old.nics.map(\.isUser) != new.nics.map(\.isUser) {
            return old.nics.contains(where: \.isUser)
                ? "it is on user networking, and the spec says a network: limiq.warm takes nics too"
                : "it is on a network, and the spec says user networking: limiq.warm takes nics too"
        }
        if (old.cloudInit == nil) != (new.cloudInit == nil) || old.disks.count != new.disks.count
            || old.cdroms.count != new.cdroms.count
        {
            return "its drives are others"
        }
        if new.shares?.isEmpty == false { return "a guest that goes on has no shared folders" }
        // What it remembers of its disk is true of that one alone.
        guard let disk = new.disks.first, disk.backingFile == self.disk else { return "its disk is another" }
        if disk.sizeGiB != 0, disk.sizeGiB != old.disks.first?.sizeGiB {
            return "its disk is to be of another size"
        }
        return nil
    }
}

extension Machine {
    /// What of this host the memory of a machine depends on, as a text to tell hosts apart by.
    public func memoryHost() throws(Failure) -> String {
        let host = try host()
        let choice = AccelerationChooser(state: state, host: host, cpuinfo: cpuinfo).choose().acceleration
        let seen = WarmImage.host(host, choice, cpuinfo: cpuinfo())
        return "\(seen.emulator) \(seen.acceleration.rawValue) \(DomainPorts.spare) \(seen.processor ?? "")"
    }

    /// The warm machine that this one is to be made of; `nil` where the spec names none.
    func warmImage(of spec: VMSpec) throws(Failure) -> WarmImage? {
        guard let disk = spec.warm else { return nil }
        return try WarmImage(disk: disk, state: state)
    }
}

extension VMSpec {
    /// Stands the disk on the image that a warm machine was made from: its own is that of a guest that was running, and no
    /// other may boot from it.
    mutating func standOnBase(of warm: WarmImage) {
        for index in disks.indices where disks[index].backingFile == warm.disk {
            disks[index].backingFile = warm.base
        }
    }
}
