import Basics
import FoundationEssentials
import Glibc

/// The result of a program in a guest.
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

extension GuestAgent {
    private struct Program: Encodable {
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

    private struct Process: Codable { var pid: Int64 }

    private struct Status: Decodable {
        var exited: Bool
        var exitcode: Int64?
        var signal: Int64?
        var outData: String?
        var errData: String?
        enum CodingKeys: String, CodingKey {
            case exited, exitcode, signal
            case outData = "out-data"
            case errData = "err-data"
        }
    }

    /// Runs a program and waits for its end. The agent has no event for that: it is asked again, at first after 5 ms,
    /// later every 200 ms.
    ///
    /// - Parameter eachTime: called each time it was asked.
    /// - Throws: `Failure` with code `timeout` (the program then runs on), `cancelled`, `guest` or `libvirt`.
    func exec(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration, cancellation: Cancellation,
        eachTime: () throws(Failure) -> Void = {}
    ) throws(Failure) -> ExecResult {
        guard let program = command.first else { throw Failure(.badField, "there is no command to run") }
        let end = ContinuousClock.Instant.present + timeout
        let arguments = Program(
            path: program, arg: Array(command.dropFirst()),
            inputData: stdin.map { Data($0).base64EncodedString() })
        let process: Process = try call("guest-exec", arguments, before: end)
        // Windows counts to 2^32.
        try AgentCall(guest: name, command: "guest-exec")
            .number(process.pid, "pid", in: 1...Int64(UInt32.max))
        var delay: UInt32 = 5_000
        while true {
            if let status = try status(of: process, before: end), status.exited {
                return try result(of: status)
            }
            try eachTime()
            guard ContinuousClock.Instant.present < end else {
                throw Failure(
                    .timeout, "\(program) in \(name) has not ended after \(timeout.short)",
                    hint: "give it a longer timeout; it still runs in the guest as process \(process.pid)",
                    resource: name)
            }
            try cancellation.check()
            LeapingClock.pause(.microseconds(delay))
            delay = min(delay * 3 / 2, 200_000)
        }
    }

    /// - Returns: `nil` where the agent was too busy to answer in time: it is connected, and the program may go on.
    private func status(
        of process: Process, before end: ContinuousClock.Instant
    ) throws(Failure) -> Status? {
        do throws(Failure) {
            let status: Status = try call("guest-exec-status", process, before: end)
            return status
        } catch {
            let words = error.cause ?? ""
            guard words.contains("didn't respond") || words.contains("not available for now") else {
                throw error
            }
            return nil
        }
    }

    private func result(of status: Status) throws(Failure) -> ExecResult {
        let call = AgentCall(guest: name, command: "guest-exec-status")
        // Windows has codes up to 2^32, which its agent writes with or without a sign.
        let bounds = Int64(Int32.min)...Int64(UInt32.max)
        let code: Int64
        if let exitcode = status.exitcode {
            code = try call.number(exitcode, "exitcode", in: bounds)
        } else if let signal = status.signal {
            let number = try call.number(signal, "signal", in: bounds)
            // Where it is no signal, it is the exception that ended a program of Windows.
            code = (1...127).contains(number) ? 128 + number : number
        } else {
            throw call.nonsense("with neither an exitcode nor a signal")
        }
        return ExecResult(
            code: Int(code), stdout: try call.bytes(status.outData ?? "", "out-data"),
            stderr: try call.bytes(status.errData ?? "", "err-data"))
    }
}
