import Basics
import XML

/// What a domain's description says of the fields of a spec, read in the same way from what libvirt has and from what
/// limiq would define: where the two differ, somebody has changed the domain.
///
/// Devices are known by the alias limiq gives them. What others have added is theirs and is not looked at.
struct DomainFacts: Equatable, Sendable {
    private(set) var values: [FieldPath: String] = [:]
    /// The most memory this guest can be given without a new start, in MiB.
    private(set) var mostMemory: UInt64 = 0
    /// The most processors, online or not.
    private(set) var mostProcessors = 0
    /// Processors that are online and can be taken away.
    private(set) var removableProcessors = 0
    private(set) var processors = 0

    /// Of what the next start takes only: a running guest's are its spec's, whatever the balloon does.
    static let ofDescriptionOnly: Set<String> = ["max_memory_mib", "max_cpu_cores"]
    /// Of a running guest only: QEMU forgets its forwards.
    static let ofGuestOnly: Set<String> = ["nics[].forward"]

    init(_ domain: XMLNode) {
        readMemory(domain)
        readProcessors(domain)
        var order: [(Int, String)] = []
        for device in domain.all("devices/disk") + domain.all("devices/interface") {
            guard let alias = device.alias else { continue }
            switch device.name {
            case "interface": readNIC(device, alias)
            case _ where device.attributes["device"] == "cdrom": readCDROM(device, alias)
            default: readDisk(device, alias)
            }
            if let number = device.first("boot")?.attributes["order"].flatMap({ Int($0) }) {
                order.append((number, String(alias.dropFirst(3))))
            }
        }
        values[FieldPath("boot_order")] = order.sorted { $0.0 < $1.0 }.map(\.1).joined(separator: ", ")
    }

    private mutating func readMemory(_ domain: XMLNode) {
        guard let most = domain.first("memory").flatMap(Self.mebibytes) else { return }
        mostMemory = most
        values[FieldPath("memory_mib")] = "\(domain.first("currentMemory").flatMap(Self.mebibytes) ?? most)"
        values[FieldPath("max_memory_mib")] = "\(most)"
    }

    /// libvirt writes KiB whatever it was given.
    private static func mebibytes(_ node: XMLNode) -> UInt64? {
        guard let number = UInt64(node.text.trimmed()) else { return nil }
        return node.attributes["unit"] == "MiB" ? number : number / 1024
    }

    private mutating func readProcessors(_ domain: XMLNode) {
        guard let vcpu = domain.first("vcpu"), let most = Self.count(vcpu.text.trimmed()) else { return }
        mostProcessors = most
        processors = vcpu.attributes["current"].flatMap(Self.count) ?? most
        removableProcessors =
            domain.all("vcpus/vcpu")
            .filter { $0.attributes["enabled"] == "yes" && $0.attributes["hotpluggable"] == "yes" }.count
        guard let topology = domain.first("cpu/topology")?.attributes,
            let sockets = topology["sockets"].flatMap(Self.count),
            let threads = topology["threads"].flatMap(Self.count), sockets > 0, threads > 0
        else { return }
        values[FieldPath("cpu_sockets")] = "\(sockets)"
        values[FieldPath("cpu_threads_per_core")] = "\(threads)"
        values[FieldPath("max_cpu_cores")] = topology["cores"]
        let each = sockets * threads
        values[FieldPath("cpu_cores")] =
            processors % each == 0 ? "\(processors / each)" : "\(processors) processors in all"
    }

    /// Of processors, sockets or threads. Anybody may have written the description.
    private static func count(_ text: String) -> Int? {
        Int(text).flatMap { (0...65_536).contains($0) ? $0 : nil }
    }

    private mutating func readDisk(_ disk: XMLNode, _ alias: String) {
        guard let id = alias.dropping(DomainXML.diskAlias("")) else { return }
        func set(_ field: String, _ value: String?) { values[FieldPath("disks", id, field)] = value }
        set("", "\"\(id)\"")
        let source = disk.first("source")?.attributes ?? [:]
        set("path", (source["file"] ?? source["volume"]).map { "\"\($0)\"" })
        set("bus", (disk.first("target")?.attributes["bus"]).map { "\"DISK_BUS_\($0.uppercased())\"" })
        set("readonly", "\(disk.first("readonly") != nil)")
        let limits = disk.first("iotune")
        set("iops_limit", limits?.first("total_iops_sec")?.text.trimmed() ?? "0")
        let bytes = limits?.first("total_bytes_sec").flatMap { UInt64($0.text.trimmed()) } ?? 0
        set("throughput_mbps", "\(bytes / 1_000_000)")
    }

    private mutating func readCDROM(_ drive: XMLNode, _ alias: String) {
        guard let id = alias.dropping(DomainXML.cdromAlias("")), id != DomainXML.seedID else { return }
        values[FieldPath("cdroms", id)] = "\"\(id)\""
        values[FieldPath("cdroms", id, "iso_path")] =
            (drive.first("source")?.attributes["file"]).map { "\"\($0)\"" }
    }

    private mutating func readNIC(_ nic: XMLNode, _ alias: String) {
        guard let id = alias.dropping(DomainXML.nicAlias("")) else { return }
        func set(_ field: String, _ value: String?) { values[FieldPath("nics", id, field)] = value }
        set("", "\"\(id)\"")
        let source = nic.first("source")?.attributes ?? [:]
        let kind = nic.attributes["type"]
        set("bridge", kind == "bridge" ? source["bridge"].map { "\"\($0)\"" } : nil)
        set("network", kind == "network" ? source["network"].map { "\"\($0)\"" } : nil)
        set("mac_address", nic.first("mac")?.attributes["address"].map { "\"\($0.lowercased())\"" })
        set("model", nic.first("model")?.attributes["type"].map { "\"NIC_MODEL_\($0.uppercased())\"" })
        set("link", nic.first("link")?.attributes["state"] ?? "up")
        let rate = nic.first("bandwidth/inbound")?.attributes["average"].flatMap { UInt64($0) } ?? 0
        set("bandwidth_mbps", "\(rate / 125)")
    }

    /// The ports that lead into the running guest, by nic.
    mutating func add(_ forwards: [String: [PortForward]], for spec: VMSpec) {
        for nic in spec.nics {
            let present = forwards[PortForwards.backend(nic.id)] ?? []
            // In the spec's order first, so that the same ports are the same text.
            let ordered = nic.forward.filter(present.contains) + present.filter { !nic.forward.contains($0) }
            values[FieldPath("nics", nic.id, "forward")] =
                ordered.isEmpty ? nil : ordered.map(\.text).joined(separator: ", ")
        }
    }

    /// As if those of the spec were set.
    mutating func addForwards(of spec: VMSpec) {
        for nic in spec.nics where !nic.forward.isEmpty {
            values[FieldPath("nics", nic.id, "forward")] = nic.forward.map(\.text).joined(separator: ", ")
        }
    }
}

extension XMLNode {
    /// The disk or CD-ROM drive of this alias, of a domain.
    func drive(_ alias: String) -> XMLNode? { all("devices/disk").first { $0.alias == alias } }

    /// The aliases of the nics on user networking, of a domain.
    var userNICs: [String] {
        all("devices/interface").filter { $0.attributes["type"] == "user" }.compactMap(\.alias)
    }

    /// The device's alias, where it was not libvirt that chose it.
    var alias: String? {
        first("alias")?.attributes["name"].flatMap { $0.hasPrefix(DomainXML.ownAlias) ? $0 : nil }
    }
}

extension String {
    /// What follows a prefix; `nil` where it does not begin so.
    func dropping(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
