import Basics
import DiskImages

/// The spec of a virtual machine: the platform's `VMSpec` message and its name.
///
/// It is `Codable` in the form of the message's JSON (snake case, full enum names): that is what the domain's metadata
/// keeps and what `limiq show --spec` prints.
public struct VMSpec: Sendable, Equatable, Codable {
    /// The machine's name, a DNS label (RFC 1123, section 2.1); the domain's name.
    public var name: String
    public var cpuCores = 1
    /// The number of cores a running guest can be given; `nil` for no more than it starts with.
    public var maxCPUCores: Int?
    public var cpuSockets = 1
    public var cpuThreadsPerCore = 1
    public var memoryMiB: UInt64 = 1024
    /// The memory a running guest can be given; `nil` for no more than it starts with.
    public var maxMemoryMiB: UInt64?
    public var firmware = Firmware.bios
    /// Whether the firmware starts signed boot loaders only. `nil`: what suits `guest_os`.
    public var secureBoot: Bool?
    /// Whether there is a TPM 2.0, emulated by swtpm. `nil`: what suits `guest_os`.
    public var tpm: Bool?
    /// The kinds of devices the guest boots from, in order. Empty: whatever is marked `bootable`, disks first.
    public var bootOrder: [BootDevice] = []
    public var disks: [DiskSpec] = []
    public var nics: [NICSpec] = []
    public var cdroms: [CDROMSpec] = []
    /// The folders of this host that are in the guest; `nil` as none.
    public var shares: [ShareSpec]?
    public var console: ConsoleSpec?
    public var cloudInit: CloudInitSpec?
    /// The configuration of Ignition as JSON: what Fedora CoreOS, Flatcar and their relatives read in the place of
    /// cloud-init's.
    public var ignition: String?
    public var guestOS: String?
    public var labels: [String: String] = [:]
    /// Whether the machine is neither removed nor made anew; `nil` as `false`.
    public var protect: Bool?
    /// The seconds after which the machine is a leftover; `nil` for none.
    public var ttl: Int?
    /// Whether the machine starts with its host; `nil` as `false`.
    public var autostart: Bool?
    /// The frozen disk of the warm machine that this one is when it is made, going on; `nil` for one that boots.
    public var warm: String?

    public init(name: String) { self.name = name }

    /// The number of processors in all.
    public var processors: Int { cpuCores * cpuSockets * cpuThreadsPerCore }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, firmware, tpm, disks, nics, cdroms, shares, console, ignition, labels, protect, ttl,
            autostart,
            warm
        case secureBoot = "secure_boot"
        case cpuCores = "cpu_cores"
        case maxCPUCores = "max_cpu_cores"
        case cpuSockets = "cpu_sockets"
        case cpuThreadsPerCore = "cpu_threads_per_core"
        case memoryMiB = "memory_mib"
        case maxMemoryMiB = "max_memory_mib"
        case bootOrder = "boot_order"
        case cloudInit = "cloud_init"
        case guestOS = "guest_os"
    }
}

/// An enum of the message. Its full names share a prefix, which a script may drop and write the rest in lower case.
public protocol SpecChoice: RawRepresentable<String>, CaseIterable, Sendable {
    static var prefix: String { get }
}

extension SpecChoice {
    /// The choice as a script writes it: `uefi`.
    public var word: String { rawValue.dropFirst(Self.prefix.count).lowercased() }
}

public enum Firmware: String, Codable, SpecChoice {
    public static let prefix = "FIRMWARE_"
    case bios = "FIRMWARE_BIOS"
    case uefi = "FIRMWARE_UEFI"
}

public enum BootDevice: String, Codable, SpecChoice {
    public static let prefix = "BOOT_DEVICE_"
    case disk = "BOOT_DEVICE_DISK"
    case cdrom = "BOOT_DEVICE_CDROM"
    case network = "BOOT_DEVICE_NETWORK"
}

