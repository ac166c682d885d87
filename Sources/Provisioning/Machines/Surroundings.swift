import Basics
import Glibc
import Hypervisors
import Synchronization
import XML

/// The domains of every hypervisor that can be asked here, each with the files and volumes its descriptions name.
struct Surroundings {
    struct Domain: Sendable {
        var name: String
        var uuid: String
        var uri: String
        /// Whether the domain is of the hypervisor that is worked on, and not of another that answers on this host.
        var isHere: Bool
        /// The element of limiq's own in the domain's metadata.
        fileprivate var metadata: XMLNode?
        /// The file with its firmware's variables, which libvirt removes with it.
        fileprivate var variables: String?
        fileprivate var sources = Sources()

        /// The record limiq keeps in the domain, whoever it was made for.
        var record: MachineRecord? { metadata.flatMap { try? MachineRecord(element: $0) } }

        /// Whether the domain is the one limiq made for a machine, also where it was renamed or moved since.
        func wasMade(for machine: Machine) -> Bool {
            record.map { $0.uuid == uuid && $0.name == machine.name } ?? false
        }

        /// Whether the domain is the machine's own, by its record, its name and its place.
        func isOf(_ machine: Machine) -> Bool { isHere && name == machine.name && wasMade(for: machine) }
    }

    /// A file or volume that somebody may use.
    struct Part: Sendable {
        var path: String
        /// The identity of a file of this host; `nil` for a volume.
        var identity: FileIdentity?
        var volume: HostVolume?

        init(path: String, identity: FileIdentity? = nil, volume: HostVolume? = nil) {
            self.path = path
            self.identity = identity
            self.volume = volume
        }
    }

    struct User {
        var domain: Domain
        var path: String
    }

    private var domains: [Domain] = []

    /// - Throws: where the first of the two does not answer. Another one that does not answer cannot be asked.
    init(_ hypervisor: any Hypervisor, _ neighbours: [any Hypervisor]) throws(Failure) {
        domains = try Self.domains(of: hypervisor, isHere: true)
        for neighbour in neighbours {
            domains += (try? Self.domains(of: neighbour, isHere: false)) ?? []
        }
    }

    /// Looks around as `init`, once for all who ask at the same time: each gets what was looked at after it had asked.
    static func now(_ hypervisor: any Hypervisor, _ neighbours: () -> [any Hypervisor]) throws(Failure)
        -> Surroundings
    {
        let asked = ContinuousClock.now
        let look = looks.take(hypervisor)
        defer { looks.giveBack(hypervisor, look) }
        return try look.last.withLock { last throws(Failure) in
            if let last, last.began >= asked { return last.found }
            let began = ContinuousClock.now
            let found = try Surroundings(hypervisor, neighbours())
            last = (began, found)
            return found
        }
    }

    private static let looks = Looks()

    private static func domains(of hypervisor: any Hypervisor, isHere: Bool) throws(Failure) -> [Domain] {
        var domains: [Domain] = []
        for summary in try hypervisor.domains() {
            var domain = Domain(
                name: summary.name, uuid: summary.uuid, uri: hypervisor.uri, isHere: isHere)
            do throws(Failure) {
                // What runs may differ from what its next start takes.
                for inactive in summary.state.isActive ? [true, false] : [true] {
                    let xml = try hypervisor.xml(summary.name, inactive: inactive, secrets: false)
                    let description = try XMLReader.parse(xml)
                    domain.sources.read(description)
                    domain.variables = description.first("os/nvram")?.text ?? domain.variables
                    domain.metadata = domain.metadata ?? MachineRecord.element(of: description)
                }
            } catch {
                // Gone since the list was made.
                if error.code == .notFound { continue }
                throw error
            }
            if HypervisorURI(hypervisor.uri).isLocal { domain.sources.resolve(on: hypervisor) }
            domains.append(domain)
        }
        return domains
    }

