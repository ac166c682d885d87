import Basics
import Glibc
import HostFiles
import Hypervisors

/// The machines that a script has made from here. A script is known by its real path and this host's name: one that was
/// moved has made none. The journals of the state folder say where to look; whose a machine is its own record says.
public struct ScriptMachines: Sendable {
    /// A machine by its name and its host.
    public struct Place: Sendable, Hashable {
        public var name: String
        public var uri: String

        public init(name: String, uri: String) {
            self.name = name
            self.uri = uri
        }
    }

    private let script: String
    private let state: StateFolder

    /// - Parameter script: its real path.
    public init(of script: String, in state: StateFolder) {
        self.script = script
        self.state = state
    }

    /// The machines whose journals name the script, in the order of their names, but for some that are known.
    public func places(besides known: Set<Place> = []) -> [Place] {
        let hosts = Set(known.map(\.uri)).filter { HypervisorURI($0).isLocal }
        let here = Set(known.filter { hosts.contains($0.uri) }.map(\.name))
        var places: [Place] = []
        for folder in (try? namesInFolder(state.machines)) ?? [] where !folder.hasPrefix(".") {
            // Of ten thousand machines that are known none is read.
            guard !here.contains(folder),
                let journal = MachineJournal.read(in: "\(state.machines)/\(folder)"),
                journal.isFinished, let record = journal.record, record.isMade(by: script),
                // What a run throws away is no machine that stays.
                record.run == nil
            else { continue }
            let place = Place(name: journal.machine, uri: journal.uri)
            if !known.contains(place) { places.append(place) }
        }
        return places.sorted { comesBefore($0.name, $1.name) }
    }

    /// Whether a machine is one that the script has made, as its domain's record says, or what was kept of it where
    /// its domain is gone.
    public func made(_ machine: Machine) throws(Failure) -> Bool {
        try machine.lastRecord()?.isMade(by: script) == true
    }

    /// Whether a script is known to be no more: one that only cannot be seen may be there.
    private static func isGone(_ script: String) -> Bool {
        var status = stat()
        return lstat(script, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    /// Looks whether the script may remove a machine that it names: it has made it, or nobody can say any more who has.
    ///
    /// - Returns: `false` where there is none.
    /// - Throws: `Failure` with code `not_ours` for one that another script has made that is still there.
    public func mayRemove(_ machine: Machine) throws(Failure) -> Bool {
        guard let record = try machine.lastRecord() else {
            if try machine.hypervisor.domain(machine.name) != nil { throw machine.notOurs }
            return fileExists(machine.folder)
        }
        if record.isMade(by: script) { return true }
        let isOwn = record.owner == MachineRecord.currentOwner()
        if isOwn, record.script.map(Self.isGone) ?? true { return true }
        let maker = [record.script, isOwn ? nil : record.owner].compactMap(\.self).joined(separator: " of ")
        throw Failure(
            .notOurs, "vm \(machine.name) was made by \(maker), and is left",
            hint: "limiq rm \(machine.name) removes it", resource: machine.name)
    }
}

extension MachineRecord {
    /// Whether the machine was made from this host, whoever it was.
    var isMadeHere: Bool { Self.isOfThisHost(owner) }

    fileprivate static func isOfThisHost(_ owner: String) -> Bool { host(owner) == host(currentOwner()) }

    /// Whether a script of this host made the machine or changed it last.
    func isMade(by script: String) -> Bool { self.script == script && isMadeHere }

    private static func host(_ owner: String) -> Substring? {
        owner.lastIndex(of: "@").map { owner[owner.index(after: $0)...] }
    }
}

extension VirtualNetwork {
    /// The networks that a script of this host has made or changed last, by name.
    ///
    /// - Parameter script: its real path.
    public static func made(
        by script: String, on hypervisor: any Hypervisor, state: StateFolder
    ) throws(Failure) -> [VirtualNetwork] {
        var made: [VirtualNetwork] = []
        for name in try hypervisor.networks?.networkNames() ?? [] {
            let network = VirtualNetwork(name, on: hypervisor, state: state)
            guard let record = try network.known()?.record, record.script == script,
                MachineRecord.isOfThisHost(record.owner)
            else { continue }
            made.append(network)
        }
        return made
    }
}
