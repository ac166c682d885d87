import Basics
import Foundation
import HostFiles
import Support
import Testing

@testable import DiskImages

@Suite struct `The ISO reader` {
    private static let files = [
        ISOFile("user-data", "#cloud-config\n"), ISOFile("Some Folder/Größe.txt", "drei"),
        ISOFile("deep/1/2/3/4/5/6/7/8/9/10/leaf", "leaf"),
        ISOFile(String(repeating: "long", count: 50), contents: [UInt8](repeating: 3, count: 5000)),
        ISOFile("empty", ""),
    ]

    private func plant(_ scratch: DisksScratch) throws {
        for file in Self.files {
            try scratch.run("mkdir", "-p", "tree/" + folder(of: file.path))
            try scratch.write("tree/" + file.path, Data(file.contents))
        }
    }

    private func expectAll(_ scratch: DisksScratch) throws {
        let reader = try ISOReader(scratch.path("i.iso"))
        for file in Self.files { #expect(try reader.read(file.path.utf8) == file.contents) }
        let listed = try reader.entries()
        #expect(listed.filter { $0.kind == .file }.count == Self.files.count)
        #expect(Set(listed.map(\.path)).count == listed.count)
    }

    @Test(arguments: [
        ["genisoimage", "-quiet", "-R", "-J", "-input-charset", "utf-8", "-o", "i.iso", "tree"],
        ["genisoimage", "-quiet", "-D", "-R", "-input-charset", "utf-8", "-o", "i.iso", "tree"],
        ["xorrisofs", "-quiet", "-R", "-J", "-o", "i.iso", "tree"],
        ["bsdtar", "-c", "--format=iso9660", "-f", "i.iso", "-C", "tree", "."],
    ])
    func `reads the images of other programs`(_ command: [String]) async throws {
        try await DisksScratch.with { scratch in
            try plant(scratch)
            try scratch.run(command[0], Array(command.dropFirst()))
            try expectAll(scratch)
        }
    }

    @Test func `reads Joliet's names where there are no better ones`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "tree")
            try scratch.write("tree/user-data é.txt", Data("x".utf8))
            try scratch.run(
                "genisoimage", "-quiet", "-J", "-V", "cidata", "-input-charset", "utf-8", "-o", "i.iso",
                "tree")
            let reader = try ISOReader(scratch.path("i.iso"))
            #expect(try reader.read("user-data é.txt".utf8) == Array("x".utf8))
            #expect(reader.label == "cidata")
        }
    }

    @Test func `reads ISO 9660's own names where there are no others`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "tree")
            try scratch.write("tree/readme.txt", Data("x".utf8))
            try scratch.run("genisoimage", "-quiet", "-o", "i.iso", "tree")
            #expect(try ISOReader(scratch.path("i.iso")).read("README.TXT".utf8) == Array("x".utf8))
        }
    }

    @Test func `tells links from files`() async throws {
        try await DisksScratch.with { scratch in
            try scratch.run("mkdir", "tree")
            try scratch.run("ln", "-s", "/etc/passwd", "tree/link")
            try scratch.run("genisoimage", "-quiet", "-R", "-o", "i.iso", "tree")
            let reader = try ISOReader(scratch.path("i.iso"))
            #expect(try reader.entries().map(\.kind) == [.link])
            #expect(throws: Failure.self) { try reader.read("link".utf8) }
        }
    }

    @Test func `says what is missing, and what is near`() async throws {
        try await DisksScratch.with { scratch in
            try ISOImage.write(to: scratch.path("i.iso"), label: "X", files: Self.files)
            let reader = try ISOReader(scratch.path("i.iso"))
            let failure = #expect(throws: Failure.self) { try reader.read("user_data".utf8) }
            #expect(failure?.code == .notFound)
            #expect(failure?.hint == "did you mean \"user-data\"?")
            let folder = #expect(throws: Failure.self) { try reader.read("deep".utf8) }
            #expect(folder?.message.contains("is a folder, not a file") == true)
            try scratch.write("text", Data("no image".utf8))
            for path in [scratch.path("text"), "/dev/zero", scratch.root, scratch.path("absent")] {
                #expect(throws: Failure.self) { _ = try ISOReader(path) }
            }
        }
    }

    /// A folder's record in an image: where it lies in the file.
    private func record(_ name: String, in image: [UInt8]) throws -> Int {
        let needle = Array(name.utf8)
        // A record's name follows its length; in the path tables other things come between.
        let at = try #require(
            (1..<image.count - needle.count).first {
                Int(image[$0 - 1]) == needle.count && image[$0..<$0 + needle.count].elementsEqual(needle)
            })
        return at - 33
    }

    @Test func `survives loops, places outside the file and sizes beyond reason`() async throws {
        try await DisksScratch.with { scratch in
            let image = try ISOImage.bytes(
                label: "X", files: [ISOFile("sub/file", "12345"), ISOFile("top", "1")])
            let folder = try record("SUB", in: image)
            let file = try record("FILE.;1", in: image)
            let descriptor = 16 * 2048
            let root = Array(image[descriptor + 158..<descriptor + 166])
            // Behind the identifier: PX, TF and the five bytes that begin NM.
            let name = folder + 33 + 3 + 36 + 26 + 5
            let cases: [(what: String, at: Int, bytes: [UInt8], fails: Bool)] = [
                ("a folder that is its parent", folder + 2, root, true),
                ("a folder beyond the end", folder + 2, ISORecords.both32(1 << 30), true),
                ("a folder that is too large", folder + 10, ISORecords.both32(0x7FFF_F800), true),
                ("a file beyond the end", file + 2, ISORecords.both32(1 << 30), true),
                ("a file that is too large", file + 10, ISORecords.both32(0x7FFF_FFFF), true),
                ("a record that is too short", folder, [20], true),
                ("a record whose name leaves it", folder + 32, [250], true),
                ("a name that leads out", name, Array("../".utf8), true),
                ("a name with a NUL", name, [0, 0, 0], true),
                (
                    "a root beyond the end, with Joliet's to fall back to", descriptor + 158,
                    ISORecords.both32(0xFFFF_FFFF), false
                ),
                ("nothing wrong", 0, [0], false),
            ]
            for given in cases {
                var bytes = image
                bytes.replaceSubrange(given.at..<given.at + given.bytes.count, with: given.bytes)
                try scratch.write("i.iso", Data(bytes))
                var failure: Failure?
                do throws(Failure) {
                    _ = try ISOReader(scratch.path("i.iso")).read("sub/file".utf8)
                } catch { failure = error }
                #expect((failure != nil) == given.fails, "\(given.what): \(failure?.message ?? "read")")
                #expect(failure.map { $0.code == .badImage } != false, "\(given.what)")
            }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `survives any bytes changed`(_ seed: UInt64) async throws {
        try await DisksScratch.with { scratch in
            var random = SeededNumbers(seed)
            let image = try ISOImage.bytes(label: "X", files: `An ISO image`.awkward)
            for _ in 0..<200 {
                var bytes = image
                for _ in 0..<Int.random(in: 1...30, using: &random) {
                    bytes[Int.random(in: 16 * 2048..<bytes.count, using: &random)] = .random(
                        in: 0...255, using: &random)
                }
                try scratch.write(
                    "i.iso", Data(bytes.prefix(Int.random(in: 20 * 2048...bytes.count, using: &random))))
                do throws(Failure) {
                    let reader = try ISOReader(scratch.path("i.iso"))
                    for entry in try reader.entries() where entry.kind == .file {
                        _ = try? reader.read(entry)
                    }
                } catch { #expect(error.code == .badImage) }
            }
        }
    }

    /// Each record's name may go on elsewhere, in pieces of 64 KiB: a small file then stands for terabytes to read.
    @Test func `reads no more of an image than a real one has, whatever its records say`() async throws {
        try await DisksScratch.with { scratch in
            var image = try ISOImage.bytes(
                label: "X", files: (0..<300).map { ISOFile("file-with-a-long-name-\($0)", "1") })
            // Every continuation a record has is the same far place, which continues itself.
            let far = 1000
            var pointer = Array("CE".utf8) + [28, 1]
            pointer += ISORecords.both32(far) + ISORecords.both32(0) + ISORecords.both32(65536)
            let folder = Int(image.little32(16 * 2048 + 158)) * 2048
            var at = folder
            while at < folder + Int(image.little32(16 * 2048 + 166)), image[at] > 0 {
                let length = Int(image[at])
                let identifier = Int(image[at + 32])
                let use = at + 33 + identifier + (identifier % 2 == 0 ? 1 : 0)
                if identifier > 1, use + 28 <= at + length {
                    image.replaceSubrange(use..<use + 28, with: pointer)
                }
                at += length
            }
            image += [UInt8](repeating: 0, count: (far + 64) * 2048 - image.count)
            image.replaceSubrange(far * 2048..<far * 2048 + 28, with: pointer)
            try scratch.write("far.iso", Data(image))
            let start = ContinuousClock.now
            #expect(throws: Failure.self) { try ISOReader(scratch.path("far.iso")).entries() }
            #expect(ContinuousClock.now - start < .seconds(20))
        }
    }

    @Test func `tells of a file that is too large to read at once`() async throws {
        try await DisksScratch.with { scratch in
            var image = try ISOImage.bytes(label: "X", files: [ISOFile("file", "12345")])
            let file = try record("FILE.;1", in: image)
            image.replaceSubrange(file + 10..<file + 18, with: ISORecords.both32(300 << 20))
            try scratch.write("large.iso", Data(image))
            #expect(truncate(scratch.path("large.iso"), 1 << 40) == 0)
            let failure = #expect(throws: Failure.self) {
                try ISOReader(scratch.path("large.iso")).read("file".utf8)
            }
            #expect(failure?.message.contains("\"file\" in") == true)
            #expect(failure?.message.hasSuffix("is 300 MiB, more than fits in memory") == true)
        }
    }
}
