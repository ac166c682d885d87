import Basics
import FoundationEssentials
import Glibc
import GuestConfig
import HostFiles
import Hypervisors
import MachineSpec

/// A virtual machine by its name on one hypervisor: what limiq made, and every domain there as far as it needs no more
/// than a name.
public struct Machine: Sendable {
    public let name: String
    public let hypervisor: any Hypervisor
    public let state: StateFolder
    /// The capabilities of this host's processor, as `/proc/cpuinfo` says them; other in tests.
    var cpuinfo: @Sendable () -> String? = { readWhole("/proc/cpuinfo") }
    /// The other hypervisors that can be asked here; other in tests.
    var neighbours: Neighbours = LocalDaemons.besides

    /// Whether its guest is asked by its agent alone: where ssh leads, and with which keys, a guest would have a say in.
    public var isAskedByAgentOnly = false
    /// The user whom the image it starts from lets in where its seed makes none; `nil` where that is not known.
    public var imageUser: String?
    /// The cloud-init of the image it starts from; `nil` where that is not known.
    public var cloudInit: GuestCloudInit?
    /// The script that works on it, as what it makes is remembered by; `nil` for no script.
    public var script: String?
    /// The addresses of the run's machines on its networks.
    public var addressBook = AddressBook()
    /// The machines that will be gone before anything is done to this one, in a plan.
    public var gone: Set<String> = []

    public init(_ name: String, on hypervisor: any Hypervisor, state: StateFolder) {
        self.name = name
        self.hypervisor = hypervisor
        self.state = state
    }

    /// Whether the hypervisor runs on this host, so that paths mean the same on both sides.
    public var isLocal: Bool { HypervisorURI(hypervisor.uri).isLocal }
    /// The machine's own folder on this host, also where its disks are another's.
    public var folder: String { state.machines + "/" + folderName }
    /// The name of that folder. For a machine on another host it has that host's name too, as each may have a machine
    /// of this name.
    var folderName: String { isLocal ? name : "\(name)@\(HypervisorURI(hypervisor.uri).fileName)" }
    /// The guest's serial console as text, begun anew at each start.
    public var consoleLog: String { folder + "/console.log" }

    /// Whether this is libvirt's test driver: domains without a hypervisor or files, and without a description of what
    /// it can do.
    var isOnTestDriver: Bool { hypervisor.uri.hasPrefix("test:") }

    func host() throws(Failure) -> HostDescription {
        guard isOnTestDriver else { return try hypervisor.host() }
        return HostDescription(
            emulator: "", architecture: "i686", offersKVM: false, emulatorVersion: 0,
            emulatorUser: EmulatorUser(name: "", uid: geteuid(), gid: getegid()), isLocal: true,
            relabelsFiles: false)
    }

    /// - Throws: `Failure` with code `not_found` where there is no domain of this name.
    @discardableResult
    public func requireDomain() throws(Failure) -> DomainSummary {
        if let domain = try hypervisor.domain(name) { return domain }
        if let disk = (try? keptDisks())?.first {
            throw Failure(
                .notFound,
                "there is no VM \(name) on \(hypervisor.uri): its domain is gone, and its disk \(disk) is kept",
                hint: "the script that made it takes it up again", resource: name)
        }
        let nearest = nearestName(to: name, in: try hypervisor.domains().map(\.name))
        throw Failure(
            .notFound, "there is no VM \(name) on \(hypervisor.uri)",
            hint: nearest.map { "did you mean \($0)?" } ?? "limiq list shows those that are there",
            resource: name)
    }

    /// The record limiq keeps in the domain, also under a name it was given since; `nil` for a domain limiq did not
    /// make, and for a copy of one that it made.
    public func record() throws(Failure) -> MachineRecord? {
        guard let record = try kept() else { return nil }
        return record.belonging(to: try requireDomain()) == .foreign ? nil : record
    }

    /// The record of a domain that was looked up, as `record()`.
    func record(of domain: DomainSummary) throws(Failure) -> MachineRecord? {
        try kept().flatMap { $0.belonging(to: domain) == .foreign ? nil : $0 }
    }

    /// The record of a domain, as `record(of:)`, but `nil` where the domain was renamed.
    public func ownRecord(of domain: DomainSummary) throws(Failure) -> MachineRecord? {
        try kept().flatMap { $0.belonging(to: domain) == .own ? $0 : nil }
    }

    /// The record in the domain, whoever it is of.
    func kept() throws(Failure) -> MachineRecord? {
        guard let xml = try hypervisor.metadata(name) else { return nil }
        return try MachineRecord(metadata: xml)
    }

