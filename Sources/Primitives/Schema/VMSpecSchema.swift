import Basics
import Provisioning

/// The platform's `VMSpec` message as scripts write it: strict, with two liberties. A field that ends in `_mib` or
/// `_gib` may be given without the ending as a text with a unit; an enum may drop its prefix.
enum VMSpecSchema {
    /// - Parameter environment: paths of the script become absolute.
    static func record(_ environment: Environment) -> Record<VMSpec> {
        let path = Codec<String>.absolutePath(environment)
        return Record(
            "limiq.VMSpec", "What a machine is to be.", make: { VMSpec(name: "") },
            fields: [
                Field("name", \.name, .string, required: true, "A DNS label; the domain's name."),
                Field("cpu_cores", \.cpuCores, .int(1...512), "Cores a socket; 1 unless told."),
                Field("cpu_sockets", \.cpuSockets, .int(1...64), "Sockets; 1 unless told."),
                Field("cpu_threads_per_core", \.cpuThreadsPerCore, .int(1...8), "Threads a core; 1 unless told."),
                Field("memory_mib", \.memoryMiB, .int(1...(1 << 34)), "Memory in MiB; 1024 unless told."),
                .size("memory", \.memoryMiB, shift: 20, "Memory with its unit: `\"4GiB\"`."),
                Field("firmware", \.firmware, .choice(prefix: "FIRMWARE_"), "BIOS unless told."),
                Field("boot_order", \.bootOrder, .list(of: .choice(prefix: "BOOT_DEVICE_")), "What is tried first."),
                Field("disks", \.disks, .list(of: .record(disk(path))), "Its disks."),
                Field("nics", \.nics, .list(of: .record(nic)), "Its network cards."),
                Field("cdroms", \.cdroms, .list(of: .record(cdrom(path))), "Its CD-ROM drives."),
                Field("console", \.console, .record(console), "Its graphical console."),
                Field("cloud_init", \.cloudInit, .record(cloudInit), "The seed cloud-init reads."),
                Field("guest_os", \.guestOS, .string, "Picks device defaults: `\"windows-2022\"`."),
                Field("labels", \.labels, .dictionary(of: .string), "Kept with the domain."),
            ])
    }

    /// Reads a description, and names the nics that have no name.
    static func decode(_ value: Value, _ environment: Environment) throws(Failure) -> VMSpec {
        var spec = try record(environment).decode(try flattened(value), at: "")
        for index in spec.nics.indices where spec.nics[index].id.isEmpty { spec.nics[index].id = "nic\(index + 1)" }
        return spec
    }

    /// The API's document `{ name = …, spec = { … } }` as the flat form.
    static func flattened(_ value: Value) throws(Failure) -> Value {
        guard let map = value.map, let spec = map["spec"] else { return value }
        guard var inner = spec.map else { throw wrongType("spec", expected: "a table", got: spec) }
        for entry in map.entries where entry.key != "spec" {
            guard entry.key == "name" else {
                throw Failure(.badField, "\(entry.key) stands beside spec", hint: "put it into spec; only name stands outside")
            }
            inner["name"] = entry.value
        }
        return .map(inner)
    }

    private static func disk(_ path: Codec<String>) -> Record<DiskSpec> {
        Record(
            "limiq.DiskSpec", "A disk.", make: { DiskSpec(id: "") },
            fields: [
                Field("id", \.id, .string, required: true, "Unique in the machine; names the file."),
                Field("path", \.path, path, "An existing disk; without it one is made in the machine's folder."),
                Field("size_gib", \.sizeGiB, .int(0...(1 << 33)), "Size in GiB; 0 takes the backing file's."),
                .size("size", \.sizeGiB, shift: 30, "Size with its unit: `\"20GiB\"`."),
                Field("bus", \.bus, .choice(prefix: "DISK_BUS_"), "virtio unless `guest_os` wants another."),
                Field("format", \.format, .choice(prefix: "DISK_FORMAT_"), "qcow2 unless told."),
                Field("readonly", \.readonly, .bool, "The guest may not write."),
                Field("bootable", \.bootable, .bool, "The machine boots from it."),
                Field("iops_limit", \.iopsLimit, .int(0...1_000_000_000), "Operations a second; 0 is no limit."),
                Field("throughput_mbps", \.throughputMBps, .int(0...1_000_000), "Megabytes a second; 0 is no limit."),
                Field("backing_file", \.backingFile, path, "The image it is an overlay on."),
                Field("pool_id", \.poolID, .string, "The storage pool it is in."),
            ])
    }

