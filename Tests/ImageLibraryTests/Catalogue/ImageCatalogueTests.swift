import Basics
import Foundation
import HostFiles
import ImageLibrary
import Support
import Testing

/// The catalogue that comes with limiq, and files of the same form.
@Suite struct `The catalogue of images` {
    private static let shippedFile = "\(repository)/stdlib/images/catalogue.yaml"

    private func shipped() throws -> ImageCatalogue {
        try CatalogueFiles(shipped: Self.shippedFile, own: nil).catalogue()
    }

    @Test func `has at least forty images, each with two sources, and what is asked for`() throws {
        let images = try shipped().images
        #expect(images.count >= 40)
        for image in images {
            #expect(Set(image.sources).count >= 2, "\(image.name)")
            #expect(!image.user.isEmpty, "\(image.name)")
        }
        let families = Set(images.map(\.family))
        #expect(families == Set(CatalogueImage.Family.allCases))
        for name in [
            "debian-11", "debian-13", "ubuntu-20.04", "ubuntu-26.04", "fedora-44", "centos-stream-10",
        ]
            + [
                "rocky-8", "almalinux-10", "oracle-9", "opensuse-leap-16.0", "opensuse-tumbleweed",
                "alpine-3.24",
            ]
            + ["arch", "amazon-2023", "fedora-coreos-stable", "flatcar-stable", "freebsd-15.1"]
        {
            #expect(images.contains { $0.name == name }, "\(name)")
        }
        #expect(images.filter { $0.seed == .ignition }.allSatisfy { $0.user == "core" })
    }

