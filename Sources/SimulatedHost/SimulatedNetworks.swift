import Basics
import Hypervisors
import Synchronization
import XML

/// Networks in memory. They parse the XML they are given, as libvirt would, and refuse what it refuses.
package final class SimulatedNetworks: HostNetworks {
    package struct Network: Sendable {
        var node: XMLNode
        var isActive = false
    }

    package let runsNetworks: Bool
    private let content: Mutex<[String: Network]>
    private let lent = Mutex<[AddressLease]>([])

    package init(runsNetworks: Bool = true, _ names: [String] = []) {
        self.runsNetworks = runsNetworks
        content = Mutex(
            Dictionary(
                uniqueKeysWithValues: names.map { name in
                    let children = [
                        XMLNode(name: "name", text: name), XMLNode(name: "uuid", text: "0-\(name)"),
                    ]
                    return (
                        name, Network(node: XMLNode(name: "network", children: children), isActive: false)
                    )
                }))
    }

    /// The lease of a nic: the address that is kept for it, else one that nobody has.
    ///
    /// - Returns: `nil` where the network does not run.
    func lease(_ name: String, of macAddress: String) -> AddressLease? {
        guard let network = content.withLock({ $0[name] }), network.isActive else { return nil }
        let ip = network.node.first("ip")
        let kept = ip?.all("dhcp/host").first { $0.attributes["mac"]?.lowercased() == macAddress }
        if let address = kept?.attributes["ip"] {
            return AddressLease(macAddress: macAddress, address: address, expires: nil)
        }
        let net = (ip?.attributes["address"] ?? "192.168.122.1").split(separator: ".").prefix(3).joined(
            separator: ".")
        return lent.withLock { lent in
            if let lease = lent.first(where: { $0.macAddress == macAddress }) { return lease }
            let lease = AddressLease(
                macAddress: macAddress, address: "\(net).\(100 + lent.count % 150)", expires: nil)
            lent.append(lease)
            return lease
        }
    }

    /// The addresses the DHCP servers have lent.
    package var leases: [AddressLease] {
        get { lent.withLock(\.self) }
        set { lent.withLock { $0 = newValue } }
    }

    package func networkNames() throws(Failure) -> [String] { content.withLock { $0.keys.sorted() } }

    package func network(_ name: String) throws(Failure) -> NetworkSummary? {
        content.withLock { $0[name] }.map {
            NetworkSummary(name: name, isActive: $0.isActive, xml: XMLElement($0.node).xml)
        }
    }

    package func defineNetwork(_ xml: String, autostart: Bool) throws(Failure) {
        let node = try XMLReader.parse(xml)
        let name = node.first("name")?.text ?? ""
        content.withLock { $0[name] = Network(node: node, isActive: $0[name]?.isActive ?? false) }
    }

    package func startNetwork(_ name: String) throws(Failure) {
        try change(name) { network throws(Failure) in network.isActive = true }
    }

    package func stopNetwork(_ name: String) throws(Failure) {
        try change(name) { network throws(Failure) in network.isActive = false }
    }

    package func undefineNetwork(_ name: String) throws(Failure) { content.withLock { $0[name] = nil } }

    package func updateNetwork(_ name: String, _ change: NetworkChange) throws(Failure) {
        try self.change(name) { network throws(Failure) in
            switch change {
            case .name(let xml, let adding):
                try Self.edit(&network.node, ["dns"], try XMLReader.parse(xml), adding)
            case .reservation(let xml, let adding):
                try Self.edit(&network.node, ["ip", "dhcp"], try XMLReader.parse(xml), adding)
            }
        }
    }

    package func leases(ofNetwork name: String) throws(Failure) -> [AddressLease] { leases }

    private func change(
        _ name: String, _ body: (inout Network) throws(Failure) -> Void
    ) throws(Failure) {
        try content.withLock { content throws(Failure) in
            guard var network = content[name] else { throw Failure(.libvirt, "no network \(name)") }
            try body(&network)
            content[name] = network
        }
    }

    /// Adds or removes an element below a path, and refuses one that is there, or is not.
    private static func edit(
        _ node: inout XMLNode, _ path: ArraySlice<String>, _ element: XMLNode, _ adding: Bool
    ) throws(Failure) {
        guard let step = path.first else {
            let same = node.children.firstIndex {
                $0.attributes["ip"] == element.attributes["ip"] && $0.name == "host"
            }
            guard (same == nil) == adding else {
                throw Failure(.libvirt, "\(element.attributes) is \(adding ? "" : "not ")there")
            }
            if let same { node.children.remove(at: same) } else { node.children.append(element) }
            return
        }
        if !node.children.contains(where: { $0.name == step }) { node.children.append(XMLNode(name: step)) }
        guard let index = node.children.firstIndex(where: { $0.name == step }) else { return }
        try edit(&node.children[index], path.dropFirst(), element, adding)
    }
}
