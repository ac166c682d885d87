import Basics
import DiskImages
import MachineSpec
import Records
import XML

/// Every field of a spec: the one table from which a spec is read and shown, documented, written into a domain's description
/// and compared with it and with another, and a change of it is priced and told. A test holds it against `VMSpec`.
enum SpecFields {
    private typealias Rules = ChangeRules

    static let machine: [SpecField<VMSpec>] = [
        SpecField(
            "name", \.name, .publicText, required: true, "A host name; the domain's name.", Rules.replace),
        SpecField(
            "cpu_cores", \.cpuCores, .int(1...1024), "Cores of each socket; 1 where left out.",
            Rules.processors,
            fact: { DomainProcessors($0)?.cores }),
        SpecField(
            "max_cpu_cores", \.maxCPUCores, .int(1...1024),
            "Cores of each socket that the running guest can be given; cpu_cores where left out.",
            Rules.restart("room for processors is made when QEMU starts"),
            fact: { DomainProcessors($0)?.topology.map { .number($0.cores) } }),
        SpecField(
            "cpu_sockets", \.cpuSockets, .int(1...64), "Sockets; 1 where left out.",
            Rules.restart(Rules.fixedProcessors),
            fact: { DomainProcessors($0)?.topology.map { .number($0.sockets) } }),
        SpecField(
            "cpu_threads_per_core", \.cpuThreadsPerCore, .int(1...64), "Threads; 1 where left out.",
            Rules.restart(Rules.fixedProcessors),
            fact: { DomainProcessors($0)?.topology.map { .number($0.threads) } }),
        SpecField(
            "memory_mib", \.memoryMiB, .int(1...(1 << 40)), "Memory in MiB; 1024 where left out.",
            or: [
                .withUnit("memory", .mebibytes, "Memory with a unit, `\"4GiB\"`, in the place of memory_mib.")
                {
                    $0.memoryMiB = $1
                }
            ],
            Rules.memory, fact: { DomainMemory($0).map { .number($0.current) } }),
        SpecField(
            "max_memory_mib", \.maxMemoryMiB, .int(1...(1 << 40)),
            "Memory in MiB that the running guest can be given; memory_mib where left out.",
            or: [
                .withUnit("max_memory", .mebibytes, "The same with a unit, in the place of max_memory_mib.") {
                    $0.maxMemoryMiB = $1
                }
            ],
            Rules.restart("room for memory is made when QEMU starts"),
            fact: { DomainMemory($0).map { .number($0.most) } }),
        // The boot loader on the disk and the variables beside it are of one firmware.
        SpecField("firmware", \.firmware, .choice(), "BIOS where left out.", Rules.replace),
        SpecField(
            "secure_boot", \.secureBoot, .bool,
            "Signed boot loaders only; where left out, for a Windows guest with UEFI.", Rules.secureBoot),
        SpecField("tpm", \.tpm, .bool, "A TPM 2.0; where left out, for a Windows guest.", Rules.tpm),
        SpecField(
            Field(
                "boot_order", \.bootOrder, .list(of: .choice()),
                "The kinds of devices to boot from; what is marked bootable, disks first, where left out."),
            Rules.restart(Rules.fixedOrder), fact: DomainFacts.bootOrder
        ) { $0.bootOrder.isEmpty ? nil : .list($0.bootOrder.map { .word($0) }) },
        SpecField(
            "protect", \.protect, .bool,
            "Neither removed nor made anew, by whatever way, until it is taken out of the spec and that is brought up.",
            Rules.live),
        SpecField(
            Field(
                "ttl", \.ttl, .wholeSeconds,
                "How long it is wanted, `\"2h\"`, from when it was made or got this: `limiq gc` removes it after."
            ),
            Rules.live
        ) { $0.ttl.map { .text(Duration.seconds($0).short) } },
        SpecField(
            "autostart", \.autostart, .bool,
            "Start it with its host: by libvirt's system daemon, else by a unit of systemd that limiq writes.",
            Rules.live),
        SpecField(
            "warm", \.warm, .path,
            "What `limiq.warm` gives: the machine is made as that one going on, and what is left out is as it is there.",
            Rules.live),
        // It is read at the first boot only.
        SpecField(
            Field(
                "ignition", \.ignition, .ignition,
                "What Ignition in the guest is to read (Fedora CoreOS, Flatcar): JSON, or a table."),
            Rules.replace
        ) { $0.ignition.map { .kept($0) } },
        SpecField(
            "guest_os", \.guestOS, .publicText,
            "The guest's system; a name that begins with `win` gets SATA and a TPM.", Rules.guestOS),
    ]

    private static let screens = "QEMU opens its screens when it starts"

