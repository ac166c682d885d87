import Basics
import HostFiles
import Hypervisors
import Provisioning
import Steps
import Synchronization

/// The hosts of a run, opened at the first use and kept.
final class Hosts: Sendable {
    /// `--connect`.
    let connect: String?
    private let state: StateFolder
    private let world: TestWorld?
    private let listener = Mutex<(@Sendable (Progress) -> Void)?>(nil)
    private let opened = Mutex<[String: any Hypervisor]>([:])

    /// - Parameters:
    ///   - connect: `--connect`: the run's own host, instead of the default choice.
    ///   - world: the simulated hosts of a spec, in the place of all others.
    init(connect: String?, state: StateFolder, world: TestWorld? = nil) {
        self.connect = connect
        self.state = state
        self.world = world
    }

    /// The host the run works on where a script names none, and why it is that one.
    func choice() -> HypervisorChoice {
        HypervisorChoice(explicit: connect, state: state)
    }

    /// Has `listener` told of what hosts have to do before they can be worked on.
    func tell(_ listener: @escaping @Sendable (Progress) -> Void) {
        self.listener.withLock { $0 = listener }
    }

    /// - Parameter uri: `nil` for the run's own.
    func hypervisor(_ uri: String?) throws(Failure) -> any Hypervisor {
        if let simulated = try world?.host(uri) { return simulated }
        let address = uri ?? choice().uri
        let known = opened.withLock { $0[address] }
        if let known { return known }
        guard !LibvirtHypervisor.isEmbedded(address) else {
            throw Failure(
                .hostNotAble, "limiq has no driver of libvirt's in itself any more: \(address)",
                hint: "root has libvirt's daemons without it: leave --connect and LIMIQ_URI out",
                resource: address)
        }
        let host = LibvirtHypervisor(uri: address, daemons: PrivateDaemons.takingOver(state)) { [weak self] in
            self?.listener.withLock(\.self)?($0)
        }
        // Two tasks may have opened it at once: the first stays, so that a host has one pool of connections.
        return opened.withLock { opened in
            if let first = opened[address] { return first }
            opened[address] = host
            return host
        }
    }
}