    @Test func `its file is what another reader of YAML reads`() throws {
        // PyYAML is not limiq's reader.
        let read = try run(
            "python3", "-c",
            """
            import json, sys, yaml
            print(json.dumps({k: [v.get("url"), v["checksums"], v["user"], v["family"], v.get("aliases", []),
              str(v["end_of_life"]) if "end_of_life" in v else None] for k, v in yaml.safe_load(open(sys.argv[1])).items()}))
            """, Self.shippedFile)
        try #require(read.status == 0, "\(read.errors)")
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(read.output.utf8)) as? [String: [Any]])
        let images = try shipped().images
        #expect(document.count == images.count)
        for image in images {
            let fields = try #require(document[image.name])
            #expect(fields[0] as? String == image.url)
            let list = try #require(fields[1] as? String)
            #expect(image.checksums.hasSuffix(list) && image.checksums.hasPrefix("https://"))
            #expect(fields[2] as? String == image.user)
            #expect(fields[3] as? String == image.family.rawValue)
            #expect(fields[4] as? [String] == image.aliases)
            #expect(fields[5] as? String == image.endOfLife?.description)
        }
    }

    @Test func `knows an image by its aliases, and of a distribution the newest with long support`() throws {
        let catalogue = try shipped()
        #expect(catalogue.image("debian")?.name == "debian-13")
        #expect(catalogue.image("ubuntu")?.name == "ubuntu-26.04")
        #expect(catalogue.image("fedora")?.name == "fedora-44")
        #expect(catalogue.image("debian-13")?.name == "debian-13")
        #expect(catalogue.image("debian-bookworm")?.name == "debian-12")
        #expect(catalogue.image("debain") == nil)
        #expect(Set(catalogue.names).count == catalogue.names.count)
    }

    private static let entry = """
        disk:
          url: https://example.org/images/disk.qcow2
          checksums: SUMS
          architecture: x86_64
          family: debian
          user: me

        """

    /// The images of a user's own file, before those that come with limiq.
    private func own(_ text: String) throws -> ImageCatalogue {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let file = scratch.path + "/images.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return try CatalogueFiles(shipped: Self.shippedFile, own: file).catalogue()
    }

    @Test func `a user's own file has the same form, and counts more`() throws {
        let catalogue = try own(
            Self.entry + """
                debian-12:
                  aliases: [debian, house]
                  url: http://mirror.example.org/debian-12.raw
                  checksums: http://sums.example.org/all.txt
                  form: list
                  digest: sha512
                  architecture: aarch64
                  family: debian
                  user: root
                  cloud_init: 23.4
                  end_of_life: 2030-01-01
                """)
        let disk = try #require(catalogue.image("disk"))
        #expect(disk.checksums == "https://example.org/images/SUMS")
        #expect(disk.digest == .sha256 && disk.seed == .cloudInit && disk.endOfLife == nil)
        #expect(disk.cloudInit == nil)
        let debian = try #require(catalogue.image("debian-12"))
        #expect(debian.url == "http://mirror.example.org/debian-12.raw")
        #expect(debian.checksums == "http://sums.example.org/all.txt")
        #expect(debian.architecture == "aarch64" && debian.digest == .sha512)
        #expect(debian.cloudInit == CloudInitRelease("23.4"))
        #expect(catalogue.image("ubuntu-24.04")?.cloudInit == .newest)
        #expect(catalogue.image("debian") == debian && catalogue.image("house") == debian)
        #expect(catalogue.image("debian-13")?.aliases == ["debian-trixie"])
        #expect(catalogue.image("debian-bookworm") == nil, "it was the other image's")
    }

    @Test(
        arguments: [
            ("  ulr: x\n", ":7:3: image disk: ulr is not one of its fields", "did you mean url?"),
            ("  colour: red\n", ":7:3: image disk: colour is not one of its fields", "they are aliases, url"),
            ("  form: lists\n", ":7:9: image disk: form is \"lists\"", "did you mean list?"),
            ("  digest: md5\n", ":7:11: image disk: digest is \"md5\"", "it is one of sha256, sha512"),
            ("  seed: kickstart\n", ":7:9: image disk: seed is \"kickstart\"", "it is one of"),
            (
                "  end_of_life: '2026-02-30'\n",
                ":7:16: image disk: end_of_life is \"2026-02-30\", not a day",
                nil
            ),
            (
                "  cloud_init: latest\n",
                ":7:15: image disk: cloud_init is \"latest\", not a release such as 22.4.2, nor newest", nil
            ),
            ("  cloud_init: 22\n", ":7:15: image disk: cloud_init is \"22\", not a release", nil),
            ("  cloud_init: [22.4]\n", ":7:15: image disk: cloud_init is no text", nil),
            ("  aliases: debian\n", ":7:12: image disk: aliases is no list of texts", nil),
            ("  aliases: [a/b]\n", ":7:12: \"a/b\" cannot be an image's name", nil),
            ("  aliases: [disk]\n", ":1:1: disk is the name of two images", nil),
            ("other:\n  url: https://example.org/a.img\n", ":7:1: image other: checksums is missing", nil),
            ("other: https://example.org/a.img\n", ":7:8: image other is not a map of fields", nil),
            ("\"a/b\": {}\n", ":7:1: \"a/b\" cannot be an image's name", nil),
        ] as [(String, String, String?)])
    func `a fault in it is told with file, line and column, and the nearest name`(
        _ more: String, _ message: String, _ hint: String?
    ) throws {
        let failure = try #require(throws: Failure.self) { try own(Self.entry + more) }
        #expect(failure.code == .badField)
        #expect(failure.message.contains("/images.yaml" + message), "\(failure)")
        if let hint { #expect(failure.hint?.hasPrefix(hint) == true, "\(failure)") }
    }

    @Test(arguments: [
        ("family: debian", "family: debain", "family is \"debain\""),
        ("family: debian", "", "family is missing"), ("user: me", "user:", "user is no text"),
        ("https://example.org/images/disk.qcow2", "ftp://example.org/disk", "not an address"),
        ("disk.qcow2", "a*b*.qcow2", "has one * at the most"),
        ("images/disk", "im*ges/disk", "has one * at the most"),
        ("architecture: x86_64", "architecture: x86", "is none of x86_64"),
        ("checksums: SUMS", "checksums: file:///etc/passwd", "checksums is \"file:///etc/passwd\""),
        ("checksums: SUMS", "checksums: https://example.org/s.json\n  form: coreos", "url is in the list"),
    ])
    func `a field that cannot be is refused`(_ line: String, _ other: String, _ message: String) throws {
        let failure = try #require(throws: Failure.self) {
            try own(Self.entry.replacingOccurrences(of: line, with: other))
        }
        #expect(failure.code == .badField && failure.message.contains(message), "\(failure)")
    }

    @Test func `what is no YAML, or two documents, or has a name twice, is refused; an empty file has none`()
        throws
    {
        for (text, code) in [
            ("disk: {", Failure.Code.badYAML), (Self.entry + "---\n" + Self.entry, .badField),
            (Self.entry + Self.entry, .badYAML), ("- disk\n", .badField),
        ] {
            let failure = try #require(throws: Failure.self) { try own(text) }
            #expect(failure.code == code, "\(failure)")
            #expect(failure.message.contains("images.yaml:"), "\(failure)")
        }
        let count = try shipped().images.count
        #expect(try own("# nothing yet\n").images.count == count)
    }

    @Test func `the user's own file is found as the variables say`() throws {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let home = scratch.path
        try FileManager.default.createDirectory(
            atPath: home + "/.config/limiq", withIntermediateDirectories: true)
        func own(_ variables: [String: String]) throws -> String? {
            try CatalogueFiles.own { variables[$0] }
        }
        #expect(try own(["HOME": home]) == nil)
        try Data().write(to: URL(fileURLWithPath: home + "/.config/limiq/images.yaml"))
        #expect(try own(["HOME": home]) == home + "/.config/limiq/images.yaml")
        #expect(try own(["HOME": "/none", "XDG_CONFIG_HOME": home + "/.config"]) != nil)
        #expect(try own(["HOME": home, "XDG_CONFIG_HOME": "/none"]) == nil)
        #expect(try own(["HOME": home, "LIMIQ_IMAGES": "/absent.yaml"]) == "/absent.yaml", "it is named")
        #expect(try own([:]) == nil)
        let failure = try #require(throws: Failure.self) { try own(["LIMIQ_IMAGES": "images.yaml"]) }
        #expect(failure.message == "LIMIQ_IMAGES is \"images.yaml\", not an absolute path")
        let absent = CatalogueFiles(shipped: Self.shippedFile, own: "/absent.yaml")
        #expect(throws: Failure.self) { try absent.catalogue() }
    }

    @Test func `tells of an image whose updates have ended, from the day after`() throws {
        var image = CatalogueImage(name: "old", url: nil, checksums: "")
        let last = try #require(Day("2026-11-30"))
        #expect(image.complaint(last) == nil, "nobody knows when it ends")
        image.endOfLife = last
        #expect(image.complaint(last) == nil)
        let after = try #require(Day("2026-12-01"))
        #expect(image.complaint(after) == "its publisher gives no updates since 2026-11-30")
        let before = try #require(Day("2024-02-29"))
        #expect(before < last && last < after)
        for text in ["2025-02-29", "2026-13-01", "2026-1-1", "2026-11-31", "26-11-30", "+026-11-30", "soon"] {
            #expect(Day(text) == nil, "\(text)")
        }
        #expect(Day(Day.today.description) == Day.today)
    }
}
