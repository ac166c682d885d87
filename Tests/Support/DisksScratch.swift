import Basics
import Foundation
import Testing

/// A folder of its own for one test, gone afterwards however the test ends.
package final class DisksScratch {
    package let root: String

    private init() throws {
        root =
            FileManager.default.temporaryDirectory.path + "/limiq-disks-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        chmod(root, 0o755)
    }

    /// Runs `body` on a thread that may block: those of the cooperative pool are two, and the programs limiq runs need
    /// one of them.
    package static func with(_ body: @escaping @Sendable (DisksScratch) throws -> Void) async throws {
        try await withTaskExecutorPreference(BlockingThreads.shared) {
            try await onThread(body)
        }
    }

    private static func onThread(_ body: @Sendable (DisksScratch) throws -> Void) async throws {
        let scratch = try DisksScratch()
        defer { try? FileManager.default.removeItem(atPath: scratch.root) }
        try body(scratch)
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
        let output = path(".output-\(UInt64.random(in: 0...UInt64.max))")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: output) }
        let handle = try #require(FileHandle(forWritingAtPath: output))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: root)
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C.UTF-8"]) { $1 }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: output)), as: UTF8.self)
        guard (process.terminationStatus != 0) == fails else {
            throw ToolFailure(description: "\(program) \(arguments): \(process.terminationStatus): \(text)")
        }
        return text
    }
}

/// Runs tasks on threads of a pool.
private final class BlockingThreads: TaskExecutor {
    static let shared = BlockingThreads()

    private let pool = WorkerPool(limit: 4)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pool.run { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
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
