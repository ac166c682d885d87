import Basics

/// The cloud-init that a guest has: what it takes is its release's to say.
public struct GuestCloudInit: Sendable, Hashable {
    public var release: CloudInitRelease
    /// The image it comes with.
    public var image: String

    public init(_ release: CloudInitRelease, image: String) {
        self.release = release
        self.image = image
    }

    /// The release as a message names it: `22.4.2, which debian-12 has`.
    var words: String { "\(release == .newest ? "the newest" : "\(release)"), which \(image) has" }
}
