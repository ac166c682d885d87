import Basics
import XML

/// The memory a domain's description gives its guest, in MiB.
struct DomainMemory: Equatable, Sendable {
    /// The memory that the balloon leaves the guest.
    let current: UInt64
    /// The most memory the guest can be given without a new start.
    let most: UInt64

    init?(_ domain: XMLNode) {
        guard let most = domain.first("memory").flatMap(Self.mebibytes) else { return nil }
        self.most = most
        current = domain.first("currentMemory").flatMap(Self.mebibytes) ?? most
    }

    /// The memory of an element in MiB: libvirt writes KiB whatever it was given.
    private static func mebibytes(_ node: XMLNode) -> UInt64? {
        guard let number = UInt64(node.text.trimmed()) else { return nil }
        return node.attributes["unit"] == "MiB" ? number : number / 1024
    }
}

/// The processors a domain's description gives its guest.
struct DomainProcessors: Equatable, Sendable {
    struct Topology: Equatable, Sendable {
        var sockets: Int
        var cores: Int
        var threads: Int
    }

    let online: Int
    /// The number of processors, online or not.
    let most: Int
    /// The number of processors that are online and can be taken away.
    let removable: Int
    let topology: Topology?

    init?(_ domain: XMLNode) {
        guard let vcpu = domain.first("vcpu"), let most = Self.count(vcpu.text.trimmed()) else { return nil }
        self.most = most
        online = vcpu.attributes["current"].flatMap(Self.count) ?? most
        removable =
            domain.all("vcpus/vcpu")
            .filter { $0.attributes["enabled"] == "yes" && $0.attributes["hotpluggable"] == "yes" }.count
        let given = domain.first("cpu/topology")?.attributes ?? [:]
        if let sockets = given["sockets"].flatMap(Self.count), let cores = given["cores"].flatMap(Self.count),
            let threads = given["threads"].flatMap(Self.count), sockets > 0, threads > 0
        {
            topology = Topology(sockets: sockets, cores: cores, threads: threads)
        } else {
            topology = nil
        }
    }

    /// The cores of each socket that are online, as `cpu_cores` has them; where no whole number is, all processors.
    var cores: FieldValue? {
        guard let topology else { return .found("\(online) processors in all") }
        let each = topology.sockets * topology.threads
        return online % each == 0 ? .number(online / each) : .found("\(online) processors in all")
    }

    /// The number of processors, sockets or threads in a text; `nil` for one that cannot be. Anybody may have written
    /// the description.
    private static func count(_ text: String) -> Int? {
        Int(text).flatMap { (0...65_536).contains($0) ? $0 : nil }
    }
}
