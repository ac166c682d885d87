import Basics
import Hypervisors
import MachineSpec
import Synchronization

extension VMSpec {
    /// Makes sure that no two nics have one address, given or made.
    func checkAddresses() throws(Failure) {
        var seen: [String: String] = [:]
        for index in nics.indices {
            let path = "nics[\(index + 1)]"
            guard let address = macAddress(ofNIC: index), let other = seen.updateValue(path, forKey: address)
            else { continue }
            throw Failure(
                .badField, "\(path).mac_address \(address) is that of \(other) already",
                hint: "leave it out to have one made")
        }
    }

    /// - Parameter isUser: whether the nic is on user networking.
    static func checkMAC(_ address: String, _ path: String, isUser: Bool) throws(Failure) {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { part in
            part.utf8.count == 2 && part.allSatisfy(\.isHexDigit) ? UInt8(part, radix: 16) : nil
        }
        guard parts.count == 6, bytes.count == 6 else {
            throw Failure(
                .badField, "\(path) \"\(address)\" is not a MAC address",
                hint: "such as \"52:54:00:12:34:56\"")
        }
        func refuse(_ what: String) -> Failure {
            Failure(
                .badField, "\(path) \"\(address)\" is \(what)",
                hint: "leave it out to have one made, or begin it with 52:54:00")
        }
        if bytes.allSatisfy({ $0 == 0 }) { throw refuse("no address: it is all zeros") }
        if bytes.allSatisfy({ $0 == 0xFF }) {
            throw refuse("the broadcast address, which no nic may have")
        }
        if bytes[0] & 1 == 1 { throw refuse("a multicast address, which no nic may have") }
        // libvirt gives the host's end of the nic the address with this first byte.
        if bytes[0] == 0xFE, !isUser {
            throw refuse("of the host's: those that begin with fe are libvirt's own")
        }
    }

    /// The addresses of the nics that others can see, each with its field's path and the network or bridge it is on.
    fileprivate var ownAddresses: [(path: String, address: String, segment: DomainUses.Segment)] {
        nics.indices.compactMap { index in
            let nic = nics[index]
            let segment =
                (nic.network?.name).map(DomainUses.Segment.network)
                ?? nic.bridge.map(DomainUses.Segment.bridge)
            guard let segment, let address = macAddress(ofNIC: index) else { return nil }
            return ("nics[\(index + 1)]", address, segment)
        }
    }
}

extension Machine {
    /// Makes sure that no other domain has an address of the spec's on the same network: two nics of one MAC address
    /// take each other's packets there, and are lent one address by DHCP.
    ///
    /// - Throws: `Failure` with code `in_use` that names the other.
    func requireFreeAddresses(_ spec: VMSpec) throws(Failure) {
        let own = spec.ownAddresses
        guard !own.isEmpty else { return }
        let uses = try hypervisor.uses()
        for (path, address, segment) in own {
            let nic = DomainUses.NIC(macAddress: address, segment: segment)
            let others = (uses.namesByAddress[address] ?? []).filter { other in
                other != name && !gone.contains(other) && uses.domains[other]?.nics.contains(nic) == true
            }
            if let other = others.min() { throw taken(path, address, segment, by: other) }
        }
    }

    /// Holds the addresses of a machine while it is made, for those that are made at the same time.
    func holdAddresses<Result>(
        of spec: VMSpec, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let own = spec.ownAddresses
        func key(_ address: String, _ segment: DomainUses.Segment) -> String {
            "\(hypervisor.uri) \(segment) \(address)"
        }
        try addressesBeingMade.withLock { held throws(Failure) in
            for (path, address, segment) in own {
                guard let other = held[key(address, segment)], other != name else { continue }
                throw taken(path, address, segment, by: other)
            }
            for nic in own { held[key(nic.address, nic.segment)] = name }
        }
        defer {
            addressesBeingMade.withLock { held in
                for nic in own { held[key(nic.address, nic.segment)] = nil }
            }
        }
        return try body()
    }

    private func taken(
        _ path: String, _ address: String, _ segment: DomainUses.Segment, by other: String
    ) -> Failure {
        let place =
            switch segment {
            case .network(let network): "network \(network)"
            case .bridge(let bridge): "bridge \(bridge)"
            }
        return Failure(
            .inUse, "\(path).mac_address \(address) of vm \(name) is that of \(other) on \(place) already",
            hint: "give one of the two another address; left out, one is made of the VM's name",
            resource: name)
    }
}

/// The names of the machines that this process is making, by host, network and address.
private let addressesBeingMade = Mutex<[String: String]>([:])
