import Basics
import Digests
import HostFiles

/// The hash functions publishers use for their images.
public enum ImageDigest: String, Sendable, Equatable, CaseIterable {
    case sha256, sha512

    /// The length of the hexadecimal form.
    var length: Int { self == .sha256 ? 64 : 128 }
}

/// The checksum that a file's bytes must have.
public struct ImageChecksum: Sendable, Equatable {
    public let digest: ImageDigest
    /// The checksum in lower case hexadecimal.
    public let value: String

    /// The form that `init(parsing:)` reads: `sha512:…`.
    public var text: String { "\(digest.rawValue):\(value)" }

    init?(_ digest: ImageDigest, _ value: some StringProtocol) {
        guard value.utf8.count == digest.length, value.allSatisfy(\.isHexDigit) else { return nil }
        self.digest = digest
        self.value = value.lowercased()
    }

    /// Reads a checksum as a person writes it: hexadecimal digits, with or without `sha256:` or `sha512:` before them, or the
    /// line in which a list has them.
    ///
    /// - Throws: `Failure` with code `bad_field`.
    public init(parsing text: String) throws(Failure) {
        for digest in ImageDigest.allCases {
            let prefix = "\(digest.rawValue):"
            if let sum = ImageChecksum(
                digest, text.lowercased().hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...])
            {
                self = sum
                return
            }
        }
        if let sum = ChecksumList(text, from: "").only {
            self = sum
            return
        }
        throw Failure(
            .badField, "checksum is no SHA-256 or SHA-512 in hexadecimal digits",
            hint: "it is the output of sha256sum FILE: 64 digits")
    }

    /// Whether a file's bytes have this checksum.
    ///
    /// - Throws: `Failure` with code `io`, `not_found` or `cancelled`.
    func matches(_ path: String, _ cancellation: Cancellation) throws(Failure) -> Bool {
        let found =
            switch digest {
            case .sha256: try FileDigest.hash(path, SHA256(), cancellation)
            case .sha512: try FileDigest.hash(path, SHA512(), cancellation)
            }
        return found == value
    }
}
