/// An image its publisher offers.
public struct CatalogueImage: Sendable, Equatable {
    public enum Digest: Sendable { case sha256, sha512 }

    public var name: String
    public var url: String
    /// The publisher's list of checksums, one `DIGEST  FILE` a line.
    public var checksums: String
    public var digest: Digest

    public init(name: String, url: String, checksums: String, digest: Digest) {
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
    CatalogueImage(
        name: "debian-12",
        url: "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2",
        checksums: "https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS", digest: .sha512),
    CatalogueImage(
        name: "almalinux-9",
        url: "https://repo.almalinux.org/almalinux/9/cloud/x86_64/images/AlmaLinux-9-GenericCloud-latest.x86_64.qcow2",
        checksums: "https://repo.almalinux.org/almalinux/9/cloud/x86_64/images/CHECKSUM", digest: .sha256),
]

private func ubuntu(_ version: String, _ codename: String) -> CatalogueImage {
    let folder = "https://cloud-images.ubuntu.com/\(codename)/current"
    return CatalogueImage(
        name: "ubuntu-\(version)", url: "\(folder)/\(codename)-server-cloudimg-amd64.img",
        checksums: "\(folder)/SHA256SUMS", digest: .sha256)
}
