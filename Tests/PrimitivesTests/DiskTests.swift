import Basics
import Foundation
import HostFiles
import ImageLibrary
import LuaRuntime
import Support
import Testing

@testable import Primitives

@Suite struct `limiq.disk` {
    @Test func `makes, tells, grows and removes disks, by paths relative to the script`() async throws {
        try await ScriptFolder.with { folder in
            let disk = folder.primitives(diskDefinitions)
            #expect(
                try disk("disk.create", ["path": "base.qcow2", "size": "1GiB"])
                    == .string(folder.path("base.qcow2")))
            #expect(
                try disk("disk.overlay", ["path": "top.qcow2", "backing_file": "base.qcow2", "size": "2GiB"])
                    == .string(folder.path("top.qcow2")))
            let info = try disk("disk.info", "top.qcow2")
            #expect(info["format"] == "qcow2")
            #expect(info["virtual_size"] == .int(2 << 30))
            #expect(info["backing_file"] == .string(folder.path("base.qcow2")))
            #expect(info["backing_format"] == "qcow2")
            #expect(info["chain"]?.list?.map { $0["virtual_size"] } == [.int(2 << 30), .int(1 << 30)])
            #expect(try disk("disk.resize", "top.qcow2", "3GiB") == .null)
            #expect(try disk("disk.info", "top.qcow2")["virtual_size"] == .int(3 << 30))
            #expect(try disk("disk.remove", "top.qcow2") == .null)
            #expect(Set(folder.names).subtracting(["state"]) == ["base.qcow2"])
        }
    }

    @Test func `takes a raw format by either name`() async throws {
        try await ScriptFolder.with { folder in
            let disk = folder.primitives(diskDefinitions)
            _ = try disk("disk.create", ["path": "a", "size": .int(1 << 20), "format": "raw"])
            _ = try disk("disk.create", ["path": "b", "size": "1MiB", "format": "DISK_FORMAT_RAW"])
            #expect(try disk("disk.info", "a")["format"] == "raw")
            _ = try disk("disk.overlay", ["path": "c", "backing_file": "b", "backing_format": "raw"])
        }
    }

    @Test func `says what is wrong with an argument, and with a base`() async throws {
        try await ScriptFolder.with { folder in
            let disk = folder.primitives(diskDefinitions)
            _ = try disk("disk.create", ["path": "base.qcow2", "size": "2GiB"])
            for (arguments, message) in [
                (["path": "x"], "backing_file is missing"),
                (
                    ["path": "x", "backing_file": "base.qcow2", "sise": "1GiB"],
                    "sise is not a field of limiq.DiskOverlay"
                ),
                (
                    ["path": "x", "backing_file": "base.qcow2", "size": "1GiB"],
                    "size is 1 GiB, smaller than its base (2 GiB)"
                ),
                (
                    ["path": "base.qcow2", "backing_file": "base.qcow2"],
                    "\(folder.path("base.qcow2")) exists"
                ),
            ] as [(Value, String)] {
                let failure = #expect(throws: Failure.self) { try disk("disk.overlay", arguments) }
                #expect(failure?.message == message)
            }
            let failure = #expect(throws: Failure.self) { try disk("disk.remove", "absent") }
            #expect(failure?.code == .notFound)
            let remote = #expect(throws: Failure.self) {
                try disk("disk.overlay", ["path": "x", "backing_file": "nbd://localhost/x"])
            }
            #expect(remote?.code == .notFound)
            #expect(Set(folder.names).subtracting(["state"]) == ["base.qcow2"])
        }
    }
}

/// A folder a script lies in, gone afterwards; and the primitives that script would call.
final class ScriptFolder: Sendable {
    private let folder: ScratchFolder
    var root: String { folder.path }

    private init() throws { folder = try ScratchFolder(prefix: "script") }

    /// Runs `body` on a thread that may block, as a run's pool does.
    static func with(_ body: @escaping @Sendable (ScriptFolder) throws -> Void) async throws {
        try await onBlockingThread {
            let script = try ScriptFolder()
            defer { script.folder.remove() }
            try body(script)
        }
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: root).sorted()) ?? [] }

    struct Calls {
        let definitions: [Definition]

        func callAsFunction(_ name: String, _ arguments: Value...) throws -> Value {
            let definition = try #require(definitions.first { $0.primitive.name == name })
            let answer = try definition.primitive.perform(Request(name: name, arguments: arguments))
            return try #require(answer.first)
        }
    }

    func primitives(_ definitions: (Environment) -> [Definition]) -> Calls {
        Calls(
            definitions: definitions(
                Environment(
                    state: StateFolder(root: root + "/state"),
                    images: ImageLibrary(
                        state: StateFolder(root: root + "/state"), builders: root, catalogue: shippedCatalogue
                    ),
                    scriptFolder: root
                ) {
                    _ throws(Failure) in throw Failure(.hostNotAble, "no hypervisor in this test")
                }))
    }
}
