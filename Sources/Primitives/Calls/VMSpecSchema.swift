import Basics
import DiskImages
import Hypervisors
import MachineSpec

extension Codec where Swift == VMSpec {
    /// A machine's description: its fields as they are, or `{ name = …, spec = { … } }`, the API's document. Relative
    /// paths begin at the script's folder; a disk, nic or CD-ROM without an id gets one by its position (`disk1`).
    static func vmSpec(_ environment: Environment) -> Codec {
        let codec = Codec.exclusive(
            .exclusive(.record(vmSpecRecord), "memory", "memory_mib"), "max_memory", "max_memory_mib")
        return Codec("limiq.VMSpec", records: codec.records) { value, path throws(Failure) in
            // The fields of the only table an author wrote need no name before them.
            let path = path == "spec" ? "" : path
            var spec = try codec.decode(try flattened(value, path), path)
            for index in spec.disks.indices {
                if spec.disks[index].id.isEmpty { spec.disks[index].id = "disk\(index + 1)" }
                try environment.admit(
                    &spec.disks[index], "\(path.isEmpty ? "" : path + ".")disks[\(index + 1)]")
            }
            for index in spec.nics.indices {
                if spec.nics[index].id.isEmpty { spec.nics[index].id = "nic\(index + 1)" }
                if let network = spec.nics[index].network?.spec {
                    try environment.gate.changeNetworks(network.name)
                }
            }
            for index in spec.cdroms.indices {
                if spec.cdroms[index].id.isEmpty { spec.cdroms[index].id = "cdrom\(index + 1)" }
                spec.cdroms[index].isoPath = try spec.cdroms[index].isoPath.map { iso throws(Failure) in
                    try environment.reading(iso)
                }
            }
            return spec
        } encode: {
            codec.encode($0)
        }
    }

    /// The API's document as one table.
    private static func flattened(_ value: Value, _ path: String) throws(Failure) -> Value {
        if let name = value.string, path.isEmpty {
            throw wrongType(
                "the argument", expected: "a table of fields", got: value,
                hint: "limiq.vm { name = \"\(name)\", … }")
        }
        guard case .map(let outer) = value, let inner = outer["spec"] else { return value }
        guard outer["domain"]?.map == nil else {
            throw Failure(
                .badField, "the spec is a vm already, not a table of fields",
                hint: "call its methods; its fields are those of its spec")
        }
        guard var map = inner.map else { throw wrongType("spec", expected: "a table of fields", got: inner) }
        for entry in outer.entries where entry.key != "spec" {
            guard entry.key == "name" else {
                throw Failure(
                    .badField, "\(entry.key) is not a field beside spec",
                    hint: "move it into spec, or drop spec")
            }
            if let other = map["name"], other != entry.value {
                throw Failure(.badField, "name is given twice, beside spec and in it")
            }
            map["name"] = entry.value
        }
        return .map(map)
    }
}

extension Environment {
    /// Makes the paths of a disk absolute.
    ///
    /// - Throws: `Failure` with code `forbidden` for what the script may not give a machine.
    fileprivate func admit(_ disk: inout DiskSpec, _ field: String) throws(Failure) {
        if let path = disk.path {
            try gate.volume("\(field).path", isOfPool: disk.poolID != nil)
            if disk.poolID == nil {
                disk.path = try self.disk(path, "\(field).path")
                if !disk.readonly { try gate.writableDisk(path, "\(field).path") }
            }
        }
        if let base = disk.backingFile { disk.backingFile = try self.disk(base, "\(field).backing_file") }
    }
}