    /// The record by which the domain's parts may be changed and removed.
    ///
    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make, for a copy of one, for one that was renamed,
    ///   that a newer limiq made, or that was made from another state folder.
    func requireOwn(_ record: MachineRecord?, of domain: DomainSummary) throws(Failure) -> MachineRecord {
        guard let record else { throw notOurs }
        let made = record.name ?? record.spec.name
        switch record.belonging(to: domain) {
        case .own: break
        case .renamed:
            throw Failure(
                .notOurs,
                "the domain \(name) on \(hypervisor.uri) is vm \(made), renamed by hand, and is left alone",
                hint:
                    "virsh -c '\(hypervisor.uri)' domrename \(name) \(made) gives it its name back while it is off",
                resource: name)
        case .foreign:
            // A record of version 1 does not tell the two apart.
            let what =
                record.uuid == nil ? "is vm \(made), copied or renamed by hand" : "is a copy of vm \(made)"
            throw Failure(
                .notOurs, "the domain \(name) on \(hypervisor.uri) \(what), and is left alone",
                hint: "choose another name, or remove it with: virsh -c '\(hypervisor.uri)' undefine \(name)",
                resource: name)
        }
        guard record.version <= MachineRecord.currentVersion else {
            throw Failure(
                .notOurs, "vm \(name) on \(hypervisor.uri) was made by a newer limiq, and is left as it is",
                hint: "use that one", resource: name)
        }
        guard isLocal || record.parts.files.isEmpty else {
            throw Failure(
                .hostNotAble, "the files of \(name) are on \(hypervisor.uri), where it was made",
                hint: "work on it there", resource: name)
        }
        // Its disks are where this one would not look for them.
        guard record.parts.files.isEmpty || record.folder == folder else {
            throw Failure(
                .notOurs,
                "vm \(name) on \(hypervisor.uri) is kept in \(record.folder), and is left alone from here",
                hint: "choose another name, or set LIMIQ_HOME to the state folder it was made with",
                resource: name)
        }
        return record
    }

    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make, or a copy of one.
    func requireRecord() throws(Failure) -> MachineRecord {
        if let record = try record() { return record }
        throw notOurs
    }

    /// The failure that says why a domain limiq did not make is left alone.
    public var notOurs: Failure {
        Failure(
            .notOurs, "the domain \(name) on \(hypervisor.uri) was not made by limiq, and is left alone",
            hint: "choose another name, or remove it with: virsh -c '\(hypervisor.uri)' undefine \(name)",
            resource: name)
    }

    /// The guest's own addresses, best source first: the network's leases, the agent, the host's ARP table. On user
    /// networking only the agent knows, and the address (10.0.2.15) is reachable from the guest's side only.
    public func addresses() throws(Failure) -> [String] {
        let leased = ordered((try? leasedAddresses()) ?? [])
        if !leased.isEmpty { return leased }
        for source in [AddressSource.agent, .arp] {
            guard let interfaces = try? hypervisor.addresses(name, from: source) else { continue }
            var found = interfaces.filter { $0.interface != "lo" }.flatMap(\.addresses)
            // The host remembers whom it talked to as long as a lease lasts, and longer.
            if source == .arp {
                let before = Set(leasesBeforeBoot.map(\.address))
                found.removeAll(where: before.contains)
            }
            let addresses = ordered(found)
            if !addresses.isEmpty { return addresses }
        }
        return []
    }

    /// The addresses that others can reach, IPv4 first.
    private func ordered(_ addresses: [String]) -> [String] {
        let found = addresses.filter {
            !$0.hasPrefix("127.") && $0 != "::1" && !$0.hasPrefix("fe80:") && IPAddress($0) != nil
        }
        return found.filter { $0.contains(".") } + found.filter { !$0.contains(".") }
    }

    /// The guest's own addresses: those it has for life on networks of limiq's, else as `addresses()`, or why there are none. A guest on user networking whose agent does
    /// not answer has the address QEMU's DHCP server gives the first and only guest of a network, 10.0.2.15, or the one
    /// its seed gives it.
    ///
    /// - Throws: `Failure` with code `not_found` where no address is known.
    public func requireAddresses() throws(Failure) -> [String] {
        let domain = try requireDomain()
        let record = try record()
        let fixed = record?.spec.fixedAddresses ?? []
        if !fixed.isEmpty { return fixed }
        let found = domain.state.isActive ? try addresses() : []
        if !found.isEmpty { return found }
        let nics = record?.spec.nics ?? []
        if domain.state.isActive, nics.contains(where: \.isUser) {
            return [userAddress(record) ?? "10.0.2.15"]
        }
        throw Failure(
            .notFound, "no address of \(name) is known",
            hint: domain.state.isActive
                ? "wait for \"address\" first" : "it is \(domain.state.rawValue): start it first",
            resource: name)
    }

    /// Starts a domain that is off, with its forwards where limiq made it.
    public func start() throws(Failure) {
        let record = try record()
        let isSaved = try requireDomain().state == .saved
        // What goes on is what was saved.
        let guest = isSaved ? try savedRecord() : record
        let nics = guest?.spec.nics ?? []
        try requireOwnGuest()
        if let record { try requireFreeAddresses(record.spec) }
        try requireWritable("started")
        if let record { try requireSameBases(record) }
        let host = try host()
        try HostPorts.checkFree(nics, screens: guest?.spec.console, on: host)
        if isSaved { return try resumeSaved(guest) }
        if let record { try renewGivenChains(record.spec) }
        try startNetworks(nics)
        try beginBoot(nics)
        try hypervisor.start(name)
        try PortForwards(hypervisor: hypervisor, name: name).set(nics, to: record?.userAddress)
    }
}
