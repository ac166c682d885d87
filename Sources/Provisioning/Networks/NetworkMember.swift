import MachineSpec
import XML

/// A machine on a network as the network itself knows it: a name, and the addresses it has for life.
///
/// The names in the network's DNS are the one list of them; a reservation of the DHCP server stands beside each.
public struct NetworkMember: Sendable, Equatable {
    /// The machine's name; of a further nic on the same network `nic2.NAME`, by the nic's place.
    public var name: String
    public var address: IPAddress
    public var address6: IPAddress?
    /// The nic's MAC address in lower case; `nil` where the DHCP server keeps no address for it.
    public var macAddress: String?

    public init(name: String, address: IPAddress, address6: IPAddress? = nil, macAddress: String? = nil) {
        self.name = name
        self.address = address
        self.address6 = address6
        self.macAddress = macAddress
    }

    /// The name of the machine, which has no point in it.
    public var machine: String { name.split(separator: ".").last.map(String.init) ?? name }

    /// The name of a machine's nic.
    ///
    /// - Parameter isFirst: whether it is the machine's first on the network.
    static func name(ofMachine machine: String, nic index: Int, isFirst: Bool) -> String {
        isFirst ? machine : "nic\(index + 1).\(machine)"
    }

    private var both: [IPAddress] { [address, address6].compactMap(\.self) }

    /// The elements of the network's DNS.
    var names: [XMLElement] {
        both.map { XMLElement("host", ["ip": "\($0)"], [XMLElement("hostname", text: name)]) }
    }

    /// The elements by which libvirt takes those away: by a name it would find both and take neither.
    var lostNames: [XMLElement] { both.reversed().map { XMLElement("host", ["ip": "\($0)"]) } }

    /// The element of the network's DHCP server.
    var reservation: XMLElement? {
        macAddress.map { XMLElement("host", ["mac": $0, "name": name, "ip": "\(address)"]) }
    }

    /// The members of a network by its description, in the order of their addresses.
    static func all(of network: XMLNode) -> [NetworkMember] {
        var found: [String: (address: IPAddress?, address6: IPAddress?)] = [:]
        for host in network.all("dns/host") {
            guard let address = host.attributes["ip"].flatMap(IPAddress.init),
                let name = host.first("hostname")?.text.trimmed(), !name.isEmpty
            else { continue }
            if address.isIPv4 {
                found[name, default: (nil, nil)].address = address
            } else {
                found[name, default: (nil, nil)].address6 = address
            }
        }
        let reserved = network.all("ip/dhcp/host")
        return found.compactMap { name, addresses -> NetworkMember? in
            guard let address = addresses.address else { return nil }
            let mac = reserved.first { $0.attributes["ip"] == "\(address)" }?.attributes["mac"]
            return NetworkMember(
                name: name, address: address, address6: addresses.address6, macAddress: mac?.lowercased())
        }
        .sorted { $0.address < $1.address }
    }
}
