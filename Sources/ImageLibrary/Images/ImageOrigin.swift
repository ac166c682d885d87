import Basics
import DiskImages
import FoundationEssentials
import Glibc
import HostFiles

/// What an image of the library was made of, so that the same again is known to be there.
public struct ImageOrigin: Sendable, Equatable, Codable {
    /// The address it came from, the path of the file it is a copy of, or that of the program that has built it.
    public var source: String
    /// The checksum of what came, `sha256:` or `sha512:` and hexadecimal digits, where it was known.
    public var checksum: String?
    /// The place of the list that the checksum was looked up in.
    public var checksums: String?

    public init(source: String, checksum: String? = nil, checksums: String? = nil) {
        self.source = source
        self.checksum = checksum
        self.checksums = checksums
    }
}

/// The origins of a library's images, each beside the stamp of the file it is of: one that has changed has none.
///
/// As the digests they are in files of their own: the images' folder is a person's too.
struct ImageOrigins {
    private struct Kept: Codable {
        var origin: ImageOrigin
        var stamp: ImageStamp
    }

    let state: StateFolder

    private var folder: String { state.cloudImages + "/.origins" }

    private func file(of path: String) -> String { "\(folder)/\(lastComponent(path)).json" }

    /// - Parameter path: of an image in the library.
    /// - Returns: `nil` where it is not known.
    func origin(of path: String) -> ImageOrigin? {
        guard let bytes = readBytes(file(of: path)),
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes)),
            let now = ImageStamp(file: path), kept.stamp.looksLike(now)
        else { return nil }
        return kept.origin
    }

    /// - Throws: `Failure` with code `io`.
    func remember(_ origin: ImageOrigin, of path: String) throws(Failure) {
        guard let stamp = ImageStamp(file: path) else { return }
        try makeFolders(folder)
        try writeJSON(Kept(origin: origin, stamp: stamp), to: file(of: path))
    }

    func forget(_ path: String) { unlink(file(of: path)) }
}
