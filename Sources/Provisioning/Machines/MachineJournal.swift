import Basics
import FoundationEssentials
import Glibc

/// What limiq is about to make for a VM, on disk before it is made: after `kill -9` the next run, `rm` and `gc` find
/// here what the domain's metadata, written later, cannot tell.
public struct MachineJournal: Sendable, Equatable, Codable {
    public var machine: String
    /// The hypervisor it is made on.
    public var uri: String
    public var files: [String]
    /// On a host that is another machine.
    public var volumes: [HostVolume]?

    /// `nil` where there is none or it cannot be read.
    public static func read(_ path: String) -> MachineJournal? {
        readBytes(path).flatMap { try? JSONDecoder().decode(Self.self, from: Data($0)) }
    }

    /// The journal a VM's folder has where there is no domain; `nil` where there is no folder, or nothing in it.
    ///
    /// - Throws: `Failure` with code `folder_taken` where it holds something else.
    static func leftover(of machine: Machine) throws(Failure) -> MachineJournal? {
        let folder = machine.folder
        guard fileExists(folder) else { return nil }
        guard let journal = read(folder + "/made.json") else {
            if MachineLayout(VMSpec(name: machine.name), of: machine).removeEmptyFolder() { return nil }
            throw Failure(
                "folder_taken", "the folder \(folder) is there, but no VM \(machine.name) is",
                hint: "look what it holds and move it away", resource: folder)
        }
        guard journal.uri == machine.hypervisor.uri else {
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
        return folders.sorted().compactMap { read("\(state.machines)/\($0)/made.json") }
            .filter { $0.machine == name }.map(\.uri)
    }

    func write(to path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try writeBytes(try encoder.encode(self), to: path)
        } catch let failure as Failure { throw failure } catch {
            throw Failure(.io, "cannot write \(path)", cause: "\(error)")
        }
    }
}
