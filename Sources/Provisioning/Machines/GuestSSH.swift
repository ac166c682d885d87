import Basics
import Glibc
import Subprocess

/// A guest by OpenSSH's own program, so that the caller's configuration, agent and keys work.
struct GuestSSH: Sendable {
    let name: String
    let endpoint: SSHEndpoint
    /// `nil`: what ssh's configuration says.
    let user: String?
    /// limiq's own key, tried after the caller's.
    let key: String
    /// Of this VM alone: a VM made anew under an old name is no impostor.
    let knownHosts: String

    /// Runs a command line of the guest's shell.
    func exec(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration, cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        var arguments = [
            "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=accept-new",
            "-o", "UserKnownHostsFile=\(Self.configured(knownHosts))", "-o", "LogLevel=ERROR", "-p",
            String(endpoint.port),
        ]
        arguments += endpoint.proxyOptions
        if exists(key) { arguments += ["-o", "IdentityFile=\(Self.configured(key))"] }
        if let user { arguments += ["-l", user] }
        arguments += ["--", endpoint.host, command.map(Self.quoted).joined(separator: " ")]
        let result = try run(arguments, stdin ?? [], timeout, cancellation)
        // ssh's own trouble; a program that ends with 255 itself says something else on its error output.
        if result.code == 255 {
            throw Failure(
                "guest", "\(name) cannot be reached by ssh at \(endpoint.host) port \(endpoint.port)",
                hint:
                    "install qemu-guest-agent in the guest, or give its user one of your keys (limiq.ssh_keys())",
                resource: name, cause: String(decoding: result.stderr, as: UTF8.self).trimmed())
        }
        return result
    }

    func read(_ path: String, cancellation: Cancellation) throws(Failure) -> [UInt8] {
        let result = try exec(["cat", "--", path], timeout: .seconds(300), cancellation: cancellation)
        guard result.code == 0 else { throw refused("read", path, result) }
        return result.stdout
    }

    func write(_ path: String, _ bytes: [UInt8], mode: String?, cancellation: Cancellation) throws(Failure) {
        let chmod = mode.map { "chmod \($0) -- \"$1\" && " } ?? ""
        let result = try exec(
            ["sh", "-c", ": >\"$1\" && \(chmod)cat >\"$1\"", "sh", path], stdin: bytes,
            timeout: .seconds(300),
            cancellation: cancellation)
        guard result.code == 0 else { throw refused("write", path, result) }
    }

    private func refused(_ verb: String, _ path: String, _ result: ExecResult) -> Failure {
        Failure(
            "guest", "cannot \(verb) \(path) in \(name)", resource: name,
            cause: String(decoding: result.stderr, as: UTF8.self).trimmed())
    }

    /// A path as ssh_config(5) takes it: blanks in quotes, and the percent sign, its own mark, twice.
    private static func configured(_ path: String) -> String {
        "\"\(path.replacing("%", with: "%%"))\""
    }

    /// One word of a POSIX shell, whatever it contains.
    static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private func run(
        _ arguments: [String], _ input: [UInt8], _ timeout: Duration, _ cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        let answer = Mailbox<Result<ExecResult, Failure>>()
        let task = Task.detached {
            do {
                let record = try await Subprocess.run(
                    .name("ssh"), arguments: Arguments(arguments), input: .array(input),
                    output: .bytes(limit: 64 << 20), error: .bytes(limit: 1 << 20))
                let code =
                    switch record.terminationStatus {
                    case .exited(let code): Int(code)
                    case .signaled(let signal): 128 + Int(signal)
                    }
                answer.put(
                    .success(
                        ExecResult(code: code, stdout: record.standardOutput, stderr: record.standardError)))
            } catch {
                answer.put(
                    .failure(
                        Failure(
                            .program, "cannot run ssh", hint: "it is in the package openssh-client",
                            cause: "\(error)")))
            }
        }
        let result = cancellation.withHandler {
            task.cancel()
        } _: {
            answer.next(before: .now + timeout)
        }
        task.cancel()
        try cancellation.check()
        guard let result else {
            throw Failure(
                .timeout, "the command in \(name) has not ended after \(timeout.short)", resource: name)
        }
        return try result.get()
    }
}
