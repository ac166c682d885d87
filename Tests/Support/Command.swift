import Foundation

/// The answer of a program a test ran.
public struct CommandResult: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String

    public var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a program to its end, off the test's own thread.
///
/// - Parameters:
///   - environment: added to this process's own; an empty text removes a variable.
///   - input: what it reads on standard input.
public func command(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
    folder: String? = nil
) async throws -> CommandResult {
    let running = try RunningCommand(
        program, arguments, environment: environment, input: input, folder: folder)
    return await running.result()
}

/// A program that runs beside the test.
public final class RunningCommand: Sendable {
    public let processID: Int32
    private let outputFile: String
    private let finished: Task<CommandResult, Never>

    public init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
        folder: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment { variables[name] = value.isEmpty ? nil : value }
        process.environment = variables
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        // Files, not pipes: a guest that outlives the program holds its standard error open.
        let scratch = try ScratchFolder(prefix: "command")
        let output = scratch.path + "/out"
        let errors = scratch.path + "/err"
        let stdin = scratch.path + "/in"
        try Data(input.utf8).write(to: URL(fileURLWithPath: stdin))
        for file in [output, errors] { try Data().write(to: URL(fileURLWithPath: file)) }
        let handles = [
            FileHandle(forReadingAtPath: stdin), FileHandle(forWritingAtPath: output),
            FileHandle(forWritingAtPath: errors),
        ]
        process.standardInput = handles[0]
        process.standardOutput = handles[1]
        process.standardError = handles[2]
        // Foundation keeps those of a process that has ended, and crashes where one is beyond 1,024.
        defer { for handle in handles { try? handle?.close() } }
        let (ends, continuation) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            continuation.yield(process.terminationStatus)
            continuation.finish()
        }
        try process.run()
        processID = process.processIdentifier
        outputFile = output
        finished = Task {
            var status: Int32 = -1
            for await value in ends { status = value }
            defer { scratch.remove() }
            return CommandResult(
                status: status,
                output: String(
                    decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self),
                errors: String(
                    decoding: FileManager.default.contents(atPath: errors) ?? Data(), as: UTF8.self))
        }
    }

    /// What it has written so far.
    public var output: String { fileText(outputFile) }

    public func result() async -> CommandResult { await finished.value }

    public func signal(_ number: Int32) { kill(processID, number) }
}
