import Basics
import Glibc
import HostFiles

/// The keys guests let the caller in with.
public struct SSHKeys: Sendable {
    private let state: StateFolder
    private let environment: @Sendable (String) -> String?

    /// - Parameter gate: of the script that asks. One with bounds learns nothing of the caller: limiq's own key lets it in.
    public init(state: StateFolder, gate: Gate = .open) {
        self.init(state: state) { gate.isBounded ? nil : getenv($0).map { String(cString: $0) } }
    }

    init(state: StateFolder, environment: @escaping @Sendable (String) -> String?) {
        self.state = state
        self.environment = environment
    }

    /// The caller's public keys, in the form of `authorized_keys` (sshd(8)): the agent's, then those of `~/.ssh`; where
    /// there is none, limiq's own, made once. They are never none, and no key is there twice.
    ///
    /// - Throws: `Failure` with code `io`, `program`, or `host_not_able` without `ssh-keygen`.
    public func publicKeys(_ cancellation: Cancellation = Cancellation()) throws(Failure) -> [String] {
        var keys = callersKeys(cancellation)
        if keys.isEmpty { keys = try ownKeys(cancellation) }
        return Self.unique(keys)
    }

    /// The same keys as `publicKeys`, without making any; empty where there is none.
    public func knownKeys(_ cancellation: Cancellation = Cancellation()) -> [String] {
        var keys = callersKeys(cancellation)
        if keys.isEmpty { keys = Self.keys(in: readWhole(state.sshKey + ".pub") ?? "") }
        return Self.unique(keys)
    }

    private func callersKeys(_ cancellation: Cancellation) -> [String] {
        var keys = agentKeys(cancellation)
        if let home = environment("HOME") {
            for name in ((try? filesBelow(home + "/.ssh")) ?? [])
            where name.hasSuffix(".pub") && !name.contains("/") {
                keys += Self.keys(in: readWhole("\(home)/.ssh/\(name)") ?? "")
            }
        }
        return keys
    }

    private static func unique(_ keys: [String]) -> [String] {
        var seen: Set<String> = []
        // The comment may differ where the key is the same.
        return keys.filter { seen.insert($0.split(separator: " ").prefix(2).joined(separator: " ")).inserted }
    }

    private func agentKeys(_ cancellation: Cancellation) -> [String] {
        guard let socket = environment("SSH_AUTH_SOCK") else { return [] }
        var program = HostProgram(["ssh-add", "-L"])
        program.environment = ["SSH_AUTH_SOCK": socket]
        // An agent of a connection that is gone does not answer.
        program.timeout = .seconds(3)
        guard let result = try? program.run(cancellation), result.code == 0 else { return [] }
        return Self.keys(in: String(decoding: result.output, as: UTF8.self))
    }

    private func ownKeys(_ cancellation: Cancellation) throws(Failure) -> [String] {
        let path = state.sshKey
        let publicPath = path + ".pub"
        if !fileExists(publicPath) {
            try makeFolders(String(folder(of: path).dropLast()), mode: 0o700)
            try FileLock.hold(path + ".lock", for: "limiq's ssh key", cancellation) { () throws(Failure) in
                if fileExists(publicPath) { return }
                if !fileExists(path) { try makeKey(path, cancellation) }
                let text = try keygen(["-y", "-f", path], cancellation)
                try writeBytes(text, to: publicPath, mode: 0o644)
            }
        }
        return Self.keys(
            in: String(decoding: try fileBytes(publicPath, atMost: ReadLimit.document), as: UTF8.self))
    }

    /// Makes a key under a name of its own first: no half-written key ever has the right one.
    private func makeKey(_ path: String, _ cancellation: Cancellation) throws(Failure) {
        let temporary = "\(path).\(getpid())"
        defer {
            unlink(temporary)
            unlink(temporary + ".pub")
        }
        _ = try keygen(["-q", "-t", "ed25519", "-N", "", "-C", "limiq", "-f", temporary], cancellation)
        guard rename(temporary, path) == 0 else {
            throw Failure.system(errno, "cannot write \(path)", resource: path)
        }
    }

    /// The process whose half-made key this is, `nil` for any other name.
    static func writer(ofTemporary name: String) -> Int32? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || (parts.count == 3 && parts[2] == "pub"), parts[0] == "id_ed25519" else {
            return nil
        }
        return Int32(parts[1])
    }

    private func keygen(_ arguments: [String], _ cancellation: Cancellation) throws(Failure) -> [UInt8] {
        let result: HostProgram.Result
        do { result = try HostProgram(["ssh-keygen"] + arguments).run(cancellation) } catch {
            guard error.code == .notFound else { throw error }
            throw Failure(
                .hostNotAble, "ssh-keygen is not installed",
                hint: "you can install it with: apt-get install openssh-client")
        }
        guard result.code == 0 else {
            throw Failure(
                .program, "ssh-keygen makes no key", resource: state.sshKey,
                cause: String(decoding: result.errors, as: UTF8.self).split(separator: "\n").last.map(
                    String.init))
        }
        return result.output
    }

    /// The lines of a text that are keys. Comments and certificates are passed over: a guest trusts no certificate by
    /// itself.
    private static func keys(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }
            .filter { line in
                let type = line.prefix { $0 != " " }
                return ["ssh-", "ecdsa-", "sk-"].contains(where: type.hasPrefix) && !type.contains("-cert-")
            }
            .map(String.init)
    }
}
