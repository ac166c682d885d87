import Basics
import Glibc
import HostFiles

/// A guest reached by OpenSSH's own programs, so that the caller's configuration, agent and keys work.
public struct GuestSSH: Sendable {
    public let name: String
    let endpoint: SSHEndpoint
    /// The user to log in as; `nil` for the one in ssh's configuration.
    public let user: String?
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
        _ command: [String], stdin: [UInt8]? = nil, timeout: Duration,
        onLine: (@Sendable ([UInt8]) -> Void)? = nil, cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
        var arguments = ["-o", "BatchMode=yes"] + (try options())
        arguments += ["--", endpoint.host, Self.line(Self.shell + command)]
        var ssh = HostProgram(["ssh"] + arguments)
        ssh.input = stdin ?? []
        ssh.timeout = timeout
        let output = onLine.map(FollowedOutput.init)
        if let output, let onLine {
            ssh.onOutput = { output.take($0) }
            ssh.onErrorLine = { if $0 != Self.marker { onLine(Array($0.utf8)) } }
        }
        var result = try run(ssh, command.first ?? "", cancellation)
        if let output { result.stdout = output.end() }
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

    /// The settings of ssh_config(5) by which OpenSSH's programs reach the guest at `endpoint.host`.
    ///
    /// - Throws: as `trust`.
    func settings() throws(Failure) -> [(name: String, value: String)] {
        var settings = [("Port", String(endpoint.port))]
        // A record may be anybody's who can change the domain: its word is one word of a configuration.
        if let user, Self.isWord(user) { settings.append(("User", user)) }
        settings += try trust()
        settings.append(("ConnectTimeout", "10"))
        settings.append(("LogLevel", "ERROR"))
        if let proxy = endpoint.proxyCommand { settings.append(("ProxyCommand", proxy)) }
        return settings + keys
    }

    /// Whether a text is one word in ssh_config(5), without quotation marks.
    static func isWord(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("-")
            && text.unicodeScalars.allSatisfy {
                $0.value > 32 && $0.value != 127 && !"\"'\\#".unicodeScalars.contains($0)
            }
    }

    /// The same as options of `ssh`, `scp` and `sftp`.
    func options() throws(Failure) -> [String] {
        try settings().flatMap { ["-o", "\($0.name)=\($0.value)"] }
    }

    /// limiq's own key, and before it the caller's: ssh tries those by itself only where none is named.
    private var keys: [(name: String, value: String)] {
        guard (try? ReadableFile(key)) != nil else { return [] }
        let home = getenv("HOME").map { String(cString: $0) } ?? ""
        let callers = home.hasPrefix("/") ? Self.usualKeys.map { "\(home)/.ssh/\($0)" } : []
        return (callers.filter(fileExists) + [key]).map { ("IdentityFile", Self.configured($0)) }
    }

    /// The keys that ssh looks for (ssh_config(5), `IdentityFile`), those of hardware left out.
    private static let usualKeys = ["id_rsa", "id_ecdsa", "id_ed25519"]

    /// The words that run ssh, and in the guest a shell's line; without one a shell to talk to.
    ///
    /// - Parameters:
    ///   - line: the line, which ssh joins of these words with blanks.
    ///   - hasTerminal: whether what runs gets a terminal; without a line it does.
    /// - Throws: as `trust`.
    public func words(_ line: [String] = [], hasTerminal: Bool = false) throws(Failure) -> [String] {
        ["ssh"] + (try options()) + (hasTerminal ? ["-t"] : []) + ["--", endpoint.host] + line
    }

    /// The words as a line of a POSIX shell.
    public static func line(_ words: [String]) -> String {
        words.map { word in
            // Plain words stay readable.
            let isPlain =
                !word.isEmpty
                && word.utf8.allSatisfy {
                    isASCIILetterOrDigit($0) || "_-./:=,@%+".utf8.contains($0)
                }
            return isPlain ? word : quoted(word)
        }.joined(separator: " ")
    }

    private static func isASCIILetterOrDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
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
        _ ssh: HostProgram, _ program: String, _ cancellation: Cancellation
    ) throws(Failure) -> ExecResult {
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
                    .timeout, "\(program) in \(name) has not ended after \((ssh.timeout ?? .zero).short)",
                    resource: name)
            case .program:
                throw Failure(
                    .guest, "\(program) in \(name) cannot be followed by ssh", resource: name,
                    cause: error.message)
            default: throw error
            }
        }
    }
}
