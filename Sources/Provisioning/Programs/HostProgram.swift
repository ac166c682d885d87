import Basics
import Glibc
import Subprocess

/// A program of this machine, run to its end.
public struct HostProgram: Sendable {
    public struct Result: Sendable, Equatable {
        /// The exit status; 128 and the signal's number for one a signal ended.
        public let code: Int
        public let output: [UInt8]
        public let errors: [UInt8]
    }

    /// The name, looked up in PATH, or a path; then its arguments.
    public var command: [String]
    public var input: [UInt8] = []
    /// `nil` waits for as long as it takes.
    public var timeout: Duration?
    public var folder: String?
    /// Added to limiq's own environment.
    public var environment: [String: String] = [:]
    /// Told of each line on standard error as it comes, without its end.
    public var onErrorLine: (@Sendable (String) -> Void)?
    /// How long a cancelled or late program may clean up between SIGTERM and SIGKILL.
    public var grace: Duration = .seconds(1)

    /// More than this of output is an error: it would be held in memory whole.
    private static let mostOutput = 64 << 20

    public init(_ command: [String]) { self.command = command }

    /// Runs it. A cancelled or late one is ended with all that it started: SIGTERM, then SIGKILL after its grace.
    ///
    /// - Throws: `Failure` with code `not_found`, `timeout`, `cancelled` or `program`.
    public func run(_ cancellation: Cancellation) throws(Failure) -> Result {
        guard let name = command.first, !name.isEmpty else {
            throw Failure(.badField, "the command is empty", hint: "write { \"program\", \"argument\" }")
        }
        let answer = Mailbox<Swift.Result<Result, Failure>>()
        let task = Task.detached { answer.put(await runAsync(name)) }
        let result = cancellation.withHandler {
            task.cancel()
        } _: {
            timeout.map { answer.next(before: .now + $0) } ?? answer.next()
        }
        if cancellation.isCancelled {
            task.cancel()
            throw Failure(.cancelled, "\(name) was cancelled")
        }
        guard let result else {
            task.cancel()
            _ = answer.next(before: .now + grace + .seconds(1))
            throw Failure(.timeout, "\(name) took longer than \(timeout.map { "\($0)" } ?? "it may")")
        }
        return try result.get()
    }

    private func runAsync(_ name: String) async -> Swift.Result<Result, Failure> {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: grace)
        ]
        var variables: [Environment.Key: String?] = [:]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        let executable: Executable = name.contains("/") ? .path(.init(name)) : .name(name)
        let arguments = Arguments(Array(command.dropFirst()))
        let variablesOfAll = Environment.inherit.updating(variables)
        do {
            guard let onErrorLine else {
                let result = try await Subprocess.run(
                    executable, arguments: arguments, environment: variablesOfAll,
                    workingDirectory: folder.map { .init($0) }, platformOptions: options, input: .array(input),
                    output: .bytes(limit: Self.mostOutput), error: .bytes(limit: Self.mostOutput))
                return .success(
                    Result(
                        code: code(of: result.terminationStatus), output: result.standardOutput,
                        errors: result.standardError))
            }
            var errors: [UInt8] = []
            let result = try await Subprocess.run(
                executable, arguments: arguments, environment: variablesOfAll,
                workingDirectory: folder.map { .init($0) }, platformOptions: options, input: .array(input),
                output: .bytes(limit: Self.mostOutput), error: .sequence
            ) { execution in
                for try await line in execution.standardError.strings() where errors.count < Self.mostOutput {
                    errors += Array(line.utf8) + [UInt8(ascii: "\n")]
                    onErrorLine(line)
                }
            }
            return .success(
                Result(code: code(of: result.terminationStatus), output: result.standardOutput, errors: errors))
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return .failure(
                Failure(.notFound, "the program \(name) is not there", hint: "install it, or give its path"))
        } catch {
            return .failure(Failure(.program, "\(name) cannot be run", cause: "\(error)"))
        }
    }

    private func code(of status: TerminationStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }
}
