import Basics
import Hypervisors

/// The ways in which a simulated guest is seen and spoken to.
extension SimulatedHypervisor {
    package func monitor(_ name: String, _ command: String) throws(Failure) -> String {
        if let answer = behaviour.withLock({ $0.monitor(command) }) { return answer }
        let words = command.split(separator: " ").map(String.init)
        return try change(name, command) { (state) throws(Failure) in
            if words.first == "hostfwd_add" {
                // tcp:127.0.0.1:8080-:80
                let parts = words[2].split(whereSeparator: { ":-".contains($0) })
                state.domains[name]?.network = words[1]
                state.domains[name]?.forwards.append(
                    "  \(parts[0].uppercased())[HOST_FORWARD]  18  \(parts[1]) \(parts[2])  10.0.2.15  \(parts[3])  0  0"
                )
                return ""
            }
            if words.first == "hostfwd_remove" {
                let port = words[2].split(separator: ":").last.map(String.init) ?? ""
                state.domains[name]?.forwards.removeAll { $0.contains(" \(port) ") }
                return ""
            }
            return "Hub -1 (\(state.domains[name]?.network ?? "")):\n"
                + (state.domains[name]?.forwards ?? []).joined(separator: "\n")
        }
    }

    package func qmp(_ name: String, _ command: String) throws(Failure) -> String {
        behaviour.withLock { $0.qmp(command) }
    }

    package func agent(_ name: String, _ command: String, timeout: Duration) throws(Failure) -> String {
        try requireThere()
        if let reply = try guest(name)?.agent(command) { return reply }
        if let reply = behaviour.withLock({ $0.agent(command) }) { return reply }
        throw behaviour.withLock(\.agentFails)()
    }

    package func addresses(_ name: String, from source: AddressSource) throws(Failure) -> [InterfaceAddresses]
    {
        try requireThere()
        guard let guest = guest(name) else { return behaviour.withLock { $0.addresses(source) } }
        guard source == .agent, guest.hasAgent else { return [] }
        return guest.interfaces.enumerated().compactMap { number, nic in
            let address =
                nic.network.map { simulatedNetworks.lease($0, of: nic.macAddress)?.address } ?? "10.0.2.15"
            return address.map {
                InterfaceAddresses(interface: "eth\(number)", macAddress: nic.macAddress, addresses: [$0])
            }
        }
    }

    package func leases(_ name: String) throws(Failure) -> [AddressLease] {
        try requireThere()
        guard let guest = guest(name) else { return behaviour.withLock(\.leases) }
        guard guest.hasBooted else { return [] }
        return guest.interfaces.compactMap { nic in
            nic.network.flatMap { simulatedNetworks.lease($0, of: nic.macAddress) }
        }
    }

    package func onEvent(
        of name: String, _ handler: @escaping @Sendable (DomainEvent) -> Void
    ) throws(Failure) -> any EventSubscription {
        try requireThere()
        let id = shared.withLock { state in
            state.next += 1
            state.handlers[state.next] = (name, handler)
            return state.next
        }
        return Subscription { [weak self] in self?.shared.withLock { $0.handlers[id] = nil } }
    }

    package func work(_ name: String) throws(Failure) -> GuestWork {
        guest(name)?.work ?? behaviour.withLock(\.work)()
    }

    package func screenshot(_ name: String) throws(Failure) -> [UInt8] {
        throw Failure(.libvirt, "no screen")
    }

    package func openConsole(_ name: String) throws(Failure) -> any ConsoleStream {
        throw Failure(.libvirt, "no console")
    }
}
