import Basics
import Digests
import Glibc
import HostFiles

/// A guest's ssh host key, known before the guest is.
///
/// It is derived from a secret of the state folder and the machine's name (HKDF, RFC 5869) and kept nowhere: a script
/// that runs again describes the same machine, a machine made anew under its name is the host its clients know, and
/// when a machine is removed there is no file to remove.
public struct HostKey: Sendable {
    private let key: Ed25519
    private let comment: String

    /// - Throws: `Failure` with code `io` where the secret cannot be read or made.
    public init(machine: String, state: StateFolder, _ cancellation: Cancellation = Cancellation())
        throws(Failure)
    {
        self.init(machine: machine, secret: try Self.secret(state, cancellation))
    }

    init(machine: String, secret: [UInt8]) {
        key = Ed25519(
            privateKey: HKDF.key(secret: secret, info: Array("limiq ssh host key \(machine)".utf8)))
        comment = machine
    }

    /// The public key, in the form of `ssh_host_ed25519_key.pub` (sshd(8)).
    public var publicLine: String { "\(Self.type) \(Base64.encode(publicBlob)) \(comment)" }

    /// The private key, in the form of `ssh_host_ed25519_key`, unencrypted: OpenSSH's `PROTOCOL.key`.
    public var privateText: String {
        // Two equal numbers, by which a reader tells whether it has decrypted the rest; here there is nothing to decrypt.
        let check = Array(SHA256.hash(data: publicBlob).prefix(4))
        var secrets = check + check + Self.string(Self.type) + Self.string(publicKey)
        secrets += Self.string(key.privateKey + publicKey) + Self.string(comment)
        // Padded to the block of the cipher `none`, 8 bytes, with 1, 2, 3 …
        for pad in 1...8 where secrets.count % 8 != 0 { secrets.append(UInt8(pad)) }
        var blob = Array("openssh-key-v1\0".utf8)
        blob += Self.string("none") + Self.string("none") + Self.string("")
        blob += Self.number(1) + Self.string(publicBlob) + Self.string(secrets)
        let text = Array(Base64.encode(blob))
        let lines = stride(from: 0, to: text.count, by: 70).map {
            String(text[$0..<min($0 + 70, text.count)])
        }
        return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + lines.joined(separator: "\n")
            + "\n-----END OPENSSH PRIVATE KEY-----\n"
    }

    private static let type = "ssh-ed25519"
    private var publicKey: [UInt8] { key.publicKey }
    /// The public key in ssh's wire format (RFC 8709, section 4).
    private var publicBlob: [UInt8] { Self.string(Self.type) + Self.string(publicKey) }

    // MARK: RFC 4251, section 5

    private static func number(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] { number(bytes.count) + bytes }
    private static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

    // MARK: the secret

    /// The secret of the state folder: 32 random bytes, made once for the caller alone.
    private static func secret(_ state: StateFolder, _ cancellation: Cancellation) throws(Failure) -> [UInt8]
    {
        let path = state.hostKeySecret
        if !fileExists(path) {
            try makeFolders(String(folder(of: path).dropLast()), mode: 0o700)
            try FileLock.hold(path + ".lock", for: "the secret of host keys", cancellation) {
                () throws(Failure) in
                if fileExists(path) { return }
                try writeBytes(randomBytes(32), to: path)
            }
        }
        let bytes = try fileBytes(path, atMost: ReadLimit.document)
        guard bytes.count == 32 else {
            throw Failure(
                .io, "\(path) is not the 32 bytes limiq wrote", hint: "remove it: hosts get new keys then",
                resource: path)
        }
        return bytes
    }
}
