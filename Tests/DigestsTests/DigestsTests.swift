import Basics
import Digests
import Foundation
import Support
import Testing

/// The examples of the documents that define them, and GNU coreutils.
@Suite struct `Digests and keys` {
    private func bytes(_ digits: String) -> [UInt8] {
        stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(digits.dropFirst($0).prefix(2), radix: 16)
        }
    }

    @Test(arguments: [0, 1, 55, 56, 64, 111, 112, 128, 1_000, 100_003])
    func `the digest of a file is what sha256sum and sha512sum say`(_ count: Int) async throws {
        try await ScratchFolder.with { folder in
            let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 >> 8) }
            let path = folder + "/data"
            try Data(data).write(to: URL(fileURLWithPath: path))
            for (program, digest) in [
                ("sha256sum", SHA256.hash(data: data)), ("sha512sum", SHA512.hash(data: data)),
            ] {
                let said = try await command(program, [path])
                #expect(said.output.hasPrefix(hexadecimal(digest) + " "))
            }
        }
    }

    @Test func `what is fed in parts is one message`() {
        var hash = SHA256()
        for part in ["a", "", "bc"] { hash.update(data: Array(part.utf8)) }
        #expect(hash.finalize() == SHA256.hash(data: Array("abc".utf8)))
    }

    @Test func `HKDF: RFC 5869, A.3`() {
        let key = HKDF.key(secret: [UInt8](repeating: 0x0b, count: 22), info: [])
        #expect(key == bytes("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"))
    }

    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        ),
    ])
    func `Ed25519: RFC 8032, 7.1`(_ secret: String, _ known: String) {
        #expect(Ed25519(privateKey: bytes(secret)).publicKey == bytes(known))
    }
}
