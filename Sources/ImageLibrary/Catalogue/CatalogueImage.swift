import Basics

/// An image its publisher offers, as a catalogue describes it.
public struct CatalogueImage: Sendable, Equatable {
    /// The form of a publisher's list of checksums.
    public enum Form: String, Sendable, CaseIterable {
        /// The lines of sha256sum(1), or of its `--tag`.
        case list
        /// The digest alone.
        case digest
        /// The JSON of a stream of Fedora CoreOS, which has the image's address too.
        /// Source: https://github.com/coreos/fedora-coreos-tracker/blob/main/metadata/stream/rationale.yaml
        case coreos
        /// The JSON of a template of Oracle Linux, which has the image's address too.
        case oracle

        /// Whether the list says where the image is.
        var hasAddress: Bool { self == .coreos || self == .oracle }
    }

    /// The family of the guest, by which recipes choose packages and services.
    public enum Family: String, Sendable, CaseIterable {
        case debian, fedora, rhel, amazon, suse, alpine, arch, freebsd, coreos, flatcar
    }

    /// The kind of a guest's first configuration.
    public enum Seed: String, Sendable, CaseIterable {
        case cloudInit = "cloud-init"
        case ignition
    }

    public var name: String
    /// Other names for it.
    public var aliases: [String] = []
    /// The address of the image; `nil` where its list has it. One `*` in the file's name is for the newest version.
    public var url: String?
    /// The address of the publisher's list of checksums.
    public var checksums: String
    public var form = Form.list
    public var digest: ImageDigest
    /// The guest's architecture as QEMU names it.
    public var architecture = "x86_64"
    public var family = Family.debian
    /// The user who may log in where the seed makes none.
    public var user: String
    public var seed = Seed.cloudInit
    /// The release of cloud-init that it has; `nil` where that is not known.
    public var cloudInit: CloudInitRelease?
    /// The last day of the publisher's updates; `nil` where it is not known.
    public var endOfLife: Day?
    /// Who else has this address and this form.
    public var sources: [String] = []

    public init(
        name: String, url: String?, checksums: String, digest: ImageDigest = .sha256, user: String = "root"
    ) {
        self.name = name
        self.url = url
        self.checksums = checksums
        self.digest = digest
        self.user = user
    }

    /// The complaint about an image that gets no updates any more; `nil` where it does.
    ///
    /// - Parameter today: the day it is.
    public func complaint(_ today: Day = .today) -> String? {
        guard let endOfLife, endOfLife < today else { return nil }
        return "its publisher gives no updates since \(endOfLife)"
    }
}
