import Basics
import HostFiles
import Hypervisors
import MachineSpec

/// A network of a host as `limiq network list` and `show` tell it.
public struct NetworkEntry: Sendable, Equatable {
    public var name: String
    public var isActive: Bool
    /// The ranges of its addresses: `10.77.0.0/24`.
    public var ranges: [String]
    /// What limiq made it as; `nil` for a network of somebody else.
    public var spec: NetworkSpec?
    /// The machines that have addresses on it, in the order of these.
    public var members: [NetworkMember]
    /// The names of the machines whose addresses this state folder's limiq has given them.
    public var own: Set<String> = []
    /// The domains on it, in order.
    public var users: [String]
}

extension VirtualNetwork {
    /// The network as a person or a script sees it.
    ///
    /// - Throws: `Failure` with code `not_found` where there is none of this name.
    public func entry() throws(Failure) -> NetworkEntry {
        let known = try requireKnown()
        let mark = NetworkMember.mark(state)
        var entry = NetworkEntry(
            name: name, isActive: known.isActive, ranges: known.ranges.map(\.description), spec: known.spec,
            members: known.record == nil ? [] : known.members, users: try users(known))
        entry.own = Set(entry.members.filter { $0.owner == mark }.map(\.machine))
        return entry
    }

    /// The networks of a host, by name.
    public static func all(
        on hypervisor: any Hypervisor, state: StateFolder
    ) throws(Failure) -> [NetworkEntry] {
        var entries: [NetworkEntry] = []
        for name in try hypervisor.networks?.networkNames() ?? [] {
            do throws(Failure) {
                entries.append(try VirtualNetwork(name, on: hypervisor, state: state).entry())
            } catch {
                // Gone since it was listed.
                guard error.code == .notFound else { throw error }
            }
        }
        return entries
    }
}
