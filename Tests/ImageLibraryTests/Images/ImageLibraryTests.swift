import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@testable import ImageLibrary

@Suite("The image library")
struct ImagesLibraryTests {
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

    @Test("a file in cloud-images counts, and nobody is asked", arguments: ["qcow2", "img", "raw"])
    func ownFile(_ ending: String) async throws {
        try await ImagesBench.with { bench in
            try bench.put("debian-12.\(ending)", bench.image)
            #expect(try bench.resolve() == bench.path("debian-12.\(ending)"))
            // The first of the endings, where there are two.
            try bench.put("debian-12.qcow2", bench.image)
            #expect(try bench.resolve() == bench.path("debian-12.qcow2"))
            try bench.put("own.img", bench.image)
            #expect(try bench.resolve("own") == bench.path("own.img"))
            #expect(try bench.publisher.answers().isEmpty)
            #expect(bench.steps.lines.isEmpty)
        }
    }

    @Test("a name with a slash is a file's path")
    func pathOfFile() async throws {
        try await ImagesBench.with { bench in
            let file = bench.scratch.path("publisher/files/latest/disk.qcow2")
            let resolved = try bench.resolve(file)
            #expect(resolved == file)
            let failure = #expect(throws: Failure.self) { try bench.resolve("/nowhere/disk.qcow2") }
            #expect(failure?.code == .notFound)
        }
    }

