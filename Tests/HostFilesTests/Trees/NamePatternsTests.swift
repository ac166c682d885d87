import Basics
import Foundation
import HostFiles
import Support
import Testing

@Suite struct `What is left out of a folder that is kept in step` {
    private func leftOut(_ path: String, by patterns: String...) throws -> Bool {
        let isFolder = path.hasSuffix("/")
        let bytes = Array((isFolder ? path.dropLast() : path[...]).utf8)
        return try NamePatterns(patterns).leaveOut(bytes, isFolder: isFolder)
    }

    /// A path that ends in a slash is a folder's.
    @Test(arguments: [
        // A name, at any depth, with all that is in it.
        ("node_modules", "node_modules/", true), ("node_modules", "a/node_modules/b/c.js", true),
        ("node_modules", "my_node_modules/", false), ("node_modules", "node_modules.txt", false),
        ("*.log", "x.log", true), ("*.log", "a/b/x.log", true), ("*.log", "x.log.gz", false),
        ("*.log", ".log", true),
        ("*.log", "x.log/inner", true),
        // From the top.
        ("/build", "build/", true), ("/build", "build/x", true), ("/build", "a/build/", false),
        ("./build", "build/", true), ("./build", "a/build/", false), ("/a/b", "a/b", true),
        ("/a/b", "x/a/b", false),
        // The end of a path.
        ("a/b", "a/b", true), ("a/b", "x/a/b", true), ("a/b", "xa/b", false), ("a/b", "a/b/c", true),
        ("a/*.o", "a/x.o", true), ("a/*.o", "a/b/x.o", false),
        // A folder only.
        ("out/", "out/", true), ("out/", "out/x", true), ("out/", "out", false), ("/out/", "a/out/", false),
        // Any path.
        ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/z", false), ("/docs/**", "docs/", false),
        ("/docs/**", "docs/a/b", true), ("**/tmp", "a/b/tmp", true), ("**/tmp", "tmp", true),
        // Odd names.
        ("two words", "two words", true), ("two words", "words", false), ("-x", "-x", true),
        ("--delete", "--delete", true),
        ("é?", "éü", true), ("?", "é", true), ("??", "é", false), ("[à-ü].txt", "é.txt", true),
        ("[!à-ü]", "é", false),
        ("#x", "#x", true), ("+ x", "+ x", true), ("- x", "- x", true), ("a\\*", "a*", true),
        ("a\\*", "ab", false),
        ("\\!x", "!x", true), ("[]]", "]", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
        ("a?c", "a/c", false),
        ("a[/]c", "a/c", false), ("{a,b}", "{a,b}", true), ("$HOME", "$HOME", true), ("a\nb", "a\nb", true),
    ])
    func `is what a pattern says of a path`(_ pattern: String, _ path: String, _ isLeftOut: Bool) throws {
        #expect(try leftOut(path, by: pattern) == isLeftOut)
    }

    @Test func `is the same for both forms of a letter only where they are the same bytes`() throws {
        #expect(try !leftOut("e\u{301}", by: "\u{e9}"))
        #expect(try leftOut("e\u{301}", by: "e\u{301}"))
        // A name that is no text.
        let patterns = try NamePatterns(["caf?", "*.txt"])
        #expect(patterns.leaveOut(Array("caf".utf8) + [0xE9], isFolder: false))
        #expect(patterns.leaveOut([0xFF, 0xFE] + Array(".txt".utf8), isFolder: false))
        #expect(!patterns.leaveOut([0xFF, 0xFE], isFolder: false))
    }

    @Test(arguments: ["", "/", "./", "//", "!keep", "[a", "[]", "[z-a]", "a\\", "a\0b"])
    func `is not said by what can be no pattern`(_ pattern: String) throws {
        let failure = try #require(throws: Failure.self) { try NamePatterns(["x", pattern]) }
        #expect(failure.code == .badField && failure.message.hasPrefix("exclude[2] "), "\(failure)")
    }

    @Test func `is found in no time, however a pattern is made`() throws {
        let began = ContinuousClock.now
        let name = String(repeating: "a", count: 250)
        #expect(
            try !leftOut(
                name, by: String(repeating: "*a", count: 60) + "b", String(repeating: "**a", count: 60) + "b")
        )
        #expect(ContinuousClock.now - began < .seconds(5))
    }

    /// rsync, which has the same rules, is the judge.
    @Test func `is what rsync leaves out`() async throws {
        try await ScratchFolder.with { folder in
            let files = [
                "build/x", "a/build/y", "a/b/c.log", "a/b.log/d", "b/a/b/e", "x.o", "a/x.o", "a/c/x.o",
                "node_modules/m",
                "a/node_modules/m", "two words/f", "-x", "a/-x", "é.txt", "docs/a/b/z", "docs/z", "out",
                "a/out/q", "[x]", "a*",
            ]
            for file in files {
                try makeFolders((folder + "/from/" + file as NSString).deletingLastPathComponent)
                try Data("1".utf8).write(to: URL(fileURLWithPath: folder + "/from/" + file))
            }
            for pattern in [
                "build", "/build", "build/", "*.log", "a/b", "/a/b", "*.o", "a/*.o", "/*.o", "a/**", "**/x.o",
                "node_modules",
                "two words", "two*", "-x", "/-x", "é.txt", "docs/**/z", "/docs/*/", "out/", "out", "\\[x\\]",
                "[xo]*", "a\\*", "?ut",
                "[!a-m]*", "a/", "*", "/*/*",
            ] {
                try? FileManager.default.removeItem(atPath: folder + "/to")
                let copied = try await command(
                    "rsync", ["-a", "--filter=- \(pattern)", folder + "/from/", folder + "/to/"])
                #expect(copied.status == 0, "\(pattern): \(copied.errors)")
                var tree = FolderTree(folder + "/from", without: try NamePatterns([pattern]))
                try tree.readAll()
                var judged = FolderTree(folder + "/to", without: try NamePatterns([]))
                try judged.readAll()
                let (ours, theirs) = (Set(tree.entries.keys), Set(judged.entries.keys))
                #expect(
                    ours == theirs,
                    "\(pattern): \(ours.symmetricDifference(theirs).map { String(decoding: $0, as: UTF8.self) })"
                )
            }
        }
    }
}
