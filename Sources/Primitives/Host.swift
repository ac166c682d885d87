import Basics
import Glibc
import Subprocess
import Synchronization

/// `limiq.host`: programs of the machine limiq runs on.
public func hostDefinitions(_ environment: Environment) -> [Definition] {
    [
        Definition(
            "host.run", .table, record, returns: "limiq.HostResult",
            doc: "Runs a program of this machine, without a shell, in the script's folder, and waits for its end. Returns "
                + "`code`, `stdout` and `stderr`; a program ended by a signal has code 128 + the signal's number. "
                + "Raises `program` for a code other than 0 unless `check = false`, and `timeout`; either then, or when the task "
                + "is cancelled, all processes it started end. `--no-host` forbids it.",
            example: #"print(limiq.host.run({ "uname", "-r", timeout = "5s" }).stdout)"#
        ) { call, request in
            guard !environment.forbidsHostPrograms else {
                throw Failure(
                    "forbidden", "host.run \(call.command.first ?? ""): programs of this machine are forbidden by --no-host",
                    hint: "run it without --no-host if you trust the script")
            }
            return try run(call, environment, request.cancellation)
        }
    ]
}

private struct Call: Sendable {
    var command: [String] = []
    var stdin: [UInt8] = []
    var timeout: Duration?
    var check = true
    var cwd: String?
    var env: [String: String] = [:]
}

private let record = Record<Call>(
    "limiq.HostRun", "A program, its arguments, and how to run it.", make: { Call() },
    fields: [
        Field("command", \.command, .list(of: .string), required: true, "The program, then its arguments."),
        Field("stdin", \.stdin, .bytes, "What it reads; nothing where left out."),
        Field("timeout", \.timeout, .duration, "How long it may take; no limit where left out."),
        Field("check", \.check, .bool, "Raise for a code other than 0; true where left out."),
        Field("cwd", \.cwd, .path, "Its folder; the script's where left out."),
        Field("env", \.env, .dictionary(of: .string), "Variables besides those limiq itself has."),
    ])

/// The most either stream may carry.
private let outputLimit = 16 << 20
/// How long processes get between SIGTERM and SIGKILL.
private let grace = Duration.seconds(2)

private struct Ended: Sendable {
    var code: Int
    var stdout: [UInt8]
    var stderr: [UInt8]
}

private enum Event: Sendable {
    case ended(Result<Ended, any Error>)
    case cancelled
}

private func run(
    _ call: Call, _ environment: Environment, _ cancellation: Cancellation
) throws(Failure) -> Value {
    guard let program = call.command.first, !program.isEmpty else {
        throw Failure(.badField, "command is empty", hint: "write limiq.host.run { \"program\", \"argument\" }")
    }
    guard !call.command.contains(where: { $0.utf8.contains(0) }) else {
        throw Failure(.badField, "command: an argument cannot hold a NUL byte")
    }
    try cancellation.check()
    let group = ProcessGroup()
    let mailbox = Mailbox<Event>()
    let work = Task.detached {
        do { mailbox.put(.ended(.success(try await start(call, environment, group)))) } catch {
            mailbox.put(.ended(.failure(error)))
        }
    }
    let deadline = call.timeout.map { ContinuousClock.now + $0 }
    let event = cancellation.withHandler({ mailbox.put(.cancelled) }) {
        deadline.map { mailbox.next(before: $0) } ?? mailbox.next()
    }
    switch event {
    case .ended(.success(let ended))?:
        return try answer(ended, call)
    case .ended(.failure(let error))?:
        group.end(SIGKILL)
        throw explained(error, call)
    case .cancelled?:
        end(group, work, mailbox)
        throw Failure(.cancelled, "\(program) was cancelled")
    case nil:
        end(group, work, mailbox)
        throw Failure(
            .timeout, "\(program) did not end within \(seconds(call.timeout))",
            hint: "give it more time with timeout =")
    }
}

