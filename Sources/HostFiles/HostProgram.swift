import Basics
import Glibc
import Subprocess
import Synchronization

/// A program of this host, run to its end.
public struct HostProgram: Sendable {
    public struct Result: Sendable, Equatable {
        /// The exit status; 128 and the signal's number for one a signal ended.
        public let code: Int
        public let output: [UInt8]
        public let errors: [UInt8]
    }

    /// The program's name, looked up in PATH, or a path; then its arguments.
    public var command: [String]
    public var input: [UInt8] = []
    /// The descriptor it reads in the place of `input`, which stays the caller's to close.
    package var inputDescriptor: Int32?
    /// The longest time it may take; `nil` waits for as long as it takes.
    public var timeout: Duration?
    public var folder: String?
    /// The variables that are added to limiq's own environment.
    public var environment: [String: String] = [:]
    /// The listener that is told of each line on standard error as it comes, without its end.
    public var onErrorLine: (@Sendable (String) -> Void)?
    /// The listener that is given standard output as it comes, which the result then holds nothing of. What it throws
    /// ends the program. One that outlives limiq ends at its next write.
    public var onOutput: (@Sendable ([UInt8]) throws -> Void)?
    /// The time a cancelled or late program may clean up between SIGTERM and SIGKILL.
    public var grace: Duration = .seconds(1)

    /// The most output, in bytes; more is an error: it would be held in memory whole.
    private static let mostOutput = 64 << 20

    private enum Event: Sendable {
        case ended(Swift.Result<Result, Failure>)
        case cancelled
    }

    public init(_ command: [String]) { self.command = command }

    /// Whether a program of this name is in PATH.
    package static func isThere(_ name: String) -> Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// Runs the program. A cancelled or late one is ended with all that it started: SIGTERM, then SIGKILL after its
    /// grace.
    ///
    /// - Throws: `Failure` with code `not_found`, `timeout`, `cancelled` or `program`.
    public func run(_ cancellation: Cancellation) throws(Failure) -> Result {
        guard let name = command.first, !name.isEmpty else {
            throw Failure(.badField, "the command is empty", hint: "write { \"program\", \"argument\" }")
        }
        guard !command.contains(where: { $0.utf8.contains(0) }) else {
            throw Failure(.badField, "\(name): an argument cannot hold a NUL byte")
        }
        try cancellation.check()
        // It takes the time it takes, whatever clock the caller follows.
        return try LeapingClock.holding { Swift.Result { () throws(Failure) in try run(name, cancellation) } }
            .get()
    }

    private func run(_ name: String, _ cancellation: Cancellation) throws(Failure) -> Result {
        let group = ProcessGroup()
        let events = Mailbox<Event>()
        let work = Task.detached { events.put(.ended(await runAsync(name, group))) }
        let deadline = timeout.map { ContinuousClock.now + $0 }
        let event = cancellation.withHandler {
            events.put(.cancelled)
        } _: {
            deadline.map { events.next(before: $0) } ?? events.next()
        }
        switch event {
        case .ended(let result)?: return try result.get()
        case .cancelled?:
            end(group, work, events)
            throw Failure(.cancelled, "\(name) was cancelled")
        case nil:
            end(group, work, events)
            throw Failure(.timeout, "\(name) took longer than \(timeout.map { "\($0)" } ?? "it may")")
        }
    }

    /// Ends all processes of the group: asks, waits a little, then insists.
    private func end(_ group: ProcessGroup, _ work: Task<Void, Never>, _ events: Mailbox<Event>) {
        group.signal(SIGTERM)
        let ended = hasEnded(events)
        // Also where the program itself is gone: what it started may have ignored the first signal.
        group.signal(SIGKILL)
        // A process that left the group and still holds the pipes is not ours to wait for.
        if !ended, !hasEnded(events) { work.cancel() }
    }

    private func hasEnded(_ events: Mailbox<Event>) -> Bool {
        let deadline = ContinuousClock.now + grace
        while let event = events.next(before: deadline) {
            if case .ended = event { return true }
        }
        return false
    }

