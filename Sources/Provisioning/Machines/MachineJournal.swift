import Basics
import FoundationEssentials
import Glibc

/// What limiq is about to make for a VM, on disk before it is made: after `kill -9` the next run, `rm` and `gc` find
/// here what the domain's metadata, written later, cannot tell.
///
/// It is `making.json` in the VM's folder until the VM is what its `up` promised, and then `made.json`: a rename, which
/// a full disk does not refuse. A VM whose journal is still `making.json` while nobody holds its lock was begun by a run
/// that is gone.
public struct MachineJournal: Sendable, Equatable, Codable {
    public var machine: String
    /// The hypervisor it is made on.
    public var uri: String
    public var files: [String]
    /// On a host that is another machine.
    public var volumes: [HostVolume]?
    /// Those of `files` that a change is making for a VM that is there: without it they are nobody's, and made anew.
    public var making: [String]?
    /// Those of `volumes`.
    public var makingVolumes: [HostVolume]?
    /// The VM was brought up, or kept on purpose. Told by the file's name, not in it.
    public var isFinished = false

    enum CodingKeys: String, CodingKey { case machine, uri, files, volumes, making, makingVolumes }

    public init(machine: String, uri: String, files: [String], volumes: [HostVolume]? = nil) {
        self.machine = machine
        self.uri = uri
        self.files = files
        self.volumes = volumes
    }

    /// The journal a VM's folder has where there is no domain; `nil` where there is no folder, or nothing in it.
    ///
    /// - Throws: `Failure` with code `folder_taken` where it holds something else.
    static func leftover(of machine: Machine) throws(Failure) -> MachineJournal? {
        let folder = machine.folder
        guard fileExists(folder) else { return nil }
        guard let journal = read(in: folder) else {
            if MachineLayout(VMSpec(name: machine.name), of: machine).removeEmptyFolder() { return nil }
            throw Failure(
                "folder_taken", "the folder \(folder) is there, but no VM \(machine.name) is",
                hint: "look what it holds and move it away", resource: folder)
        }
        guard journal.uri == machine.hypervisor.uri else {
            if LibvirtHypervisor.isEmbedded(journal.uri) {
                throw Failure(
                    "folder_taken", "vm \(machine.name) was made by limiq 0.1.0, and is not taken over yet",
                    hint: EmbeddedTakeover(state: machine.state).hint(machine.name), resource: folder)
            }
            throw Failure(
                "folder_taken",
                "the folder \(folder) belongs to a VM \(machine.name) on \(journal.uri)",
                hint: "choose another name, or work on that VM with --connect \(journal.uri)",
                resource: folder)
        }
        return journal
    }

    /// The hypervisors on which a VM of this name was made from here and not removed, whether they answer or not.
    public static func placements(of name: String, in state: StateFolder) -> [String] {
        let folders = ((try? FileManager.default.contentsOfDirectory(atPath: state.machines)) ?? [])
            .filter { $0 == name || $0.hasPrefix(name + "@") }
        return folders.sorted().compactMap { read(in: "\(state.machines)/\($0)") }
            .filter { $0.machine == name }.map(\.uri)
    }

    /// - Parameter folder: of the VM.
    /// - Returns: `nil` where there is none or it cannot be read.
    public static func read(in folder: String) -> MachineJournal? {
        for (path, isFinished) in [(unfinished(folder), false), (finished(folder), true)] {
            guard let bytes = readBytes(path),
                var journal = try? JSONDecoder().decode(Self.self, from: Data(bytes))
            else { continue }
            journal.isFinished = isFinished
            return journal
        }
        return nil
    }

    /// Writes it before anything else is made. When this returns, a power failure does not lose it.
    func begin(in folder: String) throws(Failure) {
        try write(to: Self.unfinished(folder))
        try syncFolder(folder)
        try syncFolder(Provisioning.folder(of: folder))
    }

    /// A VM that is there gets more files, beside those that are known of.
    ///
    /// - Returns: those of them that a change was making that never came to its end.
    func amend(in folder: String) throws(Failure) -> [String] {
        var journal = self
        let known = Self.read(in: folder)
        let begun = known?.making ?? []
        journal.files += (known?.files ?? []).filter { !files.contains($0) }
        journal.making = (making ?? []) + begun.filter { making?.contains($0) != true }
        try journal.takePlace(of: known, in: folder)
        return begun
    }

    /// Volumes of a VM in the place of which a change was writing new ones: those are not whole.
    func broken(of record: MachineRecord) -> [HostVolume] {
        (makingVolumes ?? []).filter { record.volumes?.contains($0) == true }
    }

    /// Writes it in the place of one that a VM has. One that was finished stays so: what `gc` removed else would be the VM.
    func takePlace(of known: MachineJournal?, in folder: String) throws(Failure) {
        try write(to: known?.isFinished == false ? Self.unfinished(folder) : Self.finished(folder))
        try syncFolder(folder)
        if known == nil { try syncFolder(Provisioning.folder(of: folder)) }
    }

    /// What a change was making is the VM's.
    static func endChange(in folder: String) throws(Failure) {
        guard var journal = read(in: folder), journal.making != nil || journal.makingVolumes != nil else {
            return
        }
        journal.making = nil
        journal.makingVolumes = nil
        try journal.write(to: journal.isFinished ? finished(folder) : unfinished(folder))
    }

    private func write(to path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try writeBytes(try encoder.encode(self), to: path)
        } catch let failure as Failure { throw failure } catch {
            throw Failure(.io, "cannot write \(path)", cause: "\(error)")
        }
    }

    /// The VM is what was promised. Nothing happens where its journal says so already, or there is none.
    static func finish(in folder: String) throws(Failure) {
        guard rename(unfinished(folder), finished(folder)) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return }
            throw Failure.system(errno, "cannot write \(finished(folder))", resource: finished(folder))
        }
        // A VM that `gc` takes for unfinished after a power failure would be lost.
        try syncFolder(folder)
    }

    static func remove(in folder: String) {
        unlink(unfinished(folder))
        unlink(finished(folder))
    }

    private static func unfinished(_ folder: String) -> String { folder + "/making.json" }
    private static func finished(_ folder: String) -> String { folder + "/made.json" }
}