private let vmSpecFields: [Field<VMSpec>] = [
    Field<VMSpec>("name", \.name, .publicText, required: true, "A host name; the domain's name."),
    Field<VMSpec>("cpu_cores", \.cpuCores, .int(1...1024), "Cores of each socket; 1 where left out."),
    Field<VMSpec>(
        "max_cpu_cores", \.maxCPUCores, .int(1...1024),
        "Cores of each socket that the running guest can be given; cpu_cores where left out."),
    Field<VMSpec>("cpu_sockets", \.cpuSockets, .int(1...64), "Sockets; 1 where left out."),
    Field<VMSpec>("cpu_threads_per_core", \.cpuThreadsPerCore, .int(1...64), "Threads; 1 where left out."),
    Field<VMSpec>("memory_mib", \.memoryMiB, .int(1...(1 << 40)), "Memory in MiB; 1024 where left out."),
    .withUnit("memory", .mebibytes, "Memory with a unit, `\"4GiB\"`, in the place of memory_mib.") {
        $0.memoryMiB = $1
    },
    Field<VMSpec>(
        "max_memory_mib", \.maxMemoryMiB, .int(1...(1 << 40)),
        "Memory in MiB that the running guest can be given; memory_mib where left out."),
    .withUnit("max_memory", .mebibytes, "The same with a unit, in the place of max_memory_mib.") {
        $0.maxMemoryMiB = $1
    },
    Field<VMSpec>("firmware", \.firmware, .choice(), "BIOS where left out."),
    Field<VMSpec>(
        "secure_boot", \.secureBoot, .bool,
        "Signed boot loaders only; where left out, for a Windows guest with UEFI."),
    Field<VMSpec>("tpm", \.tpm, .bool, "A TPM 2.0; where left out, for a Windows guest."),
    Field<VMSpec>(
        "boot_order", \.bootOrder, .list(of: .choice()),
        "The kinds of devices to boot from; what is marked bootable, disks first, where left out."),
    Field<VMSpec>(
        "disks", \.disks, .list(of: .exclusive(.record(diskRecord), "size", "size_gib")), "The disks."),
    Field<VMSpec>("nics", \.nics, .list(of: .record(nicRecord)), "The network cards."),
    Field<VMSpec>(
        "cdroms", \.cdroms, .list(of: .record(cdromRecord).orFunctionOfVM),
        "The CD-ROM drives and what is in them."),
    Field<VMSpec>("console", \.console, .record(consoleRecord), "Screens a person can look at."),
    Field<VMSpec>(
        "cloud_init", \.cloudInit, .record(cloudInitRecord).orFunctionOfVM,
        "What cloud-init in the guest is to read."),
    Field<VMSpec>(
        "ignition", \.ignition, .ignition,
        "What Ignition in the guest is to read (Fedora CoreOS, Flatcar): JSON, or a table."),
    Field<VMSpec>(
        "guest_os", \.guestOS, .publicText,
        "The guest's system; a name that begins with `win` gets SATA and a TPM."),
    Field<VMSpec>("labels", \.labels, .dictionary(of: .publicText), "Kept with the domain."),
]

let vmSpecRecord = Record<VMSpec>(
    "limiq.VMSpec", "What a virtual machine is to be.", make: { VMSpec(name: "") }, fields: vmSpecFields)

private let diskFields: [Field<DiskSpec>] = [
    Field<DiskSpec>("id", \.id, .publicText, "Unique in the VM; by position where left out."),
    Field<DiskSpec>(
        "path", \.path, .path, "A disk that is there, used as it is; without it the disk is made."),
    Field<DiskSpec>(
        "size_gib", \.sizeGiB, .int(0...(1 << 33)), "Size in GiB; the backing file's where left out."),
    .withUnit("size", .gibibytes, "Size with a unit, `\"20GiB\"`, in the place of size_gib.") {
        $0.sizeGiB = $1
    },
    Field<DiskSpec>("bus", \.bus, .choice(), "What suits guest_os where left out."),
    Field<DiskSpec>(
        "format", \.format, .choice(), "Of a disk that is made; qcow2 where left out."),
    Field<DiskSpec>("readonly", \.readonly, .bool, "The guest cannot write."),
    Field<DiskSpec>("bootable", \.bootable, .bool, "The guest boots from it; an only disk needs no mark."),
    Field<DiskSpec>(
        "iops_limit", \.iopsLimit, .int(0...(1 << 40)), "I/O operations a second; 0 is no limit."),
    Field<DiskSpec>(
        "throughput_mbps", \.throughputMBps, .int(0...(1 << 40)), "Megabytes (10^6) a second; 0 is no limit."),
    Field<DiskSpec>("backing_file", \.backingFile, .path, "The image the disk becomes an overlay on."),
    Field<DiskSpec>(
        "pool_id", \.poolID, .publicText,
        "A libvirt storage pool; path then names a volume of it. On another machine a disk without path is made in it."
    ),
]

let diskRecord = Record<DiskSpec>(
    "limiq.DiskSpec", "A disk of a VM.", make: { DiskSpec(id: "") }, fields: diskFields)

private let nicFields: [Field<NICSpec>] = [
    Field<NICSpec>("id", \.id, .publicText, "Unique in the VM; by position where left out."),
    Field<NICSpec>(
        "mac_address", \.macAddress, .publicText, "Made from the VM's name and the position where left out."),
    Field<NICSpec>("bridge", \.bridge, .publicText, "A bridge of the host."),
    Field<NICSpec>(
        "network", \.network, .nicNetwork,
        "A network of the host's by its name, or what `limiq.network` gives."),
    Field<NICSpec>(
        "address", \.address, .publicText,
        "Its IPv4 address on a network of limiq's; one is chosen where left out, and kept for the machine's life."
    ),
    Field<NICSpec>("model", \.model, .choice(), "virtio where left out."),
    Field<NICSpec>(
        "bandwidth_mbps", \.bandwidthMbps, .int(0...(1 << 40)), "Megabits (10^6) a second; 0 is no limit."),
    Field<NICSpec>(
        "forward", \.forward, .list(of: .record(forwardRecord)), "Ports of the host that lead into the guest."
    ),
]

let nicRecord = Record<NICSpec>(
    "limiq.NICSpec", "A network card of a VM; on user networking where it names neither bridge nor network.",
    make: { NICSpec(id: "") }, fields: nicFields)