    static let console: [SpecField<ConsoleSpec>] = [
        SpecField("vnc_enabled", \.vncEnabled, .bool, "A VNC server.", Rules.restart(screens)),
        SpecField(
            "vnc_port", \.vncPort, .int(0...65535), "5900 or more; a free one where left out.",
            Rules.restart(screens)),
        SpecField(
            Field("vnc_password", \.vncPassword, .password, "At most 8 characters."), Rules.restart(screens)
        ) { $0.vncPassword.map { .kept($0) } },
        SpecField("spice_enabled", \.spiceEnabled, .bool, "A SPICE server.", Rules.restart(screens)),
        SpecField(
            "spice_port", \.spicePort, .int(0...65535), "5900 or more; a free one where left out.",
            Rules.restart(screens)),
    ]

    /// The fields of cloud-init. With a change of a document the seed gets another instance-id, with which cloud-init runs
    /// again, where the author's meta-data does not say which it has.
    static let cloudInit: [SpecField<CloudInitSpec>] = [
        document("user_data", \.userData, .userData, "What the guest is to do."),
        // A guest takes a host name at each start.
        document(
            "meta_data", \.metaData, .metaData, "Who the guest is; made where left out.",
            Rules.restart("cloud-init reads it when the guest starts")),
        document("network_config", \.networkConfig, .networkConfig, "How its network is set up."),
        document("vendor_data", \.vendorData, .vendorData, "Defaults below user_data."),
        SpecField(
            "check", \.check, .choice(),
            "`warn` makes warnings of the errors that are found in them, and goes on; `error` where left out.",
            Rules.live),
    ]

    static let disks = DeviceFields<DiskSpec>(
        list: "disks", alias: DomainXML.diskAlias(""), devices: \.disks, id: \.id, cost: Rules.diskAsAWhole,
        fields: [
            SpecField(
                "path", \.path, .path, "A disk that is there, used as it is; without it the disk is made.",
                Rules.diskPath,
                fact: { disk in
                    let source = disk.first("source")?.attributes ?? [:]
                    return (source["file"] ?? source["volume"]).map { .text($0) }
                }),
            SpecField(
                "size_gib", \.sizeGiB, .int(0...(1 << 33)),
                "Size in GiB; the backing file's where left out.",
                or: [
                    .withUnit("size", .gibibytes, "Size with a unit, `\"20GiB\"`, in the place of size_gib.")
                    {
                        $0.sizeGiB = $1
                    }
                ], Rules.diskSize),
            SpecField(
                "bus", \.bus, .choice(), "What suits guest_os where left out.",
                Rules.restart("a disk stays on its bus while the guest runs"),
                fact: { $0.first("target")?.attributes["bus"].map { .text($0.lowercased()) } }),
            SpecField(
                "format", \.format, .choice(), "Of a disk that is made; qcow2 where left out.",
                Rules.diskFormat),
            SpecField(
                "readonly", \.readonly, .bool, "The guest cannot write.",
                Rules.restart("QEMU opens the disk when it starts"),
                fact: { .flag($0.first("readonly") != nil) },
                write: { disk, element in if disk.readonly { element.set("readonly") } }),
            SpecField(
                "bootable", \.bootable, .bool, "The guest boots from it; an only disk needs no mark.",
                Rules.bootable),
            SpecField(
                "iops_limit", \.iopsLimit, .int(0...(1 << 40)), "I/O operations a second; 0 is no limit.",
                Rules.live, at: NumberPlace("iotune/total_iops_sec")),
            SpecField(
                "throughput_mbps", \.throughputMBps, .int(0...(1 << 40)),
                "Megabytes (10^6) a second; 0 is no limit.", Rules.live,
                at: NumberPlace("iotune/total_bytes_sec", unit: 1_000_000)),
            SpecField(
                "backing_file", \.backingFile, .path, "The image the disk becomes an overlay on.",
                Rules.replace),
            SpecField(
                "pool_id", \.poolID, .publicText,
                "A libvirt storage pool; path then names a volume of it. On another machine a disk without path is made in it.",
                Rules.pool),
        ])

    static let nics = DeviceFields<NICSpec>(
        list: "nics", alias: DomainXML.nicAlias(""), devices: \.nics, id: \.id, cost: Rules.nicAsAWhole,
        fields: [
            SpecField(
                "mac_address", \.macAddress, .publicText,
                "Made from the VM's name and the position where left out.",
                Rules.restart("the guest knows the nic by it"),
                fact: { $0.first("mac")?.attributes["address"].map { .text($0.lowercased()) } }),
            SpecField(
                "bridge", \.bridge, .publicText, "A bridge of the host.", Rules.network,
                fact: { source($0, "bridge") },
                write: { nic, element in
                    if let bridge = nic.bridge { element.set("source", "bridge", bridge) }
                }),
            SpecField(
                "network", \.network, .nicNetwork,
                "A network of the host's by its name, or what `limiq.network` gives.", Rules.network,
                fact: { source($0, "network") },
                write: { nic, element in
                    if let network = nic.network { element.set("source", "network", network.name) }
                }),
            SpecField(
                "address", \.address, .publicText,
                "Its IPv4 address on a network of limiq's; one is chosen where left out, and kept for the machine's life.",
                Rules.restart("the guest is given it when it starts")),
            SpecField(
                "model", \.model, .choice(), "virtio where left out.",
                Rules.restart("another model is another nic"),
                fact: { $0.first("model")?.attributes["type"].map { .text($0.lowercased()) } }),
            // libvirt counts in kilobytes (1000) a second.
            SpecField(
                "bandwidth_mbps", \.bandwidthMbps, .int(0...(1 << 40)),
                "Megabits (10^6) a second; 0 is no limit.", Rules.live,
                at: NumberPlace("bandwidth/inbound", attribute: "average", unit: 125),
                NumberPlace("bandwidth/outbound", attribute: "average", unit: 125)),
            SpecField(
                Field(
                    "forward", \.forward, .forwards,
                    "Ports of the host that lead into the guest."), Rules.forward
            ) { $0.forward.isEmpty ? nil : .list($0.forward.map { .forward($0) }) },
            // A cable that somebody has pulled.
            SpecField(found: "link", Rules.live) { .found($0.first("link")?.attributes["state"] ?? "up") },
        ])