    /// The file with the variables of the firmware of a domain.
    func variables(of isIt: (Domain) -> Bool) -> [Part] {
        domains.filter(isIt).compactMap(\.variables).map { Part(path: $0, identity: FileIdentity(of: $0)) }
    }

    /// The domains that name one of the parts, by whatever name.
    func users(of parts: [Part]) -> [User] {
        domains.flatMap { domain in
            parts.filter(domain.sources.name).map { User(domain: domain, path: $0.path) }
        }
    }
}

/// The looks around hypervisors that are going on at this moment.
private final class Looks: Sendable {
    /// A look around one hypervisor, held while it lasts.
    final class Look: Sendable {
        let last = Mutex<(began: ContinuousClock.Instant, found: Surroundings)?>(nil)
        let askers = Mutex(0)
    }

    private let current = Mutex<[ObjectIdentifier: Look]>([:])

    func take(_ hypervisor: any Hypervisor) -> Look {
        current.withLock { current in
            let look = current[ObjectIdentifier(hypervisor as AnyObject), default: Look()]
            current[ObjectIdentifier(hypervisor as AnyObject)] = look
            look.askers.withLock { $0 += 1 }
            return look
        }
    }

    func giveBack(_ hypervisor: any Hypervisor, _ look: Look) {
        current.withLock { current in
            let isLast = look.askers.withLock { askers in
                askers -= 1
                return askers == 0
            }
            if isLast { current[ObjectIdentifier(hypervisor as AnyObject)] = nil }
        }
    }
}

/// The paths and volumes that the descriptions of a domain name.
private struct Sources: Sendable {
    private var paths: Set<String> = []
    private var volumes: Set<HostVolume> = []
    private var identities: Set<FileIdentity> = []

    /// Reads every absolute path, in whatever element: a list of elements would lack the next one that libvirt invents.
    mutating func read(_ node: XMLNode) {
        if node.name == "metadata" || node.name == "emulator" { return }
        if node.text.hasPrefix("/") { paths.insert(node.text) }
        for value in node.attributes.values where value.hasPrefix("/") { paths.insert(value) }
        if let pool = node.attributes["pool"], let volume = node.attributes["volume"] {
            volumes.insert(HostVolume(pool: pool, name: volume))
        }
        for child in node.children { read(child) }
    }

    /// Finds out what the names lead to on this host.
    mutating func resolve(on hypervisor: any Hypervisor) {
        for volume in volumes {
            if let path = (try? hypervisor.volume(volume))??.path { paths.insert(path) }
        }
        identities = Set(paths.compactMap(FileIdentity.init(of:)))
    }

    func name(_ part: Surroundings.Part) -> Bool {
        paths.contains(part.path) || part.identity.map(identities.contains) == true
            || part.volume.map(volumes.contains) == true
    }
}

extension Surroundings.User {
    /// The failure that says why a part of a machine is left alone: this domain uses it.
    func failure(for machine: Machine) -> Failure {
        let place = "virsh -c '\(domain.uri)'"
        let isSameDomain = domain.wasMade(for: machine)
        if isSameDomain, domain.name != machine.name {
            return Failure(
                .notOurs,
                "vm \(machine.name) was renamed to \(domain.name) by hand, and \(path) is in use by that",
                hint:
                    "\(place) domrename \(domain.name) \(machine.name) gives it its name back while it is off; "
                    + "or choose another name", resource: machine.name)
        }
        if isSameDomain, !domain.isHere {
            return Failure(
                .notOurs, "vm \(machine.name) is on \(domain.uri), where \(path) is in use",
                hint: "work on it there: --connect '\(domain.uri)'", resource: machine.name)
        }
        return Failure(
            .inUse,
            "\(path) of vm \(machine.name) is in use by the domain \(domain.name) of \(domain.uri) too",
            hint: "remove that domain first, or give it files of its own: \(place) edit \(domain.name)",
            resource: path)
    }
}