private func start(
    _ call: Call, _ environment: Environment, _ group: ProcessGroup
) async throws -> Ended {
    let program = call.command[0]
    let input = try inputFile(call.stdin)
    defer { fclose(input) }
    // A group of its own: a signal to it reaches whatever the program started.
    var options = PlatformOptions()
    options.processGroupID = 0
    var variables: [Subprocess.Environment.Key: String?] = [:]
    for (name, value) in call.env {
        guard let key = Subprocess.Environment.Key(rawValue: name) else { continue }
        variables[key] = value
    }
    let result = try await Subprocess.run(
        program.contains("/") ? .path(.init(environment.absolute(program))) : .name(program),
        arguments: Arguments(Array(call.command.dropFirst())),
        environment: .inherit.updating(variables),
        workingDirectory: .init(call.cwd.map(environment.absolute) ?? environment.scriptFolder),
        platformOptions: options,
        input: .fileDescriptor(.init(rawValue: fileno(input)), closeAfterSpawningProcess: false),
        output: .bytes(limit: outputLimit),
        error: .bytes(limit: outputLimit)
    ) { execution in
        group.began(execution.processIdentifier.value)
    }
    let code: Int
    switch result.terminationStatus {
    case .exited(let status): code = Int(status)
    case .signaled(let signal): code = 128 + Int(signal)
    }
    return Ended(code: code, stdout: result.standardOutput, stderr: result.standardError)
}

/// A nameless file with what the program is to read. Not a pipe: a program that ends without reading it would end
/// limiq too, by SIGPIPE.
private func inputFile(_ bytes: [UInt8]) throws(Failure) -> UnsafeMutablePointer<FILE> {
    guard let file = bytes.isEmpty ? fopen("/dev/null", "re") : tmpfile() else {
        throw Failure(.io, "cannot make a file for the program's input: \(String(cString: strerror(errno)))")
    }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count, fflush(file) == 0 else {
        let reason = String(cString: strerror(errno))
        fclose(file)
        throw Failure(.io, "cannot write the program's input to a file: \(reason)")
    }
    rewind(file)
    return file
}

/// Ends all processes of the group: asks, waits a little, then insists.
private func end(_ group: ProcessGroup, _ work: Task<Void, Never>, _ mailbox: Mailbox<Event>) {
    group.end(SIGTERM)
    let ended = hasEnded(mailbox, within: grace)
    // Also where the program itself is gone: what it started may have ignored the first signal.
    group.end(SIGKILL)
    guard !ended, !hasEnded(mailbox, within: grace) else { return }
    // A process that left the group still holds the pipes: no longer ours to wait for.
    work.cancel()
}

private func hasEnded(_ mailbox: Mailbox<Event>, within limit: Duration) -> Bool {
    let deadline = ContinuousClock.now + limit
    while let event = mailbox.next(before: deadline) {
        if case .ended = event { return true }
    }
    return false
}

/// The processes of one program, by their group's number.
private final class ProcessGroup: Sendable {
    private struct State {
        var id: pid_t?
        /// Sent before there was a process.
        var pending: Int32?
    }

    private let state = Mutex(State())

    func began(_ id: pid_t) {
        state.withLock { state in
            state.id = id
            if let signal = state.pending { kill(-id, signal) }
        }
    }

    func end(_ signal: Int32) {
        state.withLock { state in
            if let id = state.id { kill(-id, signal) } else { state.pending = signal }
        }
    }
}

// MARK: - The answer

private func answer(_ ended: Ended, _ call: Call) throws(Failure) -> Value {
    if call.check, ended.code != 0 {
        let text = String(decoding: ended.stderr.isEmpty ? ended.stdout : ended.stderr, as: UTF8.self)
        let lines = text.split(separator: "\n").suffix(5).joined(separator: "\n")
        throw Failure(
            .program, "\(call.command.joined(separator: " ")) ended with code \(ended.code)",
            hint: "check = false gives the code instead of raising",
            cause: lines.isEmpty ? nil : lines)
    }
    return [
        "code": .int(Int64(ended.code)), "stdout": Codec.bytes.encode(ended.stdout),
        "stderr": Codec.bytes.encode(ended.stderr),
    ]
}

private func explained(_ error: any Error, _ call: Call) -> Failure {
    let program = call.command[0]
    switch (error as? SubprocessError)?.code {
    case .executableNotFound?:
        return Failure(
            .notFound, "there is no program \(program)", hint: program.contains("/") ? nil : "install it, or give its path")
    case .failedToChangeWorkingDirectory?:
        return Failure(.notFound, "cannot run \(program): there is no folder \(call.cwd ?? "of the script") to run it in")
    case .outputLimitExceeded?:
        return Failure(
            .program, "\(program) wrote more than \(ByteSize(bytes: UInt64(outputLimit))) and was ended",
            hint: "let it write to a file")
    default:
        return Failure(.program, "cannot run \(program)", cause: "\(error)")
    }
}

private func seconds(_ duration: Duration?) -> String {
    guard let duration else { return "its time" }
    let parts = duration.components
    let milliseconds = parts.attoseconds / 1_000_000_000_000_000
    return milliseconds == 0 ? "\(parts.seconds) s" : "\(parts.seconds * 1000 + milliseconds) ms"
}
