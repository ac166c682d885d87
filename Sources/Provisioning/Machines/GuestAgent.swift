import Basics
import FoundationEssentials
import Glibc

/// What a program in a guest did.
public struct ExecResult: Sendable, Equatable {
    /// The exit code; 128 and the signal's number where a signal ended it, as a shell counts.
    public var code: Int
    public var stdout: [UInt8]
    public var stderr: [UInt8]

    public init(code: Int, stdout: [UInt8], stderr: [UInt8]) {
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
    }
}

/// The QEMU guest agent of one domain
/// (https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html).
struct GuestAgent: Sendable {
    let hypervisor: any Hypervisor
    let name: String

    /// The agent runs and answers.
    func answers() -> Bool { (try? ping(within: .seconds(2))) != nil }

    /// - Throws: `Failure` that says what libvirt does of an agent that does not answer.
    func ping(within timeout: Duration) throws(Failure) {
        _ = try hypervisor.agent(name, #"{"execute":"guest-ping"}"#, timeout: timeout)
    }

    /// Runs a program and waits for its end. The agent has no event for that: it is asked again, at first after 5 ms,
    /// later every 200 ms.
    ///
    /// - Throws: `Failure` with code `timeout` (the program then runs on), `cancelled` or `libvirt`.
    func exec(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration, cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        struct Arguments: Encodable {
            var path: String
            var arg: [String]
            var inputData: String?
            var captureOutput = true
            enum CodingKeys: String, CodingKey {
                case path, arg
                case inputData = "input-data"
                case captureOutput = "capture-output"
            }
        }
        struct Process: Codable { var pid: Int }
        struct Status: Decodable {
            var exited: Bool
            var exitcode: Int?
            var signal: Int?
            var outData: String?
            var errData: String?
            enum CodingKeys: String, CodingKey {
                case exited, exitcode, signal
                case outData = "out-data"
                case errData = "err-data"
            }
        }
        guard let program = command.first else { throw Failure(.badField, "there is no command to run") }
        let deadline = ContinuousClock.now + timeout
        let process: Process = try call(
            "guest-exec",
            Arguments(
                path: program, arg: Array(command.dropFirst()),
                inputData: stdin.map { Data($0).base64EncodedString() }))
        var delay: UInt32 = 5_000
        while true {
            let status: Status = try call("guest-exec-status", process)
            if status.exited {
                return ExecResult(
                    code: status.exitcode ?? status.signal.map { 128 + $0 } ?? 0,
                    stdout: Self.bytes(status.outData), stderr: Self.bytes(status.errData))
            }
            guard ContinuousClock.now < deadline else {
                throw Failure(
                    .timeout, "\(program) in \(name) has not ended after \(timeout.short)",
                    hint: "give it a longer timeout; it still runs in the guest as process \(process.pid)",
                    resource: name)
            }
            try cancellation.check()
            usleep(delay)
            delay = min(delay * 3 / 2, 200_000)
        }
    }

    /// Writes out what the guest's file systems hold back, and lets nothing be written until they are thawed.
    ///
    /// - Returns: `false` where they are surely not frozen, as the guest cannot: one whose answer is lost may have done it.
    func freezeFileSystems() -> Bool {
        do throws(Failure) {
            let frozen: Int = try call("guest-fsfreeze-freeze", NothingSaid())
            return frozen > 0
        } catch {
            return error.code != "guest"
        }
    }

    /// Tried again for a while, as a guest that stays frozen does nothing any more.
    ///
    /// - Throws: `Failure` of the last try.
    func thawFileSystems() throws(Failure) {
        var tries = 0
        while true {
            do throws(Failure) {
                let _: Int = try call("guest-fsfreeze-thaw", NothingSaid())
                return
            } catch {
                tries += 1
                guard tries < 10 else {
                    throw Failure(
                        "guest",
                        "the file systems of \(name) may still be frozen, and nothing in it is written",
                        hint: "virsh -c '\(hypervisor.uri)' domfsthaw \(name)", resource: name,
                        cause: error.message)
                }
                sleep(1)
            }
        }
    }

    /// A file's bytes, read in pieces.
    func read(_ path: String, cancellation: Cancellation = Cancellation()) throws(Failure) -> [UInt8] {
        struct Piece: Decodable {
            var buffer: String
            var eof: Bool
            enum CodingKeys: String, CodingKey {
                case eof
                case buffer = "buf-b64"
            }
        }
        return try withFile(path, mode: "r") { (handle) throws(Failure) in
            var bytes: [UInt8] = []
            while true {
                try cancellation.check()
                let piece: Piece = try call(
                    "guest-file-read", ReadArguments(handle: handle, count: 256 << 10))
                bytes += Self.bytes(piece.buffer)
                if piece.eof { return bytes }
            }
        }
    }

    /// Writes a file in pieces, in the place of one that is there.
    ///
    /// - Parameter mode: its permissions in octal digits, set before the first byte; `nil` leaves what the agent gives (0666).
    func write(
        _ path: String, _ bytes: [UInt8], mode: String?, cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        struct Piece: Encodable {
            var handle: Int
            var buffer: String
            enum CodingKeys: String, CodingKey {
                case handle
                case buffer = "buf-b64"
            }
        }
        struct Count: Decodable { var count: Int }
        try withFile(path, mode: "w") { (handle) throws(Failure) in
            if let mode {
                let result = try exec(
                    ["chmod", mode, path], timeout: .seconds(30), cancellation: cancellation)
                guard result.code == 0 else {
                    throw Failure(
                        "guest", "cannot set the mode of \(path) in \(name)", resource: name,
                        cause: String(decoding: result.stderr, as: UTF8.self).trimmed())
                }
            }
            var rest = bytes[...]
            while !rest.isEmpty {
                try cancellation.check()
                let piece = Data(rest.prefix(48 << 10)).base64EncodedString()
                let written: Count = try call("guest-file-write", Piece(handle: handle, buffer: piece))
                rest = rest.dropFirst(max(1, written.count))
            }
        }
    }

    private struct OpenArguments: Encodable {
        var path: String
        var mode: String
    }

    private struct Handle: Encodable { var handle: Int }

    private struct ReadArguments: Encodable {
        var handle: Int
        var count: Int
    }

    private func withFile<Result>(
        _ path: String, mode: String, _ body: (Int) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let handle: Int = try call("guest-file-open", OpenArguments(path: path, mode: mode))
        let result: Result
        do { result = try body(handle) } catch {
            let _: NothingSaid? = try? call("guest-file-close", Handle(handle: handle))
            throw error
        }
        let _: NothingSaid = try call("guest-file-close", Handle(handle: handle))
        return result
    }

    private func call<Arguments: Encodable, Result: Decodable>(
        _ command: String, _ arguments: Arguments
    ) throws(Failure) -> Result {
        let reply: String
        do {
            let text = try JSONEncoder().encode(MonitorCommand(execute: command, arguments: arguments))
            reply = try hypervisor.agent(
                name, String(decoding: text, as: UTF8.self), timeout: .seconds(30))
            return try JSONDecoder().decode(AgentReply<Result>.self, from: Data(reply.utf8)).value
        } catch let failure as Failure { throw refusal(failure) } catch {
            throw Failure(
                .libvirt, "the guest agent of \(name) gave an answer to \(command) nobody understands",
                cause: "\(error)")
        }
    }

    /// What the agent itself says, out of libvirt's `unable to execute QEMU agent command 'guest-file-open': …`.
    private func refusal(_ failure: Failure) -> Failure {
        let words = "\(failure.message): \(failure.cause ?? "")"
        // libvirt reads 10 MiB of an answer, in which bytes are base64, and then has done with the agent.
        if words.contains("No complete agent response") {
            return Failure(
                "guest", "the answer of the agent of \(name) is longer than libvirt takes, 7.5 MiB of output",
                hint: "write a program's output to a file in the guest, and take that with read_file",
                resource: name)
        }
        guard let command = words.firstRange(of: "QEMU agent command '"),
            let end = words[command.upperBound...].firstRange(of: "': ")
        else { return failure }
        return Failure(
            "guest", "the agent of \(name) cannot do it: \(String(words[end.upperBound...]).trimmed())",
            resource: name)
    }

    private static func bytes(_ base64: String?) -> [UInt8] {
        base64.flatMap { Data(base64Encoded: $0) }.map(Array.init) ?? []
    }
}

private struct AgentReply<Value: Decodable>: Decodable {
    var value: Value
    enum CodingKeys: String, CodingKey { case value = "return" }
}
