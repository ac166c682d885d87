import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite struct `The image library` {
    /// What a name of the library cannot be.
    private static let hostileNames = [
        "", ".", "..", ".hidden", "a/b", "../outside", "/tmp/outside", "two\nlines", "nul\0byte",
        "\u{1B}[2Jclear", String(repeating: "x", count: 201), String(repeating: "x", count: 5000),
    ]

    /// A VMDK whose data are another file.
    private static let descriptor = """
        # Disk DescriptorFile
        version=1
        CID=fffffffe
        parentCID=ffffffff
        createType="monolithicFlat"
        RW 2 FLAT "/etc/passwd" 0

        """

    @Test(arguments: ["qcow2", "img", "raw"])
    func `a file in cloud-images counts, and nobody is asked`(_ ending: String) async throws {
        try await ImageFixture.with { fixture in
            try fixture.put("debian-12.\(ending)", fixture.image)
            #expect(try fixture.resolve() == fixture.path("debian-12.\(ending)"))
            // The first of the endings, where there are two.
            try fixture.put("debian-12.qcow2", fixture.image)
            #expect(try fixture.resolve() == fixture.path("debian-12.qcow2"))
            try fixture.put("own.img", fixture.image)
            #expect(try fixture.resolve("own") == fixture.path("own.img"))
            #expect(try fixture.publisher.answers().isEmpty)
            #expect(fixture.steps.lines.isEmpty)
        }
    }

    @Test func `a name with a slash is a file's path`() async throws {
        try await ImageFixture.with { fixture in
            let file = fixture.scratch.path("publisher/files/latest/disk.qcow2")
            let resolved = try fixture.resolve(file)
            #expect(resolved == file)
            let failure = #expect(throws: Failure.self) { try fixture.resolve("/nowhere/disk.qcow2") }
            #expect(failure?.code == .notFound)
        }
    }

    @Test func `an unknown name is answered with the nearest, or with all there are`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.put("own.img", fixture.image)
            func hint(_ name: String) throws -> String? {
                let failure = #expect(throws: Failure.self) { try fixture.resolve(name) }
                #expect(failure?.code == .notFound)
                #expect(failure?.message == "there is no image \(name)")
                return failure?.hint
            }
            #expect(try hint("debain-12") == "did you mean debian-12?")
            #expect(try hint("owm") == "did you mean own?")
            #expect(try hint("disk.qcow2") == "a file is named with a slash: ./disk.qcow2")
            #expect(
                try hint("fedora-core")
                    == "take one of debian-12, own, or put it into \(fixture.state.cloudImages) as fedora-core.qcow2"
            )
        }
    }

    @Test(arguments: hostileNames)
    func `a hostile name reaches no file`(_ name: String) async throws {
        try await ImageFixture.with { fixture in
            let source = fixture.scratch.path("publisher/files/latest/disk.qcow2")
            try fixture.put("own.qcow2", fixture.image)
            try fixture.scratch.run("cp", source, "state/outside.qcow2")
            let before = try fixture.scratch.run("find", "state")

            let added = #expect(throws: Failure.self) {
                try fixture.add(name, source)
            }
            #expect(added?.code == .badField)
            #expect(added?.message == "\"\(name)\" cannot be an image's name")
            let fetched = #expect(throws: Failure.self) {
                try fixture.add(name, fixture.publisher.url + "/latest/disk.qcow2")
            }
            #expect(fetched?.code == .badField)
            let removed = #expect(throws: Failure.self) {
                try fixture.library().remove(name, unless: StandsOn(state: fixture.state, on: nil))
            }
            #expect(removed?.code == .notFound)
            #expect(throws: Failure.self) { try fixture.resolve(name) }
            #expect(try fixture.scratch.run("find", "state") == before)
            #expect(try fixture.publisher.answers().isEmpty)
        }
    }

    @Test func `add takes a copy, list shows it, remove removes it`() async throws {
        try await ImageFixture.with { fixture in
            let library = fixture.library()
            let source = fixture.scratch.path("publisher/files/latest/disk.qcow2")
            let sum = try fixture.scratch.run("sha512sum", source).prefix(128)
            let longest = String(repeating: "x", count: 200)
            try fixture.add("own", source, checksum: ImageChecksum(parsing: String(sum)))
            try fixture.scratch.run("sh", "-c", "truncate -s 3M hole.raw; printf end >> hole.raw")
            try fixture.add(longest, fixture.scratch.path("hole.raw"))
            #expect(fixture.names == ["own.qcow2", "\(longest).raw"])
            #expect(try fixture.bytes("own.qcow2") == fixture.image)
            try fixture.scratch.run("cmp", "hole.raw", fixture.path("\(longest).raw"))
            #expect(
                try fixture.scratch.run("du", "-k", fixture.path("\(longest).raw")).hasPrefix("4\t"),
                "holes stay"
            )
            #expect(
                try fixture.scratch.run("stat", "-c", "%a", fixture.path("own.qcow2")) == "644\n",
                "QEMU may run as another user")

            let listed = try library.list()
            #expect(listed.map(\.name) == ["debian-12", "own", longest])
            #expect(listed.map(\.isCatalogued) == [true, false, false])
            #expect(listed.map(\.path) == [nil, fixture.path("own.qcow2"), fixture.path("\(longest).raw")])
            #expect(listed.map(\.format) == [nil, "qcow2", "raw"])
            let sizes: [UInt64?] = [nil, 4 << 20, 3 << 20 + 512]
            #expect(listed.map(\.virtualSize) == sizes)

            let other = fixture.scratch.path("hole.raw")
            let again = #expect(throws: Failure.self) { try fixture.add("own", other) }
            #expect(again?.code == .imageExists)
            #expect(again?.hint == "remove \(fixture.path("own.qcow2")) first, or choose another name")
            let nobody = try StandsOn(state: fixture.state, on: nil)
            try library.remove("own", unless: nobody)
            try library.remove(longest, unless: nobody)
            #expect(fixture.names.isEmpty)
            let gone = #expect(throws: Failure.self) { try library.remove("debian-12", unless: nobody) }
            #expect(gone?.code == .notFound)
            #expect(gone?.message == "there is no image debian-12 here")
        }
    }

    @Test func `what is no image is refused before it is copied`() async throws {
        try await ImageFixture.with { fixture in
            let scratch = fixture.scratch
            try scratch.write("empty", Data())
            try scratch.write("page", Data("\u{FEFF}\n <!DOCTYPE html><html>".utf8))
            try scratch.run("qemu-img", "create", "-f", "raw", "base", "1M")
            try scratch.run("qemu-img", "create", "-f", "qcow2", "-b", "base", "-F", "raw", "overlay")
            try scratch.run("mkfifo", "fifo")
            try scratch.write("descriptor", Data(Self.descriptor.utf8))
            try scratch.run("qemu-img", "create", "-f", "qed", "qed", "1M")
            try scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-o", "data_file=data,data_file_raw=on", "outside", "1M")
            func complaint(_ file: String) -> String? {
                let failure = #expect(throws: Failure.self) {
                    try fixture.add("own", scratch.path(file))
                }
                return failure.map { "\($0)".replacingOccurrences(of: scratch.root + "/", with: "") }
            }
            #expect(complaint("empty") == "empty is empty\n  hint: fetch it again")
            #expect(complaint("page") == "page is a web page, not an image\n  hint: download it again")
            #expect(
                complaint("overlay")
                    == "overlay is an overlay on base\n  hint: make one file of the two with: qemu-img convert -O qcow2"
            )
            #expect(
                complaint("descriptor")?.hasPrefix("descriptor is a VMDK whose data are in other files")
                    == true)
            #expect(
                complaint("qed") == """
                    qed is qed, and the library takes qcow2 and raw, VMDK, VDI, VHDX and VHD
                      hint: convert it first: qemu-img convert -O qcow2 qed qed.qcow2
                    """)
            #expect(complaint("outside")?.hasPrefix("outside keeps its data in another file") == true)
            #expect(complaint("fifo")?.hasPrefix("fifo is a FIFO, not a file") == true)
            #expect(complaint("absent")?.hasPrefix("cannot open absent: there is no such file") == true)
            let wrong = #expect(throws: Failure.self) {
                try fixture.add(
                    "own", scratch.path("base"),
                    checksum: ImageChecksum(parsing: "sha256:" + String(repeating: "0", count: 64)),
                    format: .raw)
            }
            #expect(wrong?.code == .badChecksum)
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `a file of the library that is no image is refused as well`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.put("debian-12.raw", Data("<html>login</html>".utf8))
            let failure = #expect(throws: Failure.self) { try fixture.resolve() }
            #expect(failure?.code == .badImage)
            #expect(failure?.message == "\(fixture.path("debian-12.raw")) is a web page, not an image")
            #expect(try fixture.library().list().first?.path == fixture.path("debian-12.raw"))
        }
    }

    @Test func `an image that a machine's disk stands on stays, by whatever name the disk calls it`()
        async throws
    {
        try await ImageFixture.with { fixture in
            try fixture.put("own.qcow2", fixture.image)
            let disk = fixture.state.machine("web-01") + "/boot-disk.qcow2"
            try fixture.scratch.run("mkdir", "-p", fixture.state.machine("web-01"))
            // By way of a link, and of another overlay.
            try fixture.scratch.run("ln", "-s", fixture.path("own.qcow2"), "link.qcow2")
            try fixture.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", fixture.scratch.path("link.qcow2"), "-F", "qcow2",
                "middle.qcow2")
            try fixture.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", fixture.scratch.path("middle.qcow2"), "-F",
                "qcow2",
                disk)
            let failure = #expect(throws: Failure.self) {
                try fixture.library().remove("own", unless: StandsOn(state: fixture.state, on: nil))
            }
            #expect(failure?.code == .inUse)
            #expect(
                failure?.message
                    == "the image own cannot be removed: vm web-01 stands on \(fixture.path("own.qcow2"))")
            #expect(fixture.names == ["own.qcow2"])
            try fixture.scratch.run("rm", disk)
            try fixture.library().remove("own", unless: StandsOn(state: fixture.state, on: nil))
            #expect(fixture.names.isEmpty)
        }
    }

    @Test func `an image that QEMU has open stays, wherever the disk on it is`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.put("own.qcow2", fixture.image)
            try fixture.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", fixture.path("own.qcow2"), "-F", "qcow2",
                "elsewhere.qcow2")
            let user = try OpenDisk(fixture.scratch.path("elsewhere.qcow2"), format: "qcow2", readOnly: false)
            defer { user.close() }
            let failure = #expect(throws: Failure.self) {
                for _ in 1...100 where try !DiskLock.isUsed(ReadableFile(fixture.path("own.qcow2"))) {
                    usleep(50_000)
                }
                try fixture.library().remove("own", unless: StandsOn(state: fixture.state, on: nil))
            }
            #expect(failure?.code == .inUse)
            #expect(fixture.names == ["own.qcow2"])
            user.close()
            try fixture.library().remove("own", unless: StandsOn(state: fixture.state, on: nil))
        }
    }

    @Test func `add downloads from an address, continued only where a checksum tells what it is`()
        async throws
    {
        try await ImageFixture.with { fixture in
            let url = fixture.publisher.url + "/latest/disk.qcow2"
            func add(_ name: String, _ url: String, _ checksum: ImageChecksum? = nil) throws {
                try fixture.add(name, url, checksum: checksum)
            }
            try fixture.publisher.set(["/latest/disk.qcow2": .init(breakAfter: 500_000)])
            let sum = try ImageChecksum(
                parsing: String(
                    fixture.scratch.run("sha256sum", "publisher/files/latest/disk.qcow2").prefix(64)))
            #expect(throws: Failure.self) { try add("plain", url) }
            #expect(fixture.names.isEmpty)
            let downloads = try fixture.publisher.downloads("/latest/disk.qcow2")
            #expect(!downloads.isEmpty && downloads.allSatisfy { $0.range == nil })
            #expect(throws: Failure.self) { try add("known", url, sum) }
            #expect(try fixture.part().bytes == fixture.image.prefix(2_000_000))

            try fixture.publisher.set([:])
            try add("known", url, sum)
            #expect(
                try fixture.publisher.downloads("/latest/disk.qcow2").contains {
                    $0.range == "bytes=2000000-"
                })
            try add("plain", url)
            #expect(fixture.names == ["known.qcow2", "plain.qcow2"])
            for name in fixture.names {
                #expect(try fixture.bytes(name) == fixture.image)
            }
        }
    }

    @Test func `an address is taken as it is: no pattern, no option, no file of this machine`() async throws {
        try await ImageFixture.with { fixture in
            try fixture.scratch.run(
                "cp", "publisher/files/latest/disk.qcow2", "publisher/files/latest/disk[1-2]{a,b}.qcow2")
            try fixture.add("brackets", fixture.publisher.url + "/latest/disk[1-2]{a,b}.qcow2")
            #expect(fixture.names == ["brackets.qcow2"])
            for url in ["file:///etc/passwd", "-o/tmp/x://y", "disk.qcow2", "", "scp://host/disk.qcow2"] {
                let failure = #expect(throws: Failure.self) {
                    try fixture.add("own", url)
                }
                #expect(failure?.code == .badField)
                #expect(failure?.message == "url is \"\(url)\", not an address")
            }
            // Nor by a redirect.
            try fixture.publisher.set(["/latest/disk.qcow2": .init(location: "file:///etc/passwd")])
            #expect(throws: Failure.self) {
                try fixture.add("own", fixture.publisher.url + "/latest/disk.qcow2")
            }
            #expect(fixture.names == ["brackets.qcow2"])
        }
    }

    @Test func `what an address gives is thrown away where it is no image`() async throws {
        try await ImageFixture.with { fixture in
            let url = fixture.publisher.url + "/latest/disk.qcow2"
            func complaint() -> String? {
                let failure = #expect(throws: Failure.self) {
                    try fixture.add("own", url)
                }
                #expect(failure?.message == "what \(url) gives cannot be the image own")
                #expect(fixture.names.isEmpty)
                return failure?.cause
            }
            try fixture.publisher.set(["/latest/disk.qcow2": .init(login: true)])
            #expect(complaint()?.contains("is a web page, not an image") == true)
            try fixture.publisher.set([:])
            try fixture.scratch.run(
                "sh", "-c",
                "qemu-img create -f qcow2 -b /etc/passwd -F raw o 1M && mv o publisher/files/latest/disk.qcow2"
            )
            #expect(complaint()?.contains("is an overlay on /etc/passwd") == true)
            try fixture.scratch.write("publisher/files/latest/disk.qcow2", Data(Self.descriptor.utf8))
            #expect(complaint()?.contains("is a VMDK whose data are in other files") == true)
            try fixture.scratch.write("publisher/files/latest/disk.qcow2", Data())
            #expect(complaint()?.contains("is empty") == true)
        }
    }
}