    private func runAsync(_ name: String, _ group: ProcessGroup) async -> Swift.Result<Result, Failure> {
        // A group of its own: a signal to it reaches whatever the program starts.
        var options = PlatformOptions()
        options.processGroupID = 0
        var variables: [Environment.Key: String?] = [:]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }
        let inherited = Environment.inherit.updating(variables)
        do {
            let (executable, arguments) = try await dyingWithLimiq(
                name.contains("/") ? .path(.init(name)) : .name(name), in: inherited)
            let configuration = Configuration(
                executable: executable, arguments: Arguments(arguments), environment: inherited,
                workingDirectory: folder.map { .init($0) }, platformOptions: options)
            let input = try inputFile()
            defer { fclose(input) }
            let standardInput = FileDescriptorInput.fileDescriptor(
                .init(rawValue: inputDescriptor ?? fileno(input)), closeAfterSpawningProcess: false)
            if let onOutput {
                let result = try await Subprocess.run(
                    configuration, input: standardInput, output: .sequence, error: .sequence
                ) { execution in
                    group.began(execution.processIdentifier.value)
                    async let errors = lines(of: execution.standardError)
                    do {
                        for try await part in execution.standardOutput {
                            try onOutput(part.withUnsafeBytes { Array($0) })
                        }
                    } catch {
                        group.signal(SIGKILL)
                        throw error
                    }
                    return try await errors
                }
                return .success(
                    Result(code: code(of: result.terminationStatus), output: [], errors: result.closureResult)
                )
            }
            guard onErrorLine != nil else {
                let result = try await Subprocess.run(
                    configuration, input: standardInput, output: .bytes(limit: Self.mostOutput),
                    error: .bytes(limit: Self.mostOutput)
                ) { execution in
                    group.began(execution.processIdentifier.value)
                }
                return .success(
                    Result(
                        code: code(of: result.terminationStatus), output: result.standardOutput,
                        errors: result.standardError))
            }
            let result = try await Subprocess.run(
                configuration, input: standardInput, output: .bytes(limit: Self.mostOutput), error: .sequence
            ) { execution in
                group.began(execution.processIdentifier.value)
                return try await lines(of: execution.standardError)
            }
            return .success(
                Result(
                    code: code(of: result.terminationStatus), output: result.standardOutput,
                    errors: result.closureResult))
        } catch {
            group.signal(SIGKILL)
            return .failure(explained(error, name))
        }
    }

    /// Reads standard error to its end, and tells of each line.
    private func lines(of errors: SubprocessOutputSequence) async throws -> [UInt8] {
        var all: [UInt8] = []
        for try await line in errors.strings() where all.count < Self.mostOutput {
            all += Array(line.utf8) + [UInt8(ascii: "\n")]
            onErrorLine?(line)
        }
        return all
    }

    /// The program, asked of the kernel to be ended with limiq, `kill -9` of it included (prctl(2), PR_SET_PDEATHSIG). It is
    /// bound to the thread that starts it: Subprocess has one for all, as long as the process lives.
    ///
    /// A program that is given time to clean up is asked to end, any other is killed.
    private func dyingWithLimiq(
        _ executable: Executable, in environment: Environment
    ) async throws(SubprocessError) -> (Executable, [String]) {
        let arguments = Array(command.dropFirst())
        // A relative path is of the folder the program is to run in.
        guard folder == nil || !command[0].contains("/") || command[0].hasPrefix("/"),
            let wrapper = try? await Executable.name("setpriv").resolveExecutablePath(in: .inherit)
        else { return (executable, arguments) }
        let path = try await executable.resolveExecutablePath(in: environment)
        // Why one cannot be run is told better without another between.
        guard access(path.string, X_OK) == 0 else { return (executable, arguments) }
        let signal = grace > .seconds(1) ? "TERM" : "KILL"
        return (.path(wrapper), ["--pdeathsig", signal, "--", path.string] + arguments)
    }

    /// Makes a nameless file with what the program is to read. It is not a pipe: a program that ends without reading it
    /// would end limiq too, by SIGPIPE.
    private func inputFile() throws(Failure) -> UnsafeMutablePointer<FILE> {
        guard let file = input.isEmpty ? fopen("/dev/null", "re") : tmpfile() else {
            throw Failure.system(errno, "cannot make a file for the program's input")
        }
        guard fwrite(input, 1, input.count, file) == input.count, fflush(file) == 0 else {
            let code = errno
            fclose(file)
            throw Failure.system(code, "cannot write the program's input to a file")
        }
        rewind(file)
        return file
    }

    private func explained(_ error: any Error, _ name: String) -> Failure {
        if let failure = error as? Failure { return failure }
        switch (error as? SubprocessError)?.code {
        case .executableNotFound?:
            return Failure(
                .notFound, "the program \(name) is not there", hint: "install it, or give its path")
        case .failedToChangeWorkingDirectory?:
            return Failure(
                .notFound, "\(name) cannot be run: there is no folder \(folder ?? "") to run it in")
        case .outputLimitExceeded?:
            return Failure(
                .program, "\(name) wrote more than \(Self.mostOutput >> 20) MiB and was ended",
                hint: "let it write to a file")
        default: return Failure(.program, "\(name) cannot be run", cause: "\(error)")
        }
    }

    private func code(of status: TerminationStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }
}

/// The processes of one program, by their group's number.
private final class ProcessGroup: Sendable {
    private struct State {
        var id: pid_t?
        /// The signal that was sent before there was a process.
        var pending: Int32?
    }

    private let state = Mutex(State())

    func began(_ id: pid_t) {
        state.withLock { state in
            state.id = id
            if let signal = state.pending { kill(-id, signal) }
        }
    }

    func signal(_ signal: Int32) {
        state.withLock { state in
            if let id = state.id { kill(-id, signal) } else { state.pending = signal }
        }
    }
}
