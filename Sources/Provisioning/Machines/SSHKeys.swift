import Basics
import Glibc

/// The keys guests let the caller in with.
public struct SSHKeys: Sendable {
    private let state: StateFolder

    public init(state: StateFolder) { self.state = state }

    /// The caller's public keys, in the form of `authorized_keys` (sshd(8)): the agent's, then those of `~/.ssh`; where
    /// there is none, limiq's own, made once.
    public func publicKeys(_ cancellation: Cancellation = Cancellation()) throws(Failure) -> [String] {
        var keys = agentKeys(cancellation)
        if let home = getenv("HOME").map({ String(cString: $0) }) {
            for name in ((try? filesBelow(home + "/.ssh")) ?? []) where name.hasSuffix(".pub") && !name.contains("/") {
                keys += Self.keys(in: readWhole("\(home)/.ssh/\(name)") ?? "")
            }
        }
        if keys.isEmpty { keys = try ownKeys(cancellation) }
        var seen: Set<String> = []
        // The comment may differ where the key is the same.
        return keys.filter { seen.insert($0.split(separator: " ").prefix(2).joined(separator: " ")).inserted }
    }

    private func agentKeys(_ cancellation: Cancellation) -> [String] {
        guard getenv("SSH_AUTH_SOCK") != nil else { return [] }
        var program = HostProgram(["ssh-add", "-L"])
        program.timeout = .seconds(3)
        guard let result = try? program.run(cancellation), result.code == 0 else { return [] }
        return Self.keys(in: String(decoding: result.output, as: UTF8.self))
    }

    private func ownKeys(_ cancellation: Cancellation) throws(Failure) -> [String] {
        let path = state.sshKey
        if !fileExists(path + ".pub") {
            let folder = String(folder(of: path).dropLast())
            try makeFolders(folder, mode: 0o700)
            // Made under a name of its own: of two runs at once the first to link it wins, and both use that.
            let temporary = "\(path).\(getpid())"
            let program = HostProgram(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "limiq", "-f", temporary])
            let result = try program.run(cancellation)
            guard result.code == 0 else {
                throw Failure(.program, "ssh-keygen makes no key", cause: String(decoding: result.errors, as: UTF8.self))
            }
            if link(temporary, path) == 0 { rename(temporary + ".pub", path + ".pub") }
            unlink(temporary)
            unlink(temporary + ".pub")
        }
        return Self.keys(in: String(decoding: try fileBytes(path + ".pub"), as: UTF8.self))
    }

    /// Lines that are keys; comments and whatever else a file holds are passed over.
    private static func keys(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }
            .filter { $0.hasPrefix("ssh-") || $0.hasPrefix("ecdsa-") || $0.hasPrefix("sk-") }.map(String.init)
    }
}
