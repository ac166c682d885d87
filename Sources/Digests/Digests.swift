import CNettle

/// A hash function of FIPS 180-4, fed in parts.
public protocol HashFunction: Sendable {
    init()
    mutating func update(data: [UInt8])
    /// The digest of all that was fed. The function is not to be used after it.
    mutating func finalize() -> [UInt8]
}

extension HashFunction {
    public static func hash(data: [UInt8]) -> [UInt8] {
        var hash = Self()
        hash.update(data: data)
        return hash.finalize()
    }
}

public struct SHA256: HashFunction {
    private var context = sha256_ctx()

    public init() { nettle_sha256_init(&context) }

    public mutating func update(data: [UInt8]) { nettle_sha256_update(&context, data.count, data) }

    public mutating func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
        nettle_sha256_digest(&context, digest.count, &digest)
        return digest
    }
}

public struct SHA512: HashFunction {
    private var context = sha512_ctx()

    public init() { nettle_sha512_init(&context) }

    public mutating func update(data: [UInt8]) { nettle_sha512_update(&context, data.count, data) }

    public mutating func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_SIZE))
        nettle_sha512_digest(&context, digest.count, &digest)
        return digest
    }
}
