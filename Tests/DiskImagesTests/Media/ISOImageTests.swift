import Basics
import DiskImages
import Foundation
import HostFiles
import Support
import Testing

@Suite struct `An ISO image` {
    /// What makes names hard: length, case, script, dots, signs Joliet lacks, two spellings of one letter.
    static let awkward = [
        ISOFile("user-data", "#cloud-config\n"), ISOFile("empty", ""), ISOFile("README", "a"),
        ISOFile("readme", "b"),
        ISOFile(".bashrc", "c"), ISOFile("trailing.", "d"), ISOFile("a.b.c.d", "e"), ISOFile("日本語.txt", "f"),
        ISOFile("caf\u{E9}", "g"), ISOFile("cafe\u{301}", "h"), ISOFile("😀.txt", "i"), ISOFile("semi;1", "j"),
        ISOFile("star*?:\\", "k"), ISOFile("with space", "l"), ISOFile("tab\there", "m"),
        ISOFile(String(repeating: "x", count: 120), "n"),
        ISOFile(String(repeating: "y", count: 121) + ".long", "o"),
        ISOFile(String(repeating: "é", count: 126), "p"), ISOFile(String(repeating: "z", count: 253), "q"),
        ISOFile(String(repeating: "long name ", count: 8) + "1.configuration", "r"),
        ISOFile(String(repeating: "long name ", count: 8) + "2.configuration", "s"),
        ISOFile("run.sh", "#!/bin/sh\n", mode: 0o755), ISOFile("site/index.html", "<p>"),
        ISOFile("site/css/main.css", "p {}"), ISOFile("site.d/x", "t"), ISOFile("SITE", "u"),
        ISOFile("exact", contents: [UInt8](repeating: 7, count: 2048)),
        ISOFile("more", contents: [UInt8](repeating: 8, count: 2049)),
    ]

    private func write(
        _ scratch: DisksScratch, _ files: [ISOFile], folders: [String] = [], label: String = "TEST"
    ) throws {
        try ISOImage.write(to: scratch.path("i.iso"), label: label, files: files, folders: folders)
    }

    /// The files below a folder of the disk, by path relative to it.
    private func tree(_ scratch: DisksScratch, _ folder: String) throws -> [String: Data] {
        let listing = try scratch.run("find", folder, "-type", "f", "-printf", "%P\\0")
        var result: [String: Data] = [:]
        for name in listing.utf8.split(separator: 0) {
            let name = String(decoding: name, as: UTF8.self)
            result[key(name)] = try scratch.bytes("\(folder)/\(name)")
        }
        return result
    }

    /// To a dictionary, as to any String, é and e + ´ are one key; their bytes are not.
    private func key(_ path: String) -> String {
        path.utf8.map { String($0, radix: 16) }.joined(separator: " ")
    }

    private func expected(_ files: [ISOFile]) -> [String: Data] {
        Dictionary(uniqueKeysWithValues: files.map { (key($0.path), Data($0.contents)) })
    }

    private func extract(_ scratch: DisksScratch) throws {
        try scratch.run("mkdir", "xorriso", "bsdtar")
        try scratch.run("xorriso", "-osirrox", "on", "-indev", "i.iso", "-extract", "/", "xorriso")
        try scratch.run("chmod", "-R", "u+w", "xorriso")
        try scratch.run("bsdtar", "-x", "-f", "i.iso", "-C", "bsdtar")
    }