public enum DiskBus: String, Codable, SpecChoice {
    public static let prefix = "DISK_BUS_"
    case virtio = "DISK_BUS_VIRTIO"
    case scsi = "DISK_BUS_SCSI"
    case sata = "DISK_BUS_SATA"
    case ide = "DISK_BUS_IDE"
}

extension DiskFormat: SpecChoice { public static let prefix = "DISK_FORMAT_" }

public enum NICModel: String, Codable, SpecChoice {
    public static let prefix = "NIC_MODEL_"
    case virtio = "NIC_MODEL_VIRTIO"
    case e1000 = "NIC_MODEL_E1000"
    case rtl8139 = "NIC_MODEL_RTL8139"
}

public struct DiskSpec: Sendable, Equatable, Codable {
    /// The disk's id, unique in the machine; it names the file where limiq makes it.
    public var id: String
    /// The path of an existing disk, used as it is. Without it the disk is made in the machine's own folder.
    public var path: String?
    /// The size in GiB; 0 takes the backing file's.
    public var sizeGiB: UInt64 = 0
    /// The same as bytes; `nil` takes the backing file's.
    package var size: ByteSize? { sizeGiB == 0 ? nil : ByteSize(gib: sizeGiB) }
    /// The bus the disk is on. `nil`: what suits `guest_os`.
    public var bus: DiskBus?
    public var format = DiskFormat.qcow2
    public var readonly = false
    public var bootable = false
    /// The most I/O operations a second; 0 is no limit.
    public var iopsLimit: UInt64 = 0
    /// The most megabytes (10^6) a second; 0 is no limit.
    public var throughputMBps: UInt64 = 0
    /// The absolute path of a base; the disk becomes an overlay on it.
    public var backingFile: String?
    public var poolID: String?

    public init(id: String) { self.id = id }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, path, bus, format, readonly, bootable
        case sizeGiB = "size_gib"
        case iopsLimit = "iops_limit"
        case throughputMBps = "throughput_mbps"
        case backingFile = "backing_file"
        case poolID = "pool_id"
    }
}

public struct NICSpec: Sendable, Equatable, Codable {
    public var id: String
    /// The MAC address. `nil`: derived from the machine's name and the nic's position, so that it stays the same.
    public var macAddress: String?
    /// A host bridge; with neither `bridge` nor `network` the nic is on user networking.
    public var bridge: String?
    /// A network of the host's.
    public var network: NICNetwork?
    /// The IPv4 address on a network that limiq makes; `nil`: one is chosen, and kept for the machine's life.
    public var address: String?
    public var model = NICModel.virtio
    /// The most megabits (10^6) a second in each direction; 0 is no limit.
    public var bandwidthMbps: UInt64 = 0
    /// The ports of the host that lead to the guest, only on user networking.
    public var forward: [PortForward] = []

    /// The ways a nic is led to others.
    package enum Kind: String { case user, bridge, network, `private` }

    package var kind: Kind {
        if bridge != nil { return .bridge }
        guard let network else { return .user }
        return network.spec?.mode == .private ? .private : .network
    }

    /// Whether the nic is on user networking.
    package var isUser: Bool { kind == .user }

    public init(id: String) { self.id = id }

    /// The nic of a machine whose spec says nothing of nics: a way in. On the default network, where there is one, it
    /// needs no forward.
    public static var standard: NICSpec {
        var nic = NICSpec(id: "default")
        nic.forward = [PortForward(host: PortForward.chosen, guest: 22)]
        return nic
    }

    /// Whether it is the standard one, as it was settled.
    public var isStandard: Bool {
        var nic = self
        if nic.network?.name == "default", nic.forward.isEmpty {
            (nic.network, nic.forward) = (nil, Self.standard.forward)
        }
        for index in nic.forward.indices { nic.forward[index].host = PortForward.chosen }
        return nic == .standard
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, bridge, network, address, model, forward
        case macAddress = "mac_address"
        case bandwidthMbps = "bandwidth_mbps"
    }
}

