import Basics
import DiskImages
import Glibc
import HostFiles

extension ImageLibrary {
    /// What becomes of an image where those are removed on which nothing stands.
    public struct Pruned: Sendable, Equatable {
        public var name: String
        public var path: String
        /// The bytes of the host's disk the file takes, and the memory of a warm machine.
        public var size: UInt64
        /// The reason why it stays, in words; `nil` for one that goes.
        public var kept: String?
    }

    /// The images that are here, with those that nothing stands on and that can be had again: limiq has put them there, from
    /// an address or a file, or by building or baking them. What a person has put there stays, as it may be the only one,
    /// and so does the copy of a machine's disk.
    ///
    /// - Parameter relation: what stands on images.
    /// - Throws: `Failure` with code `io` where the folder cannot be listed.
    public func prunable(unless relation: StandsOn) throws(Failure) -> [Pruned] {
        try list().compactMap { entry in
            guard let path = entry.path else { return nil }
            let memory = BakedImages(state: state).warmFolder(of: entry.name)
            let files = [path] + ((try? filesBelow(memory)) ?? []).map { "\(memory)/\($0)" }
            let size = files.reduce(0) { $0 + ((try? ReadableFile($1))?.allocated ?? 0) }
            return Pruned(name: entry.name, path: path, size: size, kept: reasonToKeep(entry, path, relation))
        }
    }

    private func reasonToKeep(_ entry: Entry, _ path: String, _ relation: StandsOn) -> String? {
        let isOurs = ImageOrigins(state: state).origin(of: path) != nil
        if let bake = entry.bake, bake.key.isEmpty {
            return "it is a copy of the disk of \(bake.from); limiq image rm \(entry.name) removes it"
        }
        guard isOurs || entry.bake != nil else {
            return "limiq has not put it there; limiq image rm \(entry.name) removes it"
        }
        do throws(Failure) {
            _ = try removable(entry.name, unless: relation)
            try relation.requireNoDomain(with: path, besides: [], "the image \(entry.name)")
            return nil
        } catch { return error.message }
    }
}
