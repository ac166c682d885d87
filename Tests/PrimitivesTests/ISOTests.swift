import Basics
import DiskImages
import Foundation
import Testing

@testable import Primitives

@Suite struct `limiq.iso` {
    @Test func `makes an image, lists it and reads it back`() async throws {
        try await ScriptFolder.with { folder in
            let iso = folder.primitives(isoDefinitions)
            let arguments: Value = [
                "path": "tools.iso", "label": "TOOLS",
                "files": [
                    "README.txt": "hello\n", "site/index.html": "<p>", "hollow": [:],
                    "raw": .bytes([0xFF, 0x00]),
                    "scripts": ["setup.sh": "#!/bin/sh\n"], "key": .secret("hidden"),
                ],
            ]
            #expect(try iso("iso.create", arguments) == .string(folder.path("tools.iso")))
            let listed = try #require(try iso("iso.list", "tools.iso").list)
            #expect(
                Set(listed.compactMap { $0["name"]?.string })
                    == [
                        "README.txt", "hollow", "key", "raw", "scripts", "scripts/setup.sh", "site",
                        "site/index.html",
                    ])
            let readme = try #require(listed.first { $0["name"] == "README.txt" })
            #expect(readme["kind"] == "file")
            #expect(readme["size"] == 6)
            #expect(try iso("iso.read", "tools.iso", "README.txt") == "hello\n")
            #expect(try iso("iso.read", "tools.iso", "raw") == .bytes([0xFF, 0x00]))
            #expect(try iso("iso.read", "tools.iso", "key") == "hidden")
            let modes = try ISOReader(folder.path("tools.iso")).entries().filter { $0.kind == .file }.map(
                \.mode)
            #expect(modes.sorted { ($0 ?? 0) < ($1 ?? 0) } == [0o644, 0o644, 0o644, 0o644, 0o755])
        }
    }

    @Test func `says what is wrong with a name or its contents`() async throws {
        try await ScriptFolder.with { folder in
            let iso = folder.primitives(isoDefinitions)
            for (files, message) in [
                (["a": true], "files.a must be a string, not true"),
                (["d": ["x": 1]], "files.d.x must be a string, not 1"),
                (["..": "x"], "the name \"..\" has \"..\" as a part"),
                (["a": ["b": "1"], "a/b": "2"], "the name \"a/b\" is there twice"),
                ("text", "files must be a table of names and contents, not \"text\""),
            ] as [(Value, String)] {
                let failure = #expect(throws: Failure.self) {
                    try iso("iso.create", ["path": "x.iso", "files": files])
                }
                #expect(failure?.message == message)
            }
            let failure = #expect(throws: Failure.self) { try iso("iso.list", "absent.iso") }
            #expect(failure?.code == .notFound)
            #expect(folder.names.isEmpty)
        }
    }
}
