import Basics
import Foundation
import Testing

/// A folder of its own for one test, gone afterwards however the test ends.
package final class DisksScratch {
    private let folder: ScratchFolder
    package var root: String { folder.path }

    private init() throws { folder = try ScratchFolder(prefix: "disks") }

    /// Runs `body` on a thread that may block: those of the cooperative pool are two, and the programs limiq runs need
    /// one of them.
    package static func with(_ body: @escaping @Sendable (DisksScratch) throws -> Void) async throws {
        try await onBlockingThread {
            let scratch = try DisksScratch()
            defer { scratch.folder.remove() }
            try body(scratch)
        }
    }

    package func path(_ name: String) -> String { "\(root)/\(name)" }

    package func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path(name)))
    }

    package func write(_ name: String, _ data: Data) throws {
        try data.write(to: URL(fileURLWithPath: path(name)))
    }

    /// Changes bytes of a file in place.
    package func patch(_ name: String, at offset: Int, _ bytes: [UInt8]) throws {
        var data = try self.bytes(name)
        data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        try write(name, data)
    }

    package var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: root).sorted()) ?? []
    }

    struct ToolFailure: Error, CustomStringConvertible { let description: String }

    /// Runs a program to its end in this folder; what it prints on either channel.
    @discardableResult
    package func run(_ program: String, _ arguments: String..., fails: Bool = false) throws -> String {
        try run(program, arguments, fails: fails)
    }

    @discardableResult
    package func run(_ program: String, _ arguments: [String], fails: Bool = false) throws -> String {
        let result = try Support.run(program, arguments, environment: ["LC_ALL": "C.UTF-8"], folder: root)
        let text = result.output + result.errors
        guard (result.status != 0) == fails else {
            throw ToolFailure(description: "\(program) \(arguments): \(result.status): \(text)")
        }
        return text
    }
}

/// qemu-io with an image open, until `close`.
package final class OpenDisk {
    private let process = Process()
    private let input = Pipe()

    /// Returns when the image is open.
    package init(_ path: String, format: String, readOnly: Bool) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["qemu-io", "-f", format] + (readOnly ? ["-r"] : []) + [path]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data("length\n".utf8))
        var seen = Data()
        while !seen.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            seen += more
        }
    }

    package func close() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