    @Test func `holds every kind of name, to xorriso, bsdtar and isovfy`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, Self.awkward, folders: ["hollow/inner"])
            try extract(scratch)
            #expect(try tree(scratch, "xorriso") == expected(Self.awkward))
            #expect(try tree(scratch, "bsdtar") == expected(Self.awkward))
            #expect(try scratch.run("isovfy", "i.iso").contains("No errors found"))
            #expect(FileManager.default.fileExists(atPath: scratch.path("bsdtar/hollow/inner")))
            #expect(try scratch.run("stat", "-c", "%a", "bsdtar/run.sh", "bsdtar/user-data") == "755\n644\n")
        }
    }

    @Test func `says what it is to isoinfo and blkid`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, Self.awkward, label: "cidata")
            let info = try scratch.run("isoinfo", "-d", "-i", "i.iso")
            for line in [
                "Volume id: cidata", "Joliet with UCS level 3 found", "Rock Ridge signatures version 1 found",
                "Logical block size is: 2048",
            ] { #expect(info.contains(line)) }
            let size = try scratch.bytes("i.iso").count
            #expect(info.contains("Volume size is: \(size / 2048)\n"))
            #expect(size % 2048 == 0)
            let probe = try scratch.run("blkid", "-p", "-o", "export", "i.iso")
            #expect(probe.contains("TYPE=iso9660\n"))
            #expect(probe.contains("LABEL=cidata\n"))
        }
    }

    @Test func `has each name unique in each of its three trees, to isoinfo`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, Self.awkward)
            for option in [[], ["-R"], ["-J"]] {
                let lines = try scratch.run("isoinfo", option + ["-f", "-i", "i.iso"]).utf8.split(
                    separator: 10)
                #expect(Set(lines.map(Array.init)).count == lines.count)
                // The root is not listed; 3 folders are.
                #expect(lines.count == Self.awkward.count + 3)
            }
            let plain = try scratch.run("isoinfo", "-f", "-i", "i.iso")
            #expect(plain.contains("/USER_DATA.;1\n"))
            #expect(plain.contains("/SITE_1/CSS/MAIN.CSS;1\n"))
            let joliet = try scratch.run("isoinfo", "-J", "-f", "-i", "i.iso")
            #expect(joliet.contains("/star____\n"))
            // isoinfo knows no UTF-8; bsdtar does, and reads Joliet when it may not read Rock Ridge.
            let list = try scratch.run("bsdtar", "-t", "--options", "!rockridge", "-f", "i.iso")
            #expect(list.utf8.split(separator: 10).contains { $0.elementsEqual("日本語.txt".utf8) })
        }
    }

    @Test func `is the same bytes for the same files in any order`() async throws {
        try await DisksScratch.with { scratch in
            let image = try ISOImage.bytes(label: "A", files: Self.awkward)
            #expect(try ISOImage.bytes(label: "A", files: Self.awkward.reversed()) == image)
            #expect(try ISOImage.bytes(label: "B", files: Self.awkward) != image)
            try write(scratch, Self.awkward, label: "A")
            #expect(try scratch.bytes("i.iso") == Data(image))
        }
    }

    @Test func `may be empty`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, [])
            #expect(try scratch.run("isovfy", "i.iso").contains("No errors found"))
            #expect(try ISOReader(scratch.path("i.iso")).entries().isEmpty)
            try write(scratch, [ISOFile(String(repeating: "empty", count: 40), "")])
            try extract(scratch)
            #expect(
                try tree(scratch, "xorriso") == expected([ISOFile(String(repeating: "empty", count: 40), "")])
            )
        }
    }

    @Test func `holds folders deeper than ISO 9660's eight levels`() async throws {
        try await DisksScratch.with { scratch in
            let files = [1, 8, 9, 40].map { depth in
                ISOFile((1...depth).map { "level \($0)" }.joined(separator: "/") + "/file", "\(depth)")
            }
            try write(scratch, files)
            try extract(scratch)
            #expect(try tree(scratch, "xorriso") == expected(files))
            #expect(try tree(scratch, "bsdtar") == expected(files))
            #expect(try scratch.run("isovfy", "i.iso").contains("No errors found"))
        }
    }

    @Test func `holds ten thousand files in one folder, all alike at first`() async throws {
        try await DisksScratch.with { scratch in
            let stem = String(repeating: "same ", count: 20)
            let files = (0..<10_000).map { ISOFile("folder/\(stem)\($0).txt", "\($0)") }
            try write(scratch, files)
            try scratch.run("mkdir", "bsdtar")
            try scratch.run("bsdtar", "-x", "-f", "i.iso", "-C", "bsdtar")
            #expect(try tree(scratch, "bsdtar") == expected(files))
            #expect(try scratch.run("isovfy", "i.iso").contains("No errors found"))
            let joliet = try scratch.run("isoinfo", "-J", "-f", "-i", "i.iso").split(separator: "\n")
            #expect(Set(joliet).count == 10_001)
            #expect(try ISOReader(scratch.path("i.iso")).entries().count == 10_001)
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `holds any tree`(_ seed: UInt64) async throws {
        try await DisksScratch.with { scratch in
            var random = SeededNumbers(seed)
            let files = Self.randomTree(&random)
            try write(scratch, files)
            try extract(scratch)
            #expect(try tree(scratch, "xorriso") == expected(files))
            #expect(try tree(scratch, "bsdtar") == expected(files))
            #expect(try scratch.run("isovfy", "i.iso").contains("No errors found"))
            let reader = try ISOReader(scratch.path("i.iso"))
            for file in files { #expect(try reader.read(file.path.utf8) == file.contents) }
        }
    }

    private static func randomTree(_ random: inout SeededNumbers) -> [ISOFile] {
        let alphabet = Array("abcABC019._- ~#;ßé漢😀\u{301}".unicodeScalars)
        var folders = [""]
        var taken: Set<[UInt8]> = []
        var files: [ISOFile] = []
        for _ in 0..<Int.random(in: 1...120, using: &random) {
            let above = folders[Int.random(in: 0..<folders.count, using: &random)]
            var scalars = String.UnicodeScalarView()
            let length = Bool.random(using: &random) ? 1...12 : 1...62
            for _ in 0..<Int.random(in: length, using: &random) {
                scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let name = String(scalars)
            let path = above + name
            guard ![".", ".."].contains(name), taken.insert(Array(path.utf8)).inserted else { continue }
            if Int.random(in: 0..<4, using: &random) == 0 {
                folders.append(path + "/")
                // A folder is there by its files.
                files.append(ISOFile(path + "/.keep", ""))
                taken.insert(Array((path + "/.keep").utf8))
            } else {
                let size = [0, 1, 2047, 2048, 2049, 10_000][Int.random(in: 0..<6, using: &random)]
                files.append(ISOFile(path, contents: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }))
            }
        }
        return files
    }

    @Test(arguments: [
        ("", "is empty"), ("/etc/passwd", "has an empty part"), ("a//b", "has an empty part"),
        ("a/", "empty part"),
        ("..", "has \"..\" as a part"), ("a/../b", "has \"..\" as a part"), (".", "has \".\" as a part"),
        ("a\0b", "has a NUL in it"), (String(repeating: "é", count: 127), "has a part of 254 bytes"),
    ])
    func `cannot have a name that leads elsewhere or nowhere`(_ name: String, _ complaint: String) throws {
        let thrown = #expect(throws: Failure.self) {
            try ISOImage.bytes(label: "X", files: [ISOFile(name, "")])
        }
        let failure = try #require(thrown)
        #expect(failure.code == .badField)
        #expect(failure.message.contains(complaint))
        #expect(!failure.description.utf8.contains(0))
    }

    @Test func `has folders as deep as can be read back, and no deeper`() async throws {
        @Sendable func path(_ folders: Int) -> String { String(repeating: "d/", count: folders) + "file" }
        try await DisksScratch.with { scratch in
            try write(
                scratch, [ISOFile(path(255), "x")], folders: [String(repeating: "e/", count: 254) + "e"])
            #expect(try ISOReader(scratch.path("i.iso")).read(path(255).utf8) == Array("x".utf8))
            try extract(scratch)
            #expect(try tree(scratch, "xorriso") == expected([ISOFile(path(255), "x")]))
        }
        let long = String(repeating: String(repeating: "n", count: 250) + "/", count: 17) + "file"
        for (files, folders) in [
            ([ISOFile(path(256), "")], []), ([], [String(repeating: "e/", count: 255) + "e"]),
            ([ISOFile(long, "")], []),
        ] {
            let failure = #expect(throws: Failure.self) {
                try ISOImage.bytes(label: "X", files: files, folders: folders)
            }
            #expect(failure?.code == .badField)
            #expect(failure.map { $0.message.utf8.count < 200 } == true)
        }
    }

    @Test(arguments: [
        (["a.txt", "é 漢.txt", "a (1).txt", ".hidden", String(repeating: "x", count: 64)], []),
        (["CON", "x/nul.txt", "com1.log"], ["that of a device", "that of a device", "that of a device"]),
        (["CONSOLE", "com10", "aux2", "xcon.txt"], []),
        (["a.", "b "], ["ends in a dot", "ends in a blank"]),
        (["a<b", "a\"b", "a|b"], ["it has one of", "it has one of", "it has one of"]),
        (["a:b", "q?"], ["is \"a_b\" on Windows", "is \"q_\" on Windows"]),
        ([String(repeating: "x", count: 65)], ["is cut on Windows"]),
        (["README", "readme"], ["is to Windows the name of"]),
        (["Site/a", "site/a"], ["is to Windows the name of"]),
        (["caf\u{E9}", "cafe\u{301}"], []),
        ([String(repeating: "folder name/", count: 22) + "x"], ["more than 256 characters"]),
    ])
    func `tells the names that Windows shows otherwise or cannot open`(_ names: [String], _ told: [String])
        throws
    {
        let warnings = try ISOContents(files: names.map { ISOFile($0, "") }).windowsNameWarnings()
        #expect(warnings.count == told.count, "\(warnings)")
        for (warning, part) in zip(warnings, told) { #expect(warning.message.contains(part)) }
    }

    @Test func `tells no more than a few of many such names`() throws {
        let files = (0..<500).map { ISOFile("a:\($0)", "") }
        #expect(
            try ISOContents(files: files).windowsNameWarnings().last?.message
                == "490 more names are others on Windows")
    }

    @Test func `cannot have two files of one name, nor a file that is a folder`() throws {
        for (files, complaint) in [
            (["a", "a"], "is there twice"), (["a/b", "a"], "is a folder too"),
            (["a", "a/b"], "below a file"),
        ] {
            let failure = #expect(throws: Failure.self) {
                try ISOImage.bytes(label: "X", files: files.map { ISOFile($0, "") })
            }
            #expect(failure?.message.contains(complaint) == true)
        }
    }

    @Test func `cannot have a file of 2 GiB`() {
        // Room nobody touches takes no memory.
        let huge = [UInt8](unsafeUninitializedCapacity: 2 << 30) { _, count in count = 2 << 30 }
        let failure = #expect(throws: Failure.self) {
            try ISOImage.bytes(label: "X", files: [ISOFile("huge", contents: huge)])
        }
        #expect(failure?.message == "the file \"huge\" is 2 GiB")
        #expect(failure?.hint == "a file of an ISO image must be smaller than 2 GiB")
    }

    @Test(arguments: ["", "seventeen letters", "é", "a\nb", " x", "x "])
    func `has a label that fits both trees`(_ label: String) throws {
        let failure = #expect(throws: Failure.self) { try ISOImage.bytes(label: label, files: []) }
        #expect(failure?.message.contains("is not 1 to 16 printable ASCII characters") == true)
    }

    @Test func `replaces an image, and no other file`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, [ISOFile("a", "1")])
            try write(scratch, [ISOFile("a", "2")])
            #expect(try ISOReader(scratch.path("i.iso")).read("a".utf8) == Array("2".utf8))
            try scratch.write("i.iso", Data(repeating: 1, count: 100_000))
            let failure = #expect(throws: Failure.self) { try write(scratch, []) }
            #expect(failure?.code == .fileExists)
            try scratch.run("rm", "i.iso")
            try scratch.run("mkfifo", "i.iso")
            #expect(throws: Failure.self) { try write(scratch, []) }
            #expect(scratch.names == ["i.iso"])
        }
    }

    @Test func `is for its owner alone, or for QEMU's user too`() async throws {
        try await DisksScratch.with { scratch in
            try write(scratch, [])
            #expect(try scratch.run("stat", "-c", "%a", "i.iso") == "600\n")
            try ISOImage.write(to: scratch.path("i.iso"), label: "X", files: [], user: nobody)
            #expect(
                try scratch.run("stat", "-c", "%a %g", "i.iso")
                    == (geteuid() == 0 ? "640 \(nobody.gid)\n" : "644 \(getegid())\n"))
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
