import Basics
import DiskImages
import Foundation
import HostFiles
import Testing

@testable import Primitives

@Suite struct `limiq.cidata` {
    @Test func `makes a seed of the texts it is given`() async throws {
        try await ScriptFolder.with { folder in
            let cidata = folder.primitives(cidataDefinitions)
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
            let cidata = folder.primitives(cidataDefinitions)
            let packed: [UInt8] = [0x1F, 0x8B, 0x08, 0x00, 0xFF, 0x00]
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

    @Test func `makes the same bytes of the same arguments, over the seed that is there`() async throws {
        try await ScriptFolder.with { folder in
            let cidata = folder.primitives(cidataDefinitions)
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": "#!/bin/sh\n"])
            let first = try Data(contentsOf: URL(fileURLWithPath: folder.path("a.iso")))
            _ = try cidata("cidata.create", ["path": "a.iso", "user_data": "#!/bin/sh\n"])
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("a.iso"))) == first)
        }
    }
}
