import Basics
import DiskImages
import Foundation
import HostFiles
import Synchronization
import Testing

@testable import Primitives

@Suite struct `limiq.cidata` {
    @Test func `makes a seed of the texts it is given`() async throws {
        try await ScriptFolder.with { folder in
            let cidata = folder.primitives { cidataDefinitions($0) { _, _ in } }
            let path = try cidata(
                "cidata.create",
                [
                    "path": "seed.iso", "user_data": .secret("#cloud-config\n"),
                    "network_config": "version: 2\n",
                ])
            #expect(path == .string(folder.path("seed.iso")))
            let reader = try ISOReader(folder.path("seed.iso"))
            #expect(reader.label == "cidata")
            #expect(
                try reader.entries().map { String(decoding: $0.path, as: UTF8.self) }.sorted()
                    == ["meta-data", "network-config", "user-data"])
            #expect(try reader.read("user-data".utf8) == Array("#cloud-config\n".utf8))
            #expect(
                try String(decoding: reader.read("meta-data".utf8), as: UTF8.self).hasPrefix(
                    "instance-id: \"iid-"))
        }
    }

    @Test func `carries bytes, and refuses what a guest would not understand`() async throws {
        try await ScriptFolder.with { folder in
            let cidata = folder.primitives { cidataDefinitions($0) { _, _ in } }
            let packed: [UInt8] = [
                // `#cloud-config`, then `timezone: UTC`
                0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x53, 0x4e, 0xce, 0xc9, 0x2f,
                0x4d, 0xd1, 0x4d, 0xce, 0xcf, 0x4b, 0xcb, 0x4c, 0xe7, 0x2a, 0xc9, 0xcc, 0x4d, 0xad, 0xca,
                0xcf, 0x4b, 0xb5, 0x52, 0x08, 0x0d, 0x71, 0xe6, 0x02, 0x00, 0xa4, 0x5d, 0x0d, 0x41, 0x1c,
                0x00, 0x00, 0x00,
            ]
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": .bytes(packed)])
            #expect(try ISOReader(folder.path("a.iso")).read("user-data".utf8) == packed)
            let failure = failure {
                try cidata("cidata.create", ["path": "b.iso", "vendor_data": ["runcmds": ["a"]]])
            }
            #expect(failure.code == .cloudInit)
            #expect(failure.message == "vendor_data.runcmds is no cloud-config key")
            #expect(failure.hint == "did you mean runcmd?")
            #expect(!fileExists(folder.path("b.iso")))
        }
    }

    @Test func `tells what a guest would pass over, and makes the seed`() async throws {
        try await ScriptFolder.with { folder in
            let lines = Mutex<[String]>([])
            let cidata = folder.primitives { environment in
                cidataDefinitions(environment) { level, line in
                    lines.withLock { $0.append("\(level.rawValue) \(line)") }
                }
            }
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": ["apt_update": true]])
            #expect(
                lines.withLock(\.self) == [
                    "warn a.iso: user_data.apt_update is deprecated (use package_update instead)"
                ])
            #expect(fileExists(folder.path("a.iso")))
        }
    }

    @Test func `makes the same bytes of the same arguments, over the seed that is there`() async throws {
        try await ScriptFolder.with { folder in
            let cidata = folder.primitives { cidataDefinitions($0) { _, _ in } }
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": "#!/bin/sh\n"])
            let first = try Data(contentsOf: URL(fileURLWithPath: folder.path("a.iso")))
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": "#!/bin/sh\n"])
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("a.iso"))) == first)
        }
    }
}
