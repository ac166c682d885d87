import Basics
import MachineSpec
import XML

/// The fields of a spec as a domain's description has them, read in the same way from what libvirt has and from what
/// limiq would define: where the two differ, somebody has changed the domain.
///
/// Devices are known by the alias limiq gives them. What others have added is theirs and is not looked at.
struct DomainFacts: Equatable, Sendable {
    private(set) var values: [FieldPath: FieldValue] = [:]
    let memory: DomainMemory?
    let processors: DomainProcessors?
    let ports: DomainPorts
    /// Whether QEMU translates what the guest's processors do.
    let isEmulated: Bool

    /// The fields that only the description of the next start tells: a running guest's are its spec's, whatever the
    /// balloon does.
    static let ofDescriptionOnly: Set<String> = ["max_memory_mib", "max_cpu_cores"]
    /// The fields that only a running guest tells: QEMU forgets its forwards.
    static let ofGuestOnly: Set<String> = ["nics[].forward"]

    init(_ domain: XMLNode) {
        memory = DomainMemory(domain)
        processors = DomainProcessors(domain)
        ports = DomainPorts(domain)
        isEmulated = domain.attributes["type"] == "qemu"
        for field in SpecFields.machine { values[FieldPath(field.name)] = field.fact(domain) }
        for device in Self.devices(domain) {
            guard let alias = device.alias else { continue }
            if SpecFields.nics.collect(device, alias, into: &values) { continue }
            if SpecFields.disks.collect(device, alias, into: &values) { continue }
            if alias == DomainXML.cdromAlias(DomainXML.seedID) { continue }
            if SpecFields.cdroms.collect(device, alias, into: &values) { continue }
            _ = SpecFields.shares.collect(device, alias, into: &values)
        }
    }

    private static func devices(_ domain: XMLNode) -> [XMLNode] {
        domain.all("devices/disk") + domain.all("devices/interface") + domain.all("devices/filesystem")
    }

    /// The devices the guest boots from, the first first: `disk boot, nic lan`.
    @Sendable static func bootOrder(_ domain: XMLNode) -> FieldValue? {
        let order = devices(domain).compactMap { device -> (Int, FieldValue)? in
            guard let alias = device.alias,
                let number = device.first("boot")?.attributes["order"].flatMap({ Int($0) })
            else { return nil }
            let name = alias.dropFirst(DomainXML.ownAlias.count).replacing("-", with: " ", maxReplacements: 1)
            return (number, .found(String(name)))
        }
        return order.isEmpty ? nil : .list(order.sorted { $0.0 < $1.0 }.map(\.1))
    }

    /// Adds the ports that lead into the running guest, by nic.
    mutating func add(_ forwards: [String: [PortForward]], for spec: VMSpec) {
        for nic in spec.nics {
            let present = forwards[PortForwards.backend(nic.id)] ?? []
            // In the spec's order first, so that the same ports are the same value.
            let ordered = nic.forward.filter(present.contains) + present.filter { !nic.forward.contains($0) }
            values[FieldPath("nics", nic.id, "forward")] =
                ordered.isEmpty ? nil : .list(ordered.map { .forward($0) })
        }
    }

    /// Adds the forwards of a spec, as if they were set.
    mutating func addForwards(of spec: VMSpec) {
        for nic in spec.nics where !nic.forward.isEmpty {
            values[FieldPath("nics", nic.id, "forward")] = .list(nic.forward.map { .forward($0) })
        }
    }
}

extension XMLNode {
    /// The disk or CD-ROM drive of a domain that has this alias.
    func drive(_ alias: String) -> XMLNode? { all("devices/disk").first { $0.alias == alias } }

    /// The device of a domain that has this alias.
    func device(_ alias: String) -> XMLNode? {
        all("devices").flatMap(\.children).first { $0.alias == alias }
    }

    /// The aliases of a domain's nics on user networking.
    var userNICs: [String] {
        all("devices/interface").filter { $0.attributes["type"] == "user" }.compactMap(\.alias)
    }

    /// The device's alias, where it was not libvirt that chose it.
    var alias: String? {
        first("alias")?.attributes["name"].flatMap { $0.hasPrefix(DomainXML.ownAlias) ? $0 : nil }
    }
}
