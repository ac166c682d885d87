import Basics
import HostFiles

/// A guest reached by OpenSSH's own program, so that the caller's configuration, agent and keys work.
struct GuestSSH: Sendable {
    let name: String
    let endpoint: SSHEndpoint
    /// The user to log in as; `nil` for the one in ssh's configuration.
    let user: String?
    /// The path of limiq's own key, tried after the caller's.
    let key: String
    /// The path of a file of host keys for this machine alone: a machine made anew under an old name is no impostor.
    let knownHosts: String

    /// The shell in front of a program. It tells on the error output that the guest's shell was reached: an end with
    /// 255 is the program's own then, and not ssh's. The shell stays, as ssh has no code for a program that a signal
    /// has ended.
    private static let shell = ["sh", "-c", "echo '\(marker)' >&2; \"$@\"; exit $?", "sh"]
    private static let marker = "limiq: in the guest"

    /// Runs a program of the guest.
    func exec(
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration, cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        var arguments = [
            "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR",
            "-p", String(endpoint.port),
        ]
        arguments += try trust()
        arguments += endpoint.proxyOptions
        if (try? ReadableFile(key)) != nil { arguments += ["-o", "IdentityFile=\(Self.configured(key))"] }
        if let user { arguments += ["-l", user] }
        arguments += ["--", endpoint.host, (Self.shell + command).map(Self.quoted).joined(separator: " ")]
        var result = try run(command.first ?? "", arguments, stdin ?? [], timeout, cancellation)
        guard let marker = result.stderr.firstRange(of: Array("\(Self.marker)\n".utf8)) else {
            throw Failure(
                .guest, "\(name) cannot be reached by ssh at \(endpoint.host) port \(endpoint.port)",
                hint:
                    "install qemu-guest-agent in the guest, or give its user one of your keys (limiq.ssh_keys())",
                resource: name, cause: String(decoding: result.stderr.suffix(2000), as: UTF8.self).trimmed())
        }
        result.stderr.removeSubrange(marker)
        return result
    }

    func read(_ path: String, cancellation: Cancellation) throws(Failure) -> [UInt8] {
        let result = try exec(
            ["cat", "--", path], timeout: GuestFiles.timeLimit, cancellation: cancellation)
        guard result.code == 0 else { throw refused("read", path, result) }
        return result.stdout
    }

    func write(_ path: String, _ bytes: [UInt8], mode: String?, cancellation: Cancellation) throws(Failure) {
        let script = "\(GuestFiles.preparation(mode: mode)) && cat >\"$1\""
        let result = try exec(
            ["sh", "-c", script, "sh", path], stdin: bytes, timeout: GuestFiles.timeLimit,
            cancellation: cancellation)
        guard result.code == 0 else { throw refused("write", path, result) }
    }

    private func refused(_ verb: String, _ path: String, _ result: ExecResult) -> Failure {
        Failure(
            .guest, "cannot \(verb) \(path) in \(name)", resource: name,
            cause: outsideText(String(decoding: result.stderr.prefix(2000), as: UTF8.self).trimmed()))
    }

    /// A path as ssh_config(5) takes it: blanks in quotes, and the percent sign, its own mark, twice.
    static func configured(_ path: String) -> String {
        "\"\(path.replacing("%", with: "%%"))\""
    }

    /// One word of a POSIX shell, whatever it contains.
    static func quoted(_ word: String) -> String {
        "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private func run(
        _ program: String, _ arguments: [String], _ input: [UInt8], _ timeout: Duration,
        _ cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        var ssh = HostProgram(["ssh"] + arguments)
        ssh.input = input
        ssh.timeout = timeout
        do throws(Failure) {
            let result = try ssh.run(cancellation)
            return ExecResult(code: result.code, stdout: result.output, stderr: result.errors)
        } catch {
            switch error.code {
            case .notFound:
                throw Failure(
                    .hostNotAble, "ssh is not installed",
                    hint: "you can install it with: apt-get install openssh-client")
            case .timeout:
                throw Failure(
                    .timeout, "\(program) in \(name) has not ended after \(timeout.short)", resource: name)
            case .program:
                throw Failure(
                    .guest, "\(program) in \(name) cannot be followed by ssh", resource: name,
                    cause: error.message)
            default: throw error
            }
        }
    }
}