    private static func cdrom(_ path: Codec<String>) -> Record<CDROMSpec> {
        Record(
            "limiq.CDROMSpec", "A CD-ROM drive with an image.", make: { CDROMSpec(id: "", isoPath: "") },
            fields: [
                Field("id", \.id, .string, required: true, "Unique in the machine."),
                Field("iso_path", \.isoPath, path, required: true, "The image."),
                Field("bootable", \.bootable, .bool, "The machine boots from it."),
            ])
    }

    private static let nic = Record(
        "limiq.NICSpec", "A network card; with neither `bridge` nor `network` it is on user networking.",
        make: { NICSpec(id: "") },
        fields: [
            Field("id", \.id, .string, "Unique in the machine; `nic1` and so on unless told."),
            Field("mac_address", \.macAddress, .string, "Derived from the machine's name unless told."),
            Field("bridge", \.bridge, .string, "A bridge of the host."),
            Field("network", \.network, .string, "A libvirt network."),
            Field("model", \.model, .choice(prefix: "NIC_MODEL_"), "virtio unless told."),
            Field("bandwidth_mbps", \.bandwidthMbps, .int(0...1_000_000), "Megabits a second; 0 is no limit."),
            Field("forward", \.forward, .list(of: .record(forward)), "Ports of the host that lead to the guest."),
        ])

    private static let forward = Record(
        "limiq.PortForward", "A port of 127.0.0.1 that leads to one of the guest; on user networking.",
        make: { PortForward(host: 0, guest: 0) },
        fields: [
            Field("host", \.host, .int(1...65535), required: true, "The host's port."),
            Field("guest", \.guest, .int(1...65535), required: true, "The guest's port."),
            Field("proto", \.proto, .choice(), "tcp unless told."),
        ])

    private static let console = Record(
        "limiq.ConsoleSpec", "The graphical console.", make: { ConsoleSpec() },
        fields: [
            Field("vnc_enabled", \.vncEnabled, .bool, "VNC on 127.0.0.1."),
            Field("vnc_port", \.vncPort, .int(0...65535), "0 picks one."),
            Field("vnc_password", \.vncPassword, .string, "At most 8 characters."),
            Field("spice_enabled", \.spiceEnabled, .bool, "SPICE on 127.0.0.1."),
            Field("spice_port", \.spicePort, .int(0...65535), "0 picks one."),
        ])

    private static let cloudInit = Record(
        "limiq.CloudInit", "The files of the NoCloud datasource: texts as they are, or tables.",
        make: { CloudInitSpec() },
        fields: [
            Field("user_data", \.userData, .cloudConfig, "A table is written as `#cloud-config`."),
            Field("meta_data", \.metaData, .metaData, "instance-id and local-hostname; derived where missing."),
            Field("network_config", \.networkConfig, .networkConfig, "Netplan version 2."),
            Field("vendor_data", \.vendorData, .cloudConfig, "As user_data, which overrules it."),
        ])
}

extension Codec where Swift == String {
    /// A path of the script, made absolute.
    fileprivate static func absolutePath(_ environment: Environment) -> Codec {
        Codec("string") { value, path throws(Failure) in
            environment.absolute(try Codec.path.decode(value, path))
        } encode: { .string($0) }
    }
}

extension Field {
    /// The form with a unit of a field that counts MiB or GiB; written back in the other form.
    fileprivate static func size(
        _ name: String, _ keyPath: any WritableKeyPath<Owner, UInt64> & Sendable, shift: UInt64, _ doc: String
    ) -> Field {
        Field(name: name, luaType: "string", isRequired: false, doc: doc, records: []) {
            owner, value, path throws(Failure) in
            guard case .string = value else {
                throw wrongType(path, expected: "a size with its unit such as \"20GiB\"", got: value)
            }
            let size = try Codec<ByteSize>.size.decode(value, path)
            guard size.bytes > 0, size.bytes % (1 << shift) == 0 else {
                throw Failure(.badField, "\(path) must be a whole number of \(shift == 20 ? "MiB" : "GiB"), not \(size)")
            }
            owner[keyPath: keyPath] = size.bytes >> shift
        } encode: { _ in nil }
    }
}
