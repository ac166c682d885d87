import Basics
import DiskImages
import Glibc
import HostFiles

extension ImageLibrary {
    /// The folder of the memory that belongs to an image, a warm machine's disk, by the image's file.
    package static func warmFolder(ofFile name: String, in state: StateFolder) -> String {
        BakedImages(state: state).warmFolder(of: self.name(ofFile: name) ?? name)
    }

    /// What is kept beside the images for one that is not there.
    package static func notesWithoutImage(in state: StateFolder) -> [(image: String, path: String)] {
        BakedImages(state: state).kept().filter { kept in
            !endings.contains { fileExists("\(state.cloudImages)/\(kept.image)\($0)") }
        }
    }

    /// The name of the image whose file a path is; `nil` for no file of the library.
    public func name(of path: String) -> String? {
        let folder = folder(of: path)
        let file = lastComponent(path)
        guard
            folder == state.cloudImages + "/"
                || folder == (try? resolved(state.cloudImages)).map({ $0 + "/" })
        else { return nil }
        return Self.name(ofFile: file)
    }

    /// The image's name that a file in the library's folder has; `nil` for one that does not count as an image.
    static func name(ofFile file: String) -> String? {
        endings.first(where: file.hasSuffix).map { String(file.dropLast($0.count)) }
    }

    /// The SHA-256 of an image, in hexadecimal digits; of one of the library it is remembered.
    public func digest(of path: String, _ cancellation: Cancellation) throws(Failure) -> String {
        let digests = ImageDigests(state: state)
        if let known = digests.digest(of: path) { return known }
        try? digests.remember(path, cancellation)
        return try FileDigest(of: path, cancellation).value
    }

    /// The file of a baked image; `nil` where it is not here.
    public func path(of bake: BakedImage) -> String? { local(bake.image) }

    /// Copies a machine's disk into the library as one file of its own, with nothing below it.
    ///
    /// - Parameters:
    ///   - disk: the disk, which nobody writes to. What may read the copy is its owner and QEMU.
    ///   - compressed: whether its clusters are compressed: a third of the size, and thirty times the time.
    /// - Returns: the image's path.
    /// - Throws: `Failure` with code `image_exists`, `bad_image`, `program`, `io` or `cancelled`.
    public func keep(
        _ bake: BakedImage, from disk: String, compressed: Bool, _ cancellation: Cancellation
    ) throws(Failure) -> String {
        try makeFolders(state.cloudImages)
        let part = ImageFetch.part(of: bake.image, in: state.cloudImages, "bake")
        unlink(part)
        do throws(Failure) {
            try Disk.flatten(disk, to: part, compressed: compressed, cancellation)
            try BakedImages(state: state).keep(bake)
            return try publish(part, as: bake.image, nil, isPublic: false)
        } catch {
            unlink(part)
            if local(bake.image) == nil { BakedImages(state: state).forget(bake.image) }
            throw error
        }
    }
}
