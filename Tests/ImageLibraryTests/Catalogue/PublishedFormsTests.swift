import Basics
import Foundation
import HostFiles
import ImageLibrary
import Support
import Testing

/// A publisher of our own that imitates the forms in which others tell of their images.
@Suite struct `The list of a publisher` {
    /// Resolves an image whose publisher has this list.
    ///
    /// - Parameters:
    ///   - list: shell that prints the list, run beside the image `disk.qcow2`.
    ///   - change: the entry of the catalogue, when it is not the usual one.
    private func resolve(
        _ list: String, digest: ImageDigest = .sha256,
        _ change: @escaping @Sendable (inout CatalogueImage) -> Void = { _ in }
    ) async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.write("publisher/files/latest/other.qcow2", Data("other".utf8))
            try fixture.publishChecksums("(\(list))")
            let folder = fixture.publisher.url + "/latest"
            var image = CatalogueImage(
                name: "disk", url: folder + "/disk.qcow2", checksums: folder + "/SUMS", digest: digest)
            change(&image)
            let library = ImageLibrary(
                state: fixture.state, builders: fixture.scratch.path("builders"),
                catalogue: CatalogueFiles([image]))
            let path = try fixture.resolve("disk", in: library)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == fixture.image)
        }
    }

    private static let signed = """
        echo '-----BEGIN PGP SIGNED MESSAGE-----'; echo 'Hash: SHA256'; echo; echo '# disk.qcow2: 4194304 bytes'; \
        sha256sum --tag other.qcow2 disk.qcow2; echo '-----BEGIN PGP SIGNATURE-----'; echo; \
        echo iQIzBAEBCAAdFiEExufwgc; echo '-----END PGP SIGNATURE-----'
        """

    @Test(arguments: [
        // Fedora's, signed in the clear; CentOS' and Rocky's without the signature.
        signed,
        // Ubuntu's.
        "sha256sum --binary other.qcow2 disk.qcow2",
        // openSUSE's older ones: one space.
        "sha256sum disk.qcow2 | tr -s ' '",
        // OpenSSL's two.
        "openssl dgst -sha256 other.qcow2 disk.qcow2",
        "sha256sum --tag disk.qcow2 | sed 's/SHA256 (/SHA2-256(/; s/) = /)= /'",
        // From a folder above.
        "cd .. && sha256sum latest/other.qcow2 latest/disk.qcow2",
        "cd .. && sha256sum --binary ./latest/disk.qcow2",
        "cd .. && sha256sum --tag latest/disk.qcow2",
        // From other systems' editors.
        "sha256sum other.qcow2 disk.qcow2 | sed 's/$/\\r/'",
        "printf '\\357\\273\\277'; sha256sum disk.qcow2",
        "printf '\\357\\273\\277'; sha256sum --tag disk.qcow2 | sed 's/$/\\r/'",
        "sha256sum disk.qcow2 | sed 's/^[^ ]*/\\U&/'",
        "printf '\\t'; sha256sum disk.qcow2 | tr ' ' '\\t'",
        // More kinds of digests than one, in one list.
        "md5sum disk.qcow2; sha512sum disk.qcow2; sha1sum disk.qcow2; sha256sum disk.qcow2",
        "md5sum --tag disk.qcow2; sha512sum --tag disk.qcow2; sha256sum --tag disk.qcow2",
    ])
    func `is read in every form that publishers have`(_ list: String) async throws {
        try await resolve(list)
    }

    @Test(arguments: [
        // Flatcar's: sections, of which two have digests of one length.
        """
        echo '# MD5 HASH'; md5sum disk.qcow2; echo '# BLAKE2B HASH'; b2sum disk.qcow2; echo '# SHA512 HASH'; \
        sha512sum disk.qcow2
        """,
        "sha512sum --tag disk.qcow2; b2sum --tag disk.qcow2",
    ])
    func `tells digests of one length apart by what it says of them`(_ list: String) async throws {
        try await resolve(list, digest: .sha512)
    }

    @Test func `may be the digest alone, as Alpine's`() async throws {
        try await resolve("sha512sum disk.qcow2 | cut -d ' ' -f 1", digest: .sha512) { $0.form = .digest }
        let failure = await #expect(throws: Failure.self) {
            try await resolve("sha512sum disk.qcow2 | cut -d ' ' -f 1", digest: .sha512)
        }
        #expect(failure?.code == .notFound, "a list has names")
    }

    @Test func `has the newest of several versions, as Amazon's`() async throws {
        try await resolve(
            """
            cp disk.qcow2 linux-2023.10-x86_64.qcow2; cp other.qcow2 linux-2023.9-x86_64.qcow2; \
            cp other.qcow2 linux-2023.11-arm64.qcow2; sha256sum linux-*.qcow2
            """
        ) { $0.url = $0.url?.replacing("disk.qcow2", with: "linux-*-x86_64.qcow2") }
    }

    @Test(arguments: [
        ("disk.qcow2.xz", "sha256sum disk.qcow2.xz"),
        // The file's own line counts more.
        ("disk.qcow2.xz", "sha256sum disk.qcow2.xz; sha256sum other.qcow2 | sed 's/other/disk/'"),
        // A list of what is in it.
        ("disk.qcow2.xz", "sha256sum disk.qcow2"), ("disk-*.qcow2.xz", "sha256sum disk-1.qcow2"),
        ("disk-*.qcow2.xz", "sha256sum disk-1.qcow2.xz"),
    ])
    func `is of compressed images too, as FreeBSD's`(_ file: String, _ list: String) async throws {
        let pack = "xz -k disk.qcow2; cp disk.qcow2 disk-1.qcow2; cp disk.qcow2.xz disk-1.qcow2.xz"
        try await resolve("\(pack); \(list)") { $0.url = $0.url?.replacing("disk.qcow2", with: file) }
    }

    @Test func `may be a stream's JSON, as Fedora CoreOS'`() async throws {
        let list = """
            cat > /dev/null <<END
            END
            cat <<END
            {"stream": "stable", "architectures": {"x86_64": {"artifacts": {
              "metal": {"formats": {"raw.xz": {"disk": {"location": "https://none.example/a", "sha256": "00"}}}},
              "qemu": {"release": "44.1", "formats": {"qcow2.xz": {"disk": {
                "location": "PUBLISHER/disk.qcow2.xz", "signature": "PUBLISHER/disk.qcow2.xz.sig",
                "sha256": "$(xz -k disk.qcow2; sha256sum disk.qcow2.xz | cut -d ' ' -f 1)",
                "uncompressed-sha256": "$(sha256sum disk.qcow2 | cut -d ' ' -f 1)"}}}}}}}}
            END
            """
        try await resolveDocument(list, .coreos)
    }

    @Test func `may be a template's JSON, as Oracle Linux'`() async throws {
        let list = """
            cat <<END
            {"base_url": "/latest", "kvm": {"image": "disk.qcow2",
              "sha256": "$(sha256sum disk.qcow2 | cut -d ' ' -f 1)"}, "vbox": {"image": "a.ova", "sha256": "00"}}
            END
            """
        try await resolveDocument(list, .oracle)
    }

    private func resolveDocument(_ list: String, _ form: CatalogueImage.Form) async throws {
        try await ImageFixture.with { fixture in
            let folder = fixture.publisher.url + "/latest"
            try fixture.publishChecksums("{ \(list.replacing("PUBLISHER", with: folder))\n}")
            var image = CatalogueImage(name: "disk", url: nil, checksums: folder + "/SUMS")
            image.form = form
            let library = { (image: CatalogueImage) in
                ImageLibrary(
                    state: fixture.state, builders: fixture.scratch.path("builders"),
                    catalogue: CatalogueFiles([image]))
            }
            let path = try fixture.resolve("disk", in: library(image))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == fixture.image)

            image.name = "other"
            image.architecture = "s390x"
            if form == .oracle { try fixture.publishChecksums("echo '{\"base_url\": \"/latest\"}'") }
            let failure = try #require(throws: Failure.self) {
                try fixture.resolve("other", in: library(image))
            }
            #expect(failure.code == .notFound)
            #expect(failure.message.hasSuffix("has no checksum of an image for s390x"), "\(failure)")
        }
    }

    @Test(arguments: [
        "sha256sum other.qcow2",
        // Another file whose name ends the same.
        "sha256sum disk.qcow2 | sed 's/disk/mydisk/'",
        "sha256sum --tag disk.qcow2 | sed 's/SHA256/SHA3-256/'",
        // Two folders have another file of the name each.
        "sha256sum disk.qcow2 other.qcow2 | sed 's/ other/ b\\/disk/; s/ disk/ a\\/disk/'",
        "sha256sum disk.qcow2 | cut -c 2-", "echo '{'", "printf '\\000\\377(=)()='", "true",
    ])
    func `without the file's own line leaves the image where it is`(_ list: String) async throws {
        let failure = await #expect(throws: Failure.self) { try await resolve(list) }
        #expect(failure?.code == .notFound, "\(String(describing: failure))")
        #expect(failure?.message.hasSuffix("/latest/SUMS has no checksum of disk.qcow2") == true)
    }
}
