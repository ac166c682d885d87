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
    /// The VM was brought up, or kept on purpose. Told by the file's name, not in it.
    public var isFinished = false

    enum CodingKeys: String, CodingKey { case machine, uri, files }

    public init(machine: String, uri: String, files: [String]) {
        self.machine = machine
        self.uri = uri
        self.files = files
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let path = Self.unfinished(folder)
        do {
            try writeBytes(try encoder.encode(self), to: path)
        } catch let failure as Failure { throw failure } catch {
            throw Failure(.io, "cannot write \(path)", cause: "\(error)")
        }
        try syncFolder(folder)
        try syncFolder(Provisioning.folder(of: folder))
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