    @Test("an unknown name is answered with the nearest, or with all there are")
    func unknown() async throws {
        try await ImagesBench.with { bench in
            try bench.put("own.img", bench.image)
            func hint(_ name: String) throws -> String? {
                let failure = #expect(throws: Failure.self) { try bench.resolve(name) }
                #expect(failure?.code == .notFound)
                #expect(failure?.message == "there is no image \(name)")
                return failure?.hint
            }
            #expect(try hint("debain-12") == "did you mean debian-12?")
            #expect(try hint("owm") == "did you mean own?")
            #expect(try hint("disk.qcow2") == "a file is named with a slash: ./disk.qcow2")
            #expect(
                try hint("fedora-core")
                    == "take one of debian-12, own, or put it into \(bench.state.cloudImages) as fedora-core.qcow2"
            )
        }
    }

    @Test("a hostile name reaches no file", arguments: hostileNames)
    func hostile(_ name: String) async throws {
        try await ImagesBench.with { bench in
            let source = bench.scratch.path("publisher/files/latest/disk.qcow2")
            try bench.put("own.qcow2", bench.image)
            try bench.scratch.run("cp", source, "state/outside.qcow2")
            let before = try bench.scratch.run("find", "state")

            let added = #expect(throws: Failure.self) {
                try bench.library().add(name, from: source, Cancellation())
            }
            #expect(added?.code == .badField)
            #expect(added?.message == "\"\(name)\" cannot be an image's name")
            let fetched = #expect(throws: Failure.self) {
                try bench.library().add(
                    name, url: bench.publisher.url + "/latest/disk.qcow2", checksum: nil, Cancellation()
                ) { _ in }
            }
            #expect(fetched?.code == .badField)
            let removed = #expect(throws: Failure.self) {
                try bench.library().remove(name, unless: StandsOn(state: bench.state, on: nil))
            }
            #expect(removed?.code == .notFound)
            #expect(throws: Failure.self) { try bench.resolve(name) }
            #expect(try bench.scratch.run("find", "state") == before)
            #expect(try bench.publisher.answers().isEmpty)
        }
    }

    @Test("add takes a copy, list shows it, remove removes it")
    func addListRemove() async throws {
        try await ImagesBench.with { bench in
            let library = bench.library()
            let source = bench.scratch.path("publisher/files/latest/disk.qcow2")
            let sum = try bench.scratch.run("sha512sum", source).prefix(128)
            let longest = String(repeating: "x", count: 200)
            try library.add(
                "own", from: source, checksum: ImageChecksum(parsing: String(sum)), Cancellation())
            try bench.scratch.run("sh", "-c", "truncate -s 3M hole.raw; printf end >> hole.raw")
            try library.add(longest, from: bench.scratch.path("hole.raw"), Cancellation())
            #expect(bench.names == ["own.qcow2", "\(longest).raw"])
            #expect(try bench.bytes("own.qcow2") == bench.image)
            try bench.scratch.run("cmp", "hole.raw", bench.path("\(longest).raw"))
            #expect(
                try bench.scratch.run("du", "-k", bench.path("\(longest).raw")).hasPrefix("4\t"), "holes stay"
            )
            #expect(
                try bench.scratch.run("stat", "-c", "%a", bench.path("own.qcow2")) == "644\n",
                "QEMU may run as another user")

            #expect(
                try library.list() == [
                    .init(name: "debian-12", isCatalogued: true),
                    .init(
                        name: "own", path: bench.path("own.qcow2"), format: "qcow2", virtualSize: 4 << 20,
                        isCatalogued: false),
                    .init(
                        name: longest, path: bench.path("\(longest).raw"), format: "raw",
                        virtualSize: 3 << 20 + 512, isCatalogued: false),
                ])

            let again = #expect(throws: Failure.self) { try library.add("own", from: source, Cancellation()) }
            #expect(again?.code == .imageExists)
            #expect(again?.hint == "remove \(bench.path("own.qcow2")) first, or choose another name")
            let nobody = try StandsOn(state: bench.state, on: nil)
            try library.remove("own", unless: nobody)
            try library.remove(longest, unless: nobody)
            #expect(bench.names.isEmpty)
            let gone = #expect(throws: Failure.self) { try library.remove("debian-12", unless: nobody) }
            #expect(gone?.code == .notFound)
            #expect(gone?.message == "there is no image debian-12 here")
        }
    }

    @Test("what is no image is refused before it is copied")
    func refused() async throws {
        try await ImagesBench.with { bench in
            let scratch = bench.scratch
            try scratch.write("empty", Data())
            try scratch.write("page", Data("\u{FEFF}\n <!DOCTYPE html><html>".utf8))
            try scratch.run("qemu-img", "create", "-f", "raw", "base", "1M")
            try scratch.run("qemu-img", "create", "-f", "qcow2", "-b", "base", "-F", "raw", "overlay")
            try scratch.run("mkfifo", "fifo")
            try scratch.write("descriptor", Data(Self.descriptor.utf8))
            try scratch.run("qemu-img", "create", "-f", "vdi", "vdi", "1M")
            try scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-o", "data_file=data,data_file_raw=on", "outside", "1M")
            func complaint(_ file: String) -> String? {
                let failure = #expect(throws: Failure.self) {
                    try bench.library().add("own", from: scratch.path(file), Cancellation())
                }
                return failure.map { "\($0)".replacingOccurrences(of: scratch.root + "/", with: "") }
            }
            #expect(complaint("empty") == "empty is empty\n  hint: download it again")
            #expect(complaint("page") == "page is a web page, not an image\n  hint: download it again")
            #expect(
                complaint("overlay")
                    == "overlay is an overlay on base\n  hint: make one file of the two with: qemu-img convert -O qcow2"
            )
            for (file, format) in [("descriptor", "vmdk"), ("vdi", "vdi")] {
                #expect(
                    complaint(file) == """
                        \(file) is \(format), and the library takes qcow2 and raw
                          hint: convert it first: qemu-img convert -O qcow2 \(file) \(file).qcow2
                        """)
            }
            #expect(complaint("outside")?.hasPrefix("outside keeps its data in another file") == true)
            #expect(complaint("fifo")?.hasPrefix("fifo is a FIFO, not a file") == true)
            #expect(complaint("absent")?.hasPrefix("cannot open absent: there is no such file") == true)
            for (packer, unpacker) in [
                ("xz", "unxz"), ("gzip", "gunzip"), ("zstd", "unzstd"), ("bzip2", "bunzip2"),
            ] {
                try scratch.run("sh", "-c", "\(packer) -c base > packed")
                #expect(
                    complaint("packed") == "packed is compressed\n  hint: unpack it first, with \(unpacker)")
            }
            let wrong = #expect(throws: Failure.self) {
                try bench.library().add(
                    "own", from: scratch.path("base"),
                    checksum: ImageChecksum(parsing: "sha256:" + String(repeating: "0", count: 64)),
                    Cancellation())
            }
            #expect(wrong?.code == .badChecksum)
            #expect(bench.names.isEmpty)
        }
    }

    @Test("a file of the library that is no image is refused as well")
    func refusedInPlace() async throws {
        try await ImagesBench.with { bench in
            try bench.put("debian-12.raw", Data("<html>login</html>".utf8))
            let failure = #expect(throws: Failure.self) { try bench.resolve() }
            #expect(failure?.code == .badImage)
            #expect(failure?.message == "\(bench.path("debian-12.raw")) is a web page, not an image")
            #expect(try bench.library().list().first?.path == bench.path("debian-12.raw"))
        }
    }

    @Test("an image that a machine's disk stands on stays, by whatever name the disk calls it")
    func inUse() async throws {
        try await ImagesBench.with { bench in
            try bench.put("own.qcow2", bench.image)
            let disk = bench.state.machine("web-01") + "/boot-disk.qcow2"
            try bench.scratch.run("mkdir", "-p", bench.state.machine("web-01"))
            // By way of a link, and of another overlay.
            try bench.scratch.run("ln", "-s", bench.path("own.qcow2"), "link.qcow2")
            try bench.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", bench.scratch.path("link.qcow2"), "-F", "qcow2",
                "middle.qcow2")
            try bench.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", bench.scratch.path("middle.qcow2"), "-F", "qcow2",
                disk)
            let failure = #expect(throws: Failure.self) {
                try bench.library().remove("own", unless: StandsOn(state: bench.state, on: nil))
            }
            #expect(failure?.code == .inUse)
            #expect(
                failure?.message
                    == "the image own cannot be removed: vm web-01 stands on \(bench.path("own.qcow2"))")
            #expect(bench.names == ["own.qcow2"])
            try bench.scratch.run("rm", disk)
            try bench.library().remove("own", unless: StandsOn(state: bench.state, on: nil))
            #expect(bench.names.isEmpty)
        }
    }

    @Test("an image that QEMU has open stays, wherever the disk on it is")
    func open() async throws {
        try await ImagesBench.with { bench in
            try bench.put("own.qcow2", bench.image)
            try bench.scratch.run(
                "qemu-img", "create", "-f", "qcow2", "-b", bench.path("own.qcow2"), "-F", "qcow2",
                "elsewhere.qcow2")
            let user = Process()
            user.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            user.arguments = ["qemu-io", "-f", "qcow2", bench.scratch.path("elsewhere.qcow2")]
            let input = Pipe()
            user.standardInput = input
            user.standardOutput = Pipe()
            try user.run()
            defer { user.terminate() }
            let failure = #expect(throws: Failure.self) {
                for _ in 1...100 where try !DiskLock.isUsed(ReadableFile(bench.path("own.qcow2"))) {
                    usleep(50_000)
                }
                try bench.library().remove("own", unless: StandsOn(state: bench.state, on: nil))
            }
            #expect(failure?.code == .inUse)
            #expect(bench.names == ["own.qcow2"])
            try input.fileHandleForWriting.close()
            user.waitUntilExit()
            try bench.library().remove("own", unless: StandsOn(state: bench.state, on: nil))
        }
    }

    @Test("add downloads from an address, continued only where a checksum tells what it is")
    func addFromAddress() async throws {
        try await ImagesBench.with { bench in
            let library = bench.library()
            let url = bench.publisher.url + "/latest/disk.qcow2"
            func add(_ name: String, _ url: String, _ checksum: ImageChecksum? = nil) throws {
                try library.add(name, url: url, checksum: checksum, Cancellation()) { _ in }
            }
            try bench.publisher.set(["/latest/disk.qcow2": .init(breakAfter: 500_000)])
            let sum = try ImageChecksum(
                parsing: String(
                    bench.scratch.run("sha256sum", "publisher/files/latest/disk.qcow2").prefix(64)))
            #expect(throws: Failure.self) { try add("plain", url) }
            #expect(bench.names.isEmpty)
            let downloads = try bench.publisher.downloads("/latest/disk.qcow2")
            #expect(!downloads.isEmpty && downloads.allSatisfy { $0.range == nil })
            #expect(throws: Failure.self) { try add("known", url, sum) }
            #expect(try bench.part().bytes == bench.image.prefix(2_000_000))

            try bench.publisher.set([:])
            try add("known", url, sum)
            #expect(
                try bench.publisher.downloads("/latest/disk.qcow2").contains { $0.range == "bytes=2000000-" })
            try add("plain", url)
            #expect(bench.names == ["known.qcow2", "plain.qcow2"])
            for name in bench.names {
                #expect(try bench.bytes(name) == bench.image)
            }
        }
    }

    @Test("an address is taken as it is: no pattern, no option, no file of this machine")
    func addresses() async throws {
        try await ImagesBench.with { bench in
            let library = bench.library()
            try bench.scratch.run(
                "cp", "publisher/files/latest/disk.qcow2", "publisher/files/latest/disk[1-2]{a,b}.qcow2")
            try library.add(
                "brackets", url: bench.publisher.url + "/latest/disk[1-2]{a,b}.qcow2", checksum: nil,
                Cancellation()
            ) { _ in }
            #expect(bench.names == ["brackets.qcow2"])
            for url in ["file:///etc/passwd", "-o/tmp/x://y", "disk.qcow2", "", "scp://host/disk.qcow2"] {
                let failure = #expect(throws: Failure.self) {
                    try library.add("own", url: url, checksum: nil, Cancellation()) { _ in }
                }
                #expect(failure?.code == .badField)
                #expect(failure?.message == "url is \"\(url)\", not an address")
            }
            // Nor by a redirect.
            try bench.publisher.set(["/latest/disk.qcow2": .init(location: "file:///etc/passwd")])
            #expect(throws: Failure.self) {
                try library.add(
                    "own", url: bench.publisher.url + "/latest/disk.qcow2", checksum: nil, Cancellation()
                ) { _ in }
            }
            #expect(bench.names == ["brackets.qcow2"])
        }
    }

    @Test("what an address gives is thrown away where it is no image")
    func addNoImage() async throws {
        try await ImagesBench.with { bench in
            let url = bench.publisher.url + "/latest/disk.qcow2"
            func complaint() -> String? {
                let failure = #expect(throws: Failure.self) {
                    try bench.library().add("own", url: url, checksum: nil, Cancellation()) { _ in }
                }
                #expect(failure?.message == "what \(url) gives cannot be the image own")
                #expect(bench.names.isEmpty)
                return failure?.cause
            }
            try bench.publisher.set(["/latest/disk.qcow2": .init(login: true)])
            #expect(complaint()?.contains("is a web page, not an image") == true)
            try bench.publisher.set([:])
            try bench.scratch.run(
                "sh", "-c",
                "qemu-img create -f qcow2 -b /etc/passwd -F raw o 1M && mv o publisher/files/latest/disk.qcow2"
            )
            #expect(complaint()?.contains("is an overlay on /etc/passwd") == true)
            try bench.scratch.write("publisher/files/latest/disk.qcow2", Data(Self.descriptor.utf8))
            #expect(complaint()?.contains("is vmdk, and the library takes qcow2 and raw") == true)
            try bench.scratch.write("publisher/files/latest/disk.qcow2", Data())
            #expect(complaint()?.contains("is empty") == true)
        }
    }
}