/// A port of the host that leads to a port of the guest.
public struct PortForward: Sendable, Hashable, Codable {
    public enum Proto: String, Sendable, Codable, CaseIterable { case tcp, udp }
    /// The number that stands for a port limiq chooses, and keeps for the machine's life.
    public static let chosen: UInt16 = 0

    /// The host's port; `chosen` where it is left to limiq.
    public var host: UInt16
    public var guest: UInt16
    public var proto = Proto.tcp
    /// The address of the host that it is opened at, IPv4 in figures; `nil`: the loopback address.
    public var bind: String?

    public init(host: UInt16, guest: UInt16, proto: Proto = .tcp, bind: String? = nil) {
        self.host = host
        self.guest = guest
        self.proto = proto
        // One value for one thing.
        self.bind = bind == Self.loopbackAddress ? nil : bind
    }

    package static let loopbackAddress = "127.0.0.1"
    /// All addresses of the host.
    package static let anyAddress = "0.0.0.0"

    /// The address of the host that it is opened at.
    public var hostAddress: String { bind ?? Self.loopbackAddress }

    /// The place where this host reaches the guest's port: `127.0.0.1:8080`.
    public var endpoint: String { "\(reachedAt):\(host)" }
    package var reachedAt: String { bind == Self.anyAddress ? Self.loopbackAddress : hostAddress }

    /// Whether two forwards take the same port of the host: of these, one can be set.
    package func isSamePort(as other: PortForward) -> Bool {
        host == other.host && proto == other.proto
            && (bind == other.bind || bind == Self.anyAddress || other.bind == Self.anyAddress)
    }

    /// Whether two forwards lead to the same port of the guest from the same address of the host.
    package func isSameWay(as other: PortForward) -> Bool {
        guest == other.guest && proto == other.proto && bind == other.bind
    }
}

public struct CDROMSpec: Sendable, Equatable, Codable {
    public var id: String
    /// The path of an image that is there. Without it one is made of `files`, in the machine's own folder.
    public var isoPath: String?
    public var files: ISOContents?
    /// The label of an image that is made; `nil` is `CDROM`.
    public var label: String?
    public var bootable = false

    /// Makes an empty drive: a spec that is read fills it.
    public init() { id = "" }

    public init(id: String, isoPath: String) {
        self.id = id
        self.isoPath = isoPath
    }

    public init(id: String, label: String? = nil, files: ISOContents) {
        self.id = id
        self.label = label
        self.files = files
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, files, label, bootable
        case isoPath = "iso_path"
    }
}

/// A folder of this host that is in the guest too: whatever either writes there the other sees at once.
public struct ShareSpec: Sendable, Equatable, Codable {
    /// The beginning of the name under which the guest finds its shares. cloud-init takes what has a colon in it for a source
    /// that is no block device (`cc_mounts.py`, `is_network_device`).
    private static let tagPrefix = "limiq:"
    /// The number of characters that virtio has for the name (Virtual I/O Device 1.2, section 5.11.4).
    package static let tagLength = 36

    /// The share's id, unique in the machine.
    public var id: String
    /// The absolute path of the folder on this host.
    public var host: String
    /// The absolute path it is mounted at in the guest.
    public var guest: String
    /// Whether it is mounted so that nothing can be written.
    public var readonly = false

    public init(id: String, host: String, guest: String) {
        self.id = id
        self.host = host
        self.guest = guest
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case id, host, guest, readonly }

    /// The name under which the guest finds it.
    package var tag: String { Self.tagPrefix + id }
}

public struct ConsoleSpec: Sendable, Equatable, Codable {
    public var vncEnabled = false
    /// The port of VNC; 0: libvirt picks one.
    public var vncPort: UInt16 = 0
    public var vncPassword: String?
    public var spiceEnabled = false
    public var spicePort: UInt16 = 0

    public init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case vncEnabled = "vnc_enabled"
        case vncPort = "vnc_port"
        case vncPassword = "vnc_password"
        case spiceEnabled = "spice_enabled"
        case spicePort = "spice_port"
    }
}
