import Basics
import Digests
import HostFiles
import MachineSpec
import XML

/// A machine on a network as the network itself knows it: a name, and the addresses it has for life.
///
/// The names in the network's DNS are the one list of them, each with a second name that says which state folder's limiq
/// has put it there; a reservation of the DHCP server stands beside each. Names that others have put there are theirs.
public struct NetworkMember: Sendable, Equatable {
    /// The machine's name; of a further nic on the same network `nic2.NAME`, by the nic's place.
    public var name: String
    public var address: IPAddress
    public var address6: IPAddress?
    /// The nic's MAC address in lower case; `nil` where the DHCP server keeps no address for it.
    public var macAddress: String?
    /// The mark of the state folder whose limiq has admitted it.
    var owner: String

    init(
        name: String, owner: String, address: IPAddress, address6: IPAddress? = nil, macAddress: String? = nil
    ) {
        self.name = name
        self.owner = owner
        self.address = address
        self.address6 = address6
        self.macAddress = macAddress
    }

    /// The name of the machine, which has no point in it.
    public var machine: String { name.split(separator: ".").last.map(String.init) ?? name }

    /// The name of a machine's nic.
    ///
    /// - Parameter nics: the machine's; its first on a network has the machine's own name there.
    static func name(ofMachine machine: String, nic index: Int, of nics: [NICSpec]) -> String {
        let network = nics[index].network?.name
        let isFirst = !nics[..<index].contains { $0.network?.name == network }
        return isFirst ? machine : "nic\(index + 1).\(machine)"
    }

    private var both: [IPAddress] { [address, address6].compactMap(\.self) }

    /// The elements of the network's DNS.
    var names: [XMLElement] {
        both.map { address in
            XMLElement(
                "host", ["ip": "\(address)"],
                [name, "\(name).\(owner)\(Self.markEnd)"].map { XMLElement("hostname", text: $0) })
        }
    }

    /// The elements by which libvirt takes those away: by a name it would find both and take neither.
    var lostNames: [XMLElement] { both.reversed().map { XMLElement("host", ["ip": "\($0)"]) } }

    /// The element of the network's DHCP server.
    var reservation: XMLElement? {
        macAddress.map { XMLElement("host", ["mac": $0, "name": name, "ip": "\(address)"]) }
    }

    /// The end of the name that says whose a member is.
    private static let markEnd = ".limiq"

    /// The mark of a state folder of this host.
    static func mark(_ state: StateFolder) -> String {
        let place = Array("\(MachineRecord.currentHost())\0\(state.root)".utf8)
        return hexadecimal(SHA256.hash(data: place).prefix(4))
    }

    /// The members of a network by its description, in the order of their addresses, and the addresses that others have put
    /// into its DNS or its DHCP server.
    static func all(of network: XMLNode) -> (members: [NetworkMember], others: Set<IPAddress>) {
        var reserved: [String: String] = [:]
        for host in network.all("ip/dhcp/host") {
            if let address = host.attributes["ip"] {
                reserved[address] = host.attributes["mac"]?.lowercased() ?? ""
            }
        }
        var found: [String: (address: IPAddress?, address6: IPAddress?, owner: String)] = [:]
        var others = Set(reserved.keys.compactMap(IPAddress.init))
        for host in network.all("dns/host") {
            guard let address = host.attributes["ip"].flatMap(IPAddress.init) else { continue }
            let names = host.all("hostname").map { $0.text.trimmed() }
            guard names.count == 2, let owner = owner(in: names[1], of: names[0]) else {
                others.insert(address)
                continue
            }
            var known = found[names[0]] ?? (nil, nil, owner)
            if address.isIPv4 { known.address = address } else { known.address6 = address }
            found[names[0]] = known
        }
        let members = found.compactMap { name, known -> NetworkMember? in
            guard let address = known.address else { return nil }
            let mac = reserved["\(address)"]
            return NetworkMember(
                name: name, owner: known.owner, address: address, address6: known.address6, macAddress: mac)
        }
        .sorted { $0.address < $1.address }
        return (members, others.subtracting(members.map(\.address)))
    }

    private static func owner(in mark: String, of name: String) -> String? {
        guard mark.hasPrefix("\(name)."), mark.hasSuffix(markEnd) else { return nil }
        let owner = mark.dropFirst(name.utf8.count + 1).dropLast(markEnd.utf8.count)
        return owner.isEmpty || owner.contains(".") ? nil : String(owner)
    }
}
