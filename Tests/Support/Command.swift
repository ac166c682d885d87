import Basics
import Foundation
import Glibc

/// The answer of a program a test ran.
public struct CommandResult: Sendable {
    /// The exit code, or the signal that ended it.
    public let status: Int32
    public let output: String
    public let errors: String

    public var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs a program to its end, off the test's own thread.
///
/// - Parameters:
///   - program: a name to look up in `PATH`, or a path.
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

/// Runs a program to its end, on a thread that may block.
@discardableResult
public func run(
    _ program: String, _ arguments: String..., environment: [String: String] = [:], folder: String? = nil
) throws -> CommandResult {
    try run(program, arguments, environment: environment, folder: folder)
}

@discardableResult
public func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String? = nil
) throws -> CommandResult {
    try Launch(program, arguments, environment: environment, input: "", folder: folder).result()
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
        let launch = try Launch(program, arguments, environment: environment, input: input, folder: folder)
        processID = launch.process
        outputFile = launch.output
        finished = Task {
            await withCheckedContinuation { ended in
                startThread { ended.resume(returning: launch.result()) }
            }
        }
    }

    /// What it has written so far.
    public var output: String { fileText(outputFile) }

    public func result() async -> CommandResult { await finished.value }

    public func signal(_ number: Int32) { kill(processID, number) }
}

/// A program and the files it reads and writes. Not pipes: a guest that outlives the program holds its standard error open.
/// And not Foundation's `Process`, which waits for the daemons that a program leaves.
private struct Launch {
    let process: pid_t
    private let scratch: ScratchFolder

    var output: String { scratch.path + "/out" }
    private var errors: String { scratch.path + "/err" }

    init(
        _ program: String, _ arguments: [String], environment: [String: String], input: String,
        folder: String?
    ) throws {
        scratch = try ScratchFolder(prefix: "command")
        try Data(input.utf8).write(to: URL(fileURLWithPath: scratch.path + "/in"))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, scratch.path + "/in", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, scratch.path + "/out", O_WRONLY | O_CREAT, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, scratch.path + "/err", O_WRONLY | O_CREAT, 0o644)
        for descriptor in folderNames("/proc/self/fd").compactMap({ Int32($0) }) where descriptor > 2 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        // In a process group of its own, with no signal blocked or ignored.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment { variables[name] = value.isEmpty ? nil : value }
        var words =
            (["env"] + (folder.map { ["-C", $0] } ?? []) + [program] + arguments).map { strdup($0) } + [nil]
        var settings = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + settings { free(text) } }
        var process = pid_t()
        let status = posix_spawnp(&process, "/usr/bin/env", &actions, &attributes, &words, &settings)
        guard status == 0 else {
            throw Failure(.program, "cannot run \(program)", cause: String(cString: strerror(status)))
        }
        self.process = process
    }

    /// Waits for the program's end, once.
    func result() -> CommandResult {
        defer { scratch.remove() }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // wait(2): the signal in the low seven bits, else the exit code above.
        let code = status & 0x7f == 0 ? status >> 8 & 0xff : status & 0x7f
        return CommandResult(status: code, output: fileText(output), errors: fileText(errors))
    }
}
