import CNettle

/// The key derivation HKDF with SHA-256 (RFC 5869), without a salt.
public enum HKDF {
    /// - Parameters:
    ///   - secret: what is random in the key.
    ///   - info: what the key is for: another one for each text.
    /// - Returns: 32 bytes.
    public static func key(secret: [UInt8], info: [UInt8]) -> [UInt8] {
        let extracted = authenticationCode(key: [UInt8](repeating: 0, count: 32), secret)
        // Its first block is all of a key of this length.
        return authenticationCode(key: extracted, info + [1])
    }

    /// The code HMAC with SHA-256 (RFC 2104).
    private static func authenticationCode(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var context = hmac_sha256_ctx()
        nettle_hmac_sha256_set_key(&context, key.count, key)
        nettle_hmac_sha256_update(&context, message.count, message)
        var code = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
        nettle_hmac_sha256_digest(&context, code.count, &code)
        return code
    }
}

/// A key pair of Ed25519 (RFC 8032).
public struct Ed25519: Sendable {
    /// The private key: 32 bytes, which may be any.
    public let privateKey: [UInt8]
    public let publicKey: [UInt8]

    /// - Precondition: the private key has 32 bytes.
    public init(privateKey: [UInt8]) {
        precondition(privateKey.count == Int(ED25519_KEY_SIZE))
        self.privateKey = privateKey
        var key = [UInt8](repeating: 0, count: Int(ED25519_KEY_SIZE))
        nettle_ed25519_sha512_public_key(&key, privateKey)
        publicKey = key
    }
}
