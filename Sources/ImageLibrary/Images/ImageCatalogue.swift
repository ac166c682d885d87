/// An image its publisher offers.
public struct CatalogueImage: Sendable, Equatable {
    public var name: String
    /// The address of a qcow2 or raw image.
    public var url: String
    /// The publisher's list of checksums, in the form of sha256sum(1) or of its `--tag`.
    public var checksums: String
    public var digest: ImageDigest

    public init(name: String, url: String, checksums: String, digest: ImageDigest) {
        self.name = name
        self.url = url
        self.checksums = checksums
        self.digest = digest
    }
}

/// The images limiq knows by name: the official addresses of their publishers.
public let imageCatalogue = [
    ubuntu("22.04", "jammy"),
    ubuntu("24.04", "noble"),
    image(
        "debian-12", "https://cloud.debian.org/images/cloud/bookworm/latest",
        "debian-12-generic-amd64.qcow2", "SHA512SUMS", .sha512),
    image(
        "almalinux-9", "https://repo.almalinux.org/almalinux/9/cloud/x86_64/images",
        "AlmaLinux-9-GenericCloud-latest.x86_64.qcow2", "CHECKSUM", .sha256),
]

private func ubuntu(_ version: String, _ codename: String) -> CatalogueImage {
    image(
        "ubuntu-\(version)", "https://cloud-images.ubuntu.com/\(codename)/current",
        "\(codename)-server-cloudimg-amd64.img", "SHA256SUMS", .sha256)
}

private func image(
    _ name: String, _ folder: String, _ file: String, _ checksums: String, _ digest: ImageDigest
) -> CatalogueImage {
    CatalogueImage(name: name, url: "\(folder)/\(file)", checksums: "\(folder)/\(checksums)", digest: digest)
}
