import Basics
import DiskImages
import MachineSpec
import XML

/// Every field of a spec: the one table from which a spec is compared with another and with a domain, and a change of it is
/// priced and told. A test holds it against `VMSpec`.
enum SpecFields {
    private typealias Rules = ChangeRules

    static let machine: [SpecField<VMSpec>] = [
        SpecField("name", Rules.replace) { .text($0.name) },
        SpecField("cpu_cores", Rules.processors, fact: { DomainProcessors($0)?.cores }) {
            .number($0.cpuCores)
        },
        SpecField(
            "max_cpu_cores", Rules.restart, fact: { DomainProcessors($0)?.topology.map { .number($0.cores) } }
        ) { $0.maxCPUCores.map { .number($0) } },
        SpecField(
            "cpu_sockets", Rules.restart, fact: { DomainProcessors($0)?.topology.map { .number($0.sockets) } }
        ) { .number($0.cpuSockets) },
        SpecField(
            "cpu_threads_per_core", Rules.restart,
            fact: { DomainProcessors($0)?.topology.map { .number($0.threads) } }
        ) { .number($0.cpuThreadsPerCore) },
        SpecField("memory_mib", Rules.memory, fact: { DomainMemory($0).map { .number($0.current) } }) {
            .number($0.memoryMiB)
        },
        SpecField("max_memory_mib", Rules.restart, fact: { DomainMemory($0).map { .number($0.most) } }) {
            $0.maxMemoryMiB.map { .number($0) }
        },
        // The boot loader on the disk and the variables beside it are of one firmware.
        SpecField("firmware", Rules.replace) { .word($0.firmware) },
        SpecField("secure_boot", Rules.secureBoot) { $0.secureBoot.map { .flag($0) } },
        SpecField("tpm", Rules.tpm) { $0.tpm.map { .flag($0) } },
        SpecField("boot_order", Rules.restart, fact: DomainFacts.bootOrder) {
            $0.bootOrder.isEmpty ? nil : .list($0.bootOrder.map { .word($0) })
        },
        SpecField("guest_os", Rules.guestOS) { $0.guestOS.map { .text($0) } },
        // It is read at the first boot only.
        SpecField("ignition", Rules.replace) { $0.ignition.map { .kept($0) } },
    ]

    static let console: [SpecField<ConsoleSpec>] = [
        SpecField("vnc_enabled", Rules.restart) { .flag($0.vncEnabled) },
        SpecField("vnc_port", Rules.restart) { .number(UInt64($0.vncPort)) },
        SpecField("vnc_password", Rules.restart) { $0.vncPassword.map { .kept($0) } },
        SpecField("spice_enabled", Rules.restart) { .flag($0.spiceEnabled) },
        SpecField("spice_port", Rules.restart) { .number(UInt64($0.spicePort)) },
    ]

    /// The fields of cloud-init. With a change of one the seed gets another instance-id, with which cloud-init runs
    /// again.
    static let cloudInit: [SpecField<CloudInitSpec>] = SeedFile.allCases.map { file in
        SpecField(file.field, Rules.restart) { $0[file]?.text(as: file).map { .kept($0) } }
    }

    static let disks = DeviceFields<DiskSpec>(
        list: "disks", alias: DomainXML.diskAlias(""), devices: \.disks, id: \.id, cost: Rules.diskAsAWhole,
        fields: [
            SpecField(
                "path", Rules.diskPath,
                fact: { disk in
                    let source = disk.first("source")?.attributes ?? [:]
                    return (source["file"] ?? source["volume"]).map { .text($0) }
                }
            ) { $0.path.map { .text($0) } },
            SpecField("size_gib", Rules.diskSize) { .number($0.sizeGiB) },
            SpecField("format", Rules.diskFormat) { .word($0.format) },
            SpecField("backing_file", Rules.replace) { $0.backingFile.map { .text($0) } },
            SpecField(
                "bus", Rules.restart,
                fact: { $0.first("target")?.attributes["bus"].map { .text($0.lowercased()) } }
            ) { $0.bus.map { .word($0) } },
            SpecField("readonly", Rules.restart, fact: { .flag($0.first("readonly") != nil) }) {
                .flag($0.readonly)
            },
            SpecField("bootable", Rules.bootable) { .flag($0.bootable) },
            SpecField("iops_limit", Rules.live, fact: { .number(limit($0, "total_iops_sec")) }) {
                .number($0.iopsLimit)
            },
            SpecField(
                "throughput_mbps", Rules.live, fact: { .number(limit($0, "total_bytes_sec") / 1_000_000) }
            ) { .number($0.throughputMBps) },
            SpecField("pool_id", Rules.pool) { $0.poolID.map { .text($0) } },
        ])

    static let nics = DeviceFields<NICSpec>(
        list: "nics", alias: DomainXML.nicAlias(""), devices: \.nics, id: \.id, cost: Rules.restart,
        fields: [
            SpecField(
                "mac_address", Rules.restart,
                fact: { $0.first("mac")?.attributes["address"].map { .text($0.lowercased()) } }
            ) { $0.macAddress.map { .text($0) } },
            SpecField("bridge", Rules.network, fact: { source($0, "bridge") }) {
                $0.bridge.map { .text($0) }
            },
            SpecField("network", Rules.network, fact: { source($0, "network") }) {
                ($0.network?.name).map { .text($0) }
            },
            SpecField("address", Rules.restart) { $0.address.map { .text($0) } },
            SpecField(
                "model", Rules.restart,
                fact: { $0.first("model")?.attributes["type"].map { .text($0.lowercased()) } }
            ) { .word($0.model) },
            SpecField(
                "bandwidth_mbps", Rules.live,
                fact: { nic in
                    let rate = nic.first("bandwidth/inbound")?.attributes["average"].flatMap { UInt64($0) }
                    return .number((rate ?? 0) / 125)
                }
            ) { .number($0.bandwidthMbps) },
            SpecField("forward", Rules.forward) {
                $0.forward.isEmpty ? nil : .list($0.forward.map { .forward($0) })
            },
            // A cable that somebody has pulled: no spec says anything of it.
            SpecField(
                "link", Rules.live, fact: { .found($0.first("link")?.attributes["state"] ?? "up") }
            ) { _ in nil },
        ])

    static let cdroms = DeviceFields<CDROMSpec>(
        list: "cdroms", alias: DomainXML.cdromAlias(""), devices: \.cdroms, id: \.id, cost: Rules.drive,
        fields: [
            SpecField(
                "iso_path", Rules.live,
                fact: { $0.first("source")?.attributes["file"].map { .text($0) } }
            ) { $0.isoPath.map { .text($0) } },
            SpecField("files", Rules.restart) { $0.files.map { .keptFiles($0.texts) } },
            SpecField("label", Rules.restart) { $0.label.map { .text($0) } },
            SpecField("bootable", Rules.bootable) { .flag($0.bootable) },
        ])

    /// The cost of a change of each field, by `FieldPath.pattern`.
    static let costs: [String: ChangeRules.Rule] = Dictionary(
        uniqueKeysWithValues: machine.map { ($0.name, $0.cost) } + [("labels", Rules.live)]
            + console.map { ("console.\($0.name)", $0.cost) }
            + cloudInit.map { ("cloud_init.\($0.name)", $0.cost) }
            + disks.costs + nics.costs + cdroms.costs)

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
        return values
    }

    /// The value of a disk's limit; 0 is none.
    private static func limit(_ disk: XMLNode, _ name: String) -> UInt64 {
        disk.first("iotune")?.first(name).flatMap { UInt64($0.text.trimmed()) } ?? 0
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
