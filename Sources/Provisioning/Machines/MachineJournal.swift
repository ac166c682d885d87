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

    /// `nil` where there is none or it cannot be read.
    public static func read(_ path: String) -> MachineJournal? {
        readBytes(path).flatMap { try? JSONDecoder().decode(Self.self, from: Data($0)) }
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
