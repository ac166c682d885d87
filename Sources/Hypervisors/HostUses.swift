import XML

/// The things that the domains of a host use and that others may use as well.
public struct HostUses: Sendable, Equatable {
    /// The uses by the domain's name.
    public private(set) var domains: [String: DomainUses] = [:]
    /// The names of the domains that have a nic with this MAC address, in lower case.
    package private(set) var namesByAddress: [String: Set<String>] = [:]

    public init(_ domains: [DomainUses] = []) {
        for domain in domains { set(domain.name, domain) }
    }

    /// - Parameter uses: `nil` for a domain that is gone.
    mutating func set(_ name: String, _ uses: DomainUses?) {
        for nic in domains[name]?.nics ?? [] { namesByAddress[nic.macAddress]?.remove(name) }
        domains[name] = uses
        for nic in uses?.nics ?? [] { namesByAddress[nic.macAddress, default: []].insert(name) }
    }
}

/// The things a domain uses, in its running guest and at its next start.
public struct DomainUses: Sendable, Equatable {
    public struct Disk: Sendable, Hashable {
        /// The path of a file of the domain's host, absolute; of Ceph's, `POOL/VOLUME`.
        public var path: String
        public var isWritable: Bool
        /// The images that lie below the disk as far as libvirt says so, the nearest first.
        public var backing: [String]
    }

    public struct NIC: Sendable, Hashable {
        /// The MAC address in lower case.
        public var macAddress: String
        public var segment: Segment

        package init(macAddress: String, segment: Segment) {
            self.macAddress = macAddress
            self.segment = segment
        }
    }

    /// The network or bridge on which nics see each other.
    public enum Segment: Sendable, Hashable {
        case network(String)
        case bridge(String)
    }

    public var name: String
    /// Whether the domain is off, and its guest's memory, which knows its disks, is kept.
    public var isSaved = false
    public var disks: Set<Disk> = []
    public var nics: Set<NIC> = []

    /// - Parameter descriptions: libvirt's, of the next start and of the guest that runs.
    package init(name: String, isSaved: Bool = false, _ descriptions: [XMLNode]) {
        self.name = name
        self.isSaved = isSaved
        for description in descriptions {
            disks.formUnion(description.all("devices/disk").compactMap(Self.disk))
            nics.formUnion(description.all("devices/interface").flatMap(Self.nics))
        }
    }

    private static func disk(_ disk: XMLNode) -> Disk? {
        guard disk.attributes["device"] != "cdrom", let path = path(disk) else { return nil }
        var backing: [String] = []
        var store = disk.first("backingStore")
        while let below = store, let path = self.path(below) {
            backing.append(path)
            store = below.first("backingStore")
        }
        return Disk(path: path, isWritable: disk.first("readonly") == nil, backing: backing)
    }

    private static func path(_ element: XMLNode) -> String? {
        let source = element.first("source")?.attributes
        return source?["file"] ?? source?["dev"] ?? source?["name"]
    }

    /// The addresses of a nic with what they are on. Of a running guest libvirt says which bridge a network is.
    private static func nics(_ nic: XMLNode) -> [NIC] {
        guard let address = nic.first("mac")?.attributes["address"]?.lowercased(),
            let source = nic.first("source")?.attributes
        else { return [] }
        let bridge = source["bridge"].map { NIC(macAddress: address, segment: .bridge($0)) }
        let network = source["network"].map { NIC(macAddress: address, segment: .network($0)) }
        return [bridge, network].compactMap(\.self)
    }
}