private let forwardFields: [Field<PortForward>] = [
    Field<PortForward>("host", \.host, .int(1...65535), required: true, "The host's port."),
    Field<PortForward>("guest", \.guest, .int(1...65535), required: true, "The guest's port."),
    Field<PortForward>("proto", \.proto, .choice(), "tcp where left out."),
]

private let forwardRecord = Record<PortForward>(
    "limiq.PortForward", "A port of 127.0.0.1 that leads to a port of the guest.",
    make: { PortForward(host: 0, guest: 0) }, fields: forwardFields)

private let cdromFields: [Field<CDROMSpec>] = [
    Field<CDROMSpec>("id", \.id, .publicText, "Unique in the VM; by position where left out."),
    Field<CDROMSpec>("iso_path", \.isoPath, .path, "An ISO image that is there."),
    Field<CDROMSpec>(
        "files", \.files, .isoContents,
        "Contents by name of an ISO image that is made for the VM, and removed with it."),
    Field<CDROMSpec>("label", \.label, .publicText, "The label of that image; `CDROM` where left out."),
    Field<CDROMSpec>("bootable", \.bootable, .bool, "The guest may boot from it."),
]

let cdromRecord = Record<CDROMSpec>(
    "limiq.CDROMSpec", "A CD-ROM drive with an ISO image.", make: { CDROMSpec() },
    fields: cdromFields)

private let consoleFields: [Field<ConsoleSpec>] = [
    Field<ConsoleSpec>("vnc_enabled", \.vncEnabled, .bool, "A VNC server."),
    Field<ConsoleSpec>("vnc_port", \.vncPort, .int(0...65535), "5900 or more; a free one where left out."),
    Field<ConsoleSpec>("vnc_password", \.vncPassword, .password, "At most 8 characters."),
    Field<ConsoleSpec>("spice_enabled", \.spiceEnabled, .bool, "A SPICE server."),
    Field<ConsoleSpec>(
        "spice_port", \.spicePort, .int(0...65535), "5900 or more; a free one where left out."),
]

let consoleRecord = Record<ConsoleSpec>(
    "limiq.ConsoleSpec", "Screens, on 127.0.0.1.", make: { ConsoleSpec() }, fields: consoleFields)

private let cloudInitFields: [Field<CloudInitSpec>] = [
    Field<CloudInitSpec>("user_data", \.userData, .cloudInitDocument, "What the guest is to do."),
    Field<CloudInitSpec>(
        "meta_data", \.metaData, .cloudInitDocument, "Who the guest is; made where left out."),
    Field<CloudInitSpec>("network_config", \.networkConfig, .cloudInitDocument, "How its network is set up."),
    Field<CloudInitSpec>("vendor_data", \.vendorData, .cloudInitDocument, "Defaults below user_data."),
]

private let cloudInitRecord = Record<CloudInitSpec>(
    "limiq.CloudInitSpec", "The files of the seed.",
    listHint: "parts of recipes are joined: cloud_init = recipes.compose { …, … }", make: { CloudInitSpec() },
    fields: cloudInitFields)

extension Field {
    /// Another way to give a field that ends in `_mib` or `_gib`; written back under that name only.
    fileprivate static func withUnit(
        _ name: String, _ codec: Codec<UInt64>, _ doc: String,
        set: @escaping @Sendable (inout Owner, UInt64) -> Void
    ) -> Field {
        Field(name: name, luaType: codec.luaType, isRequired: false, doc: doc, records: { [] }) {
            owner, value, path throws(Failure) in
            set(&owner, try codec.decode(value, path))
        } encode: { _ in
            nil
        }
    }
}

extension Codec where Swift == UInt64 {
    static let mebibytes = units("memory", "MiB", shift: 20)
    static let gibibytes = units("size", "GiB", shift: 30)

    /// A text with a unit, as whole multiples of another unit.
    private static func units(_ field: String, _ unit: String, shift: UInt64) -> Codec {
        Codec("string") { value, path throws(Failure) in
            guard case .string(let text) = value else {
                throw Failure(
                    .badField, "\(path) must be a text with a unit, such as \"4GiB\"",
                    hint: "a number goes into \(field)_\(unit.lowercased())")
            }
            let size = try Codec<ByteSize>.size.decode(.string(text), path)
            guard size.bytes > 0, size.bytes % (1 << shift) == 0 else {
                throw Failure(.badField, "\(path) \"\(text)\" is not a whole number of \(unit)")
            }
            return size.bytes >> shift
        } encode: {
            .int(Int64(clamping: $0))
        }
    }
}

extension Codec {
    /// Refuses a table that has both of two names for one thing.
    fileprivate static func exclusive(_ codec: Codec, _ first: String, _ second: String) -> Codec {
        Codec(codec.luaType, records: codec.records) { value, path throws(Failure) in
            if let map = value.map, map[first] != nil, map[second] != nil {
                throw Failure(
                    .badField, "\(path.isEmpty ? "the spec" : path) has both \(first) and \(second)",
                    hint: "give one of them")
            }
            return try codec.decode(value, path)
        } encode: {
            codec.encode($0)
        }
    }
}