    static let cdroms = DeviceFields<CDROMSpec>(
        list: "cdroms", alias: DomainXML.cdromAlias(""), devices: \.cdroms, id: \.id, cost: Rules.drive,
        fields: [
            SpecField(
                "iso_path", \.isoPath, .path, "An ISO image that is there.", Rules.live,
                fact: { $0.first("source")?.attributes["file"].map { .text($0) } }),
            SpecField(
                Field(
                    "files", \.files, .isoContents,
                    "Contents by name of an ISO image that is made for the VM, and removed with it."),
                Rules.restart("the guest has the image of before in the drive")
            ) { $0.files.map { .keptFiles($0.texts) } },
            SpecField(
                "label", \.label, .publicText, "The label of that image; `CDROM` where left out.",
                Rules.restart("the guest has the image of before in the drive")),
            SpecField("bootable", \.bootable, .bool, "The guest may boot from it.", Rules.bootable),
        ])

    private static let sharing = "folders are shared by devices and memory that QEMU gets when it starts"

    static let shares = DeviceFields<ShareSpec>(
        list: "shares", alias: DomainXML.shareAlias(""), devices: { $0.shares ?? [] }, id: \.id,
        cost: Rules.restart(sharing),
        fields: [
            SpecField(
                "host", \.host, .path, required: true, "The folder on this machine.", Rules.restart(sharing),
                fact: { $0.first("source")?.attributes["dir"].map { .text($0) } }),
            SpecField(
                "guest", \.guest, .publicText, required: true,
                "Where it is in the guest, which mounts it at each start; made where it is not there.",
                Rules.restart(sharing)),
            SpecField(
                "readonly", \.readonly, .bool, "The guest mounts it so that nothing can be written.",
                Rules.restart(sharing)),
        ])

    /// The cost of a change of each field, by `FieldPath.pattern`.
    static let costs: [String: ChangeRules.Rule] = {
        var costs: [String: ChangeRules.Rule] = ["labels": Rules.live]
        for field in machine { costs[field.name] = field.cost }
        for field in console { costs["console.\(field.name)"] = field.cost }
        for field in cloudInit { costs["cloud_init.\(field.name)"] = field.cost }
        return costs.merging(disks.costs + nics.costs + cdroms.costs + shares.costs) { $1 }
    }()

    static func of(_ spec: VMSpec) -> [FieldPath: FieldValue] {
        var values: [FieldPath: FieldValue] = [:]
        for field in machine { values[FieldPath(field.name)] = field.value(spec) }
        for (name, text) in spec.labels { values[FieldPath("labels.\(name)")] = .text(text) }
        for field in console {
            values[FieldPath("console.\(field.name)")] = spec.console.flatMap(field.value)
        }
        for field in cloudInit {
            values[FieldPath("cloud_init.\(field.name)")] = spec.cloudInit.flatMap(field.value)
        }
        disks.collect(spec, into: &values)
        nics.collect(spec, into: &values)
        cdroms.collect(spec, into: &values)
        shares.collect(spec, into: &values)
        return values
    }

    private static func document(
        _ name: String, _ keyPath: any WritableKeyPath<CloudInitSpec, CloudInitDocument?> & Sendable,
        _ file: SeedFile, _ doc: String, _ cost: @escaping ChangeRules.Rule = Rules.document
    ) -> SpecField<CloudInitSpec> {
        SpecField(Field(name, keyPath, .cloudInitDocument, doc), cost) {
            $0[keyPath: keyPath]?.text(as: file).map { .kept($0) }
        }
    }

    /// The network or bridge that a nic of this kind is on.
    private static func source(_ nic: XMLNode, _ kind: String) -> FieldValue? {
        guard nic.attributes["type"] == kind else { return nil }
        return nic.first("source")?.attributes[kind].map { .text($0) }
    }
}

extension ISOContents {
    /// The contents by path; the path of a folder ends in a slash.
    fileprivate var texts: [String: String] {
        var texts: [String: String] = [:]
        for folder in emptyFolders { texts[folder + "/"] = "" }
        for file in files { texts[file.path] = String(decoding: file.contents, as: UTF8.self) }
        return texts
    }
}
