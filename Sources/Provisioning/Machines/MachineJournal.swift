import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Hypervisors

/// The list of what limiq is about to make for a machine, on disk before it is made: after `kill -9` the next run, `rm`
/// and `gc` find here what the domain's metadata, written later, cannot tell.
///
/// It is `making.json` in the machine's folder until the machine is what its `up` promised, and then `made.json`: a
/// rename, which a full disk does not refuse. A machine whose journal is still `making.json` while nobody holds its
/// lock was begun by a run that is gone.
public struct MachineJournal: Sendable, Equatable, Codable {
    public var machine: String
    /// The hypervisor the machine is made on.
    public var uri: String
    public var parts: [Part]
    /// The parts, of `parts`, that a change of a machine that is there is making: those it did not have are nobody's
    /// without the change, and those it had are not what they were.
    public var making: [Part]?
    /// The record that the domain's metadata was last made to hold: with it the machine is taken up again where its
    /// domain is gone.
    public var record: MachineRecord?
    /// Whether the machine was brought up, or kept on purpose. The file's name tells it, not its content.
    public var isFinished = false

    enum CodingKeys: String, CodingKey { case machine, uri, parts, making, record }

    public init(machine: String, uri: String, parts: [Part], record: MachineRecord? = nil) {
        self.machine = machine
        self.uri = uri
        self.parts = parts
        self.record = record
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        machine = try values.decode(String.self, forKey: .machine)
        uri = try values.decode(String.self, forKey: .uri)
        let named = try NamedParts(from: decoder)
        (parts, making) = (named.parts, named.making)
        record = try values.decodeIfPresent(MachineRecord.self, forKey: .record)
    }

    /// The journal a machine's folder has where there is no domain; `nil` where there is no folder, or nothing in it.
    ///
    /// - Throws: `Failure` with code `folder_taken` where it holds something else, `not_ours` where it is a link.
    static func leftover(of machine: Machine) throws(Failure) -> MachineJournal? {
        let path = machine.folder
        guard let folder = try OwnFolder.open(path) else { return nil }
        guard let journal = read(in: folder) else {
            if try machine.removeEmptyFolder() { return nil }
            throw Failure(
                .folderTaken, "the folder \(path) is there, but no VM \(machine.name) is",
                hint: "look what it holds and move it away", resource: path)
        }
        guard journal.uri == machine.hypervisor.uri else {
            if LibvirtHypervisor.isEmbedded(journal.uri) {
                throw Failure(
                    .folderTaken, "vm \(machine.name) was made by limiq 0.1.0, and is not taken over yet",
                    hint: EmbeddedTakeover(state: machine.state).hint(machine.name), resource: path)
            }
            throw Failure(
                .folderTaken,
                "the folder \(path) belongs to a VM \(machine.name) on \(journal.uri)",
                hint: "choose another name, or work on that VM with --connect \(journal.uri)",
                resource: path)
        }
        return journal
    }

    /// The hypervisors on which a machine of this name was made from here and not removed, whether they answer or not.
    public static func placements(of name: String, in state: StateFolder) -> [String] {
        let folders = ((try? FileManager.default.contentsOfDirectory(atPath: state.machines)) ?? [])
            .filter { $0 == name || $0.hasPrefix(name + "@") }
        return folders.sorted().compactMap { read(in: "\(state.machines)/\($0)") }
            .filter { $0.machine == name }.map(\.uri)
    }

    /// - Parameter folder: the machine's.
    /// - Returns: `nil` where there is none, it cannot be read, or it is of another folder.
    public static func read(in folder: String) -> MachineJournal? {
        guard let opened = try? OwnFolder.open(folder) else { return nil }
        return read(in: opened)
    }

    static func read(in folder: borrowing OwnFolder) -> MachineJournal? {
        for (name, isFinished) in [(unfinished, false), (finished, true)] {
            guard let bytes = folder.bytes(of: name),
                var journal = try? JSONDecoder().decode(Self.self, from: Data(bytes)),
                journal.isOf(folder: lastComponent(folder.path))
            else { continue }
            journal.isFinished = isFinished
            return journal
        }
        return nil
    }

    /// Whether a folder is this machine's: its name is the machine's, with that of its host where that is another one.
    private func isOf(folder: String) -> Bool {
        !machine.isEmpty && !machine.utf8.contains(UInt8(ascii: "/"))
            && (folder.utf8.elementsEqual(machine.utf8) || folder.utf8.starts(with: "\(machine)@".utf8))
    }

    /// Writes the journal before anything else is made. When this returns, a power failure does not lose it.
    func begin(in folder: String) throws(Failure) {
        try write(to: Self.unfinished, in: folder)
        try syncFolder(folder)
        try syncFolder(HostFiles.folder(of: folder))
    }

    /// The parts of a machine in the place of which a change was writing new ones: those are not what they were.
    func broken(of record: MachineRecord) -> [Part] { (making ?? []).filter(record.parts.contains) }

    /// Writes the journal in the place of one that a machine has. One that was finished stays so: what `gc` removed
    /// else would be the machine.
    func takePlace(of known: MachineJournal?, in folder: String) throws(Failure) {
        try write(to: known?.isFinished == false ? Self.unfinished : Self.finished, in: folder)
        try syncFolder(folder)
        if known == nil { try syncFolder(HostFiles.folder(of: folder)) }
    }

    /// Ends a change: what it was making is the machine's, and the machine is what its record says now.
    ///
    /// - Parameter record: `nil` where it stays as it is.
    static func endChange(in folder: String, _ record: MachineRecord? = nil) throws(Failure) {
        guard let known = read(in: folder) else { return }
        var journal = known
        journal.making = nil
        journal.record = record ?? known.record
        if journal != known {
            try journal.write(to: journal.isFinished ? finished : unfinished, in: folder)
        }
    }

    private func write(to name: String, in folder: String) throws(Failure) {
        try writeJSON(self, to: "\(folder)/\(name)")
    }

    /// Marks the machine as what was promised. Nothing happens where its journal says so already, or there is none.
    static func finish(in folder: String) throws(Failure) {
        // A machine that `gc` takes for unfinished after a power failure would be lost.
        try rename(unfinished, to: finished, in: folder)
    }

    /// Marks the machine as being removed: whoever is killed from here on leaves what the next run, `rm` or `gc`
    /// removes.
    static func reopen(in folder: String) throws(Failure) {
        try rename(finished, to: unfinished, in: folder)
    }

    private static func rename(_ name: String, to other: String, in path: String) throws(Failure) {
        guard let folder = try OwnFolder.open(path), folder.status(of: name) != nil else { return }
        try folder.rename(name, to: other)
        try syncFolder(path)
    }

    static func remove(in folder: borrowing OwnFolder) throws(Failure) {
        try folder.remove(unfinished)
        try folder.remove(finished)
    }

    private static let unfinished = "making.json"
    private static let finished = "made.json"
}
