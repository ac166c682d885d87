import Basics
import DiskImages
import Glibc
import HostFiles

extension ImageLibrary {
    /// Removes an image's file. One that a machine's disk is an overlay on stays, and one that QEMU has open: a disk
    /// elsewhere may stand on it.
    ///
    /// - Parameter relation: what stands on images.
    /// - Throws: `Failure` with code `not_found` or `in_use`.
    public func remove(_ name: String, unless relation: StandsOn) throws(Failure) {
        let path = try removable(name, unless: relation)
        guard unlink(path) == 0 else { throw Failure.system(errno, "cannot remove \(path)", resource: path) }
        ImageDigests(state: state).forget(path)
        if let image = Self.name(ofFile: lastComponent(path)) { BakedImages(state: state).forget(image) }
        ImageOrigins(state: state).forget(path)
    }

    /// The file that `remove` would take away.
    ///
    /// - Throws: as `remove`, where it would not.
    public func removable(_ name: String, unless relation: StandsOn) throws(Failure) -> String {
        guard let path = local(name) else {
            throw Failure(
                .notFound, "there is no image \(name) here",
                hint: nearestName(to: name, in: ((try? list()) ?? []).filter { $0.path != nil }.map(\.name))
                    .map { "did you mean \($0)?" }, resource: name)
        }
        try relation.requireNothing(on: [path], "the image \(name)", .remove)
        // What cannot be read nobody can tell of.
        if let file = try? ReadableFile(path), DiskLock.isUsed(file) {
            throw Failure(
                .inUse, "the image \(name) is in use: a running VM or a program has it open",
                hint: "end what uses it first: fuser \(path)", resource: name)
        }
        return path
    }

    /// - Throws: `Failure` where no image can get this name.
    public func requireFree(_ name: String) throws(Failure) {
        guard isImageName(name) else {
            throw Failure(
                .badField, "\"\(name)\" cannot be an image's name",
                hint: "a name has no slash, begins with no dot and is at most 200 bytes long: my-image")
        }
        if let path = local(name) { throw taken(name, path) }
    }

    /// The failure of a name that an image has already.
    public func taken(_ name: String, _ path: String) -> Failure {
        Failure(
            .imageExists, "there is an image \(name) already",
            hint: "remove \(path) first, or choose another name",
            resource: name)
    }
}
