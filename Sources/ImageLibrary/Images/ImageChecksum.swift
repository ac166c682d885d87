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

    init?(_ digest: ImageDigest, _ value: some StringProtocol) {
        guard value.utf8.count == digest.length, value.allSatisfy(\.isHexDigit) else { return nil }
        self.digest = digest
        self.value = value.lowercased()
    }

    /// Reads a checksum as a person writes it: hexadecimal digits, with or without `sha256:` or `sha512:` before them.
    ///
    /// - Throws: `Failure` with code `bad_field`.
    public init(parsing text: String) throws(Failure) {
        for digest in ImageDigest.allCases {
            let prefix = "\(digest.rawValue):"
            if let sum = ImageChecksum(
                digest, text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...])
            {
                self = sum
                return
            }
        }
        throw Failure(
            .badField, "checksum is no SHA-256 or SHA-512 in hexadecimal digits",
            hint: "it is the output of sha256sum FILE: 64 digits")
    }

    /// Finds a file's line in a publisher's list.
    ///
    /// A line has one of two forms, by coreutils' sha256sum(1): `DIGEST  FILE` (`DIGEST *FILE` for one read as binary)
    /// and, with `--tag`, `SHA256 (FILE) = DIGEST`. Signatures and comments around them are passed over.
    static func find(_ file: String, in list: String, _ digest: ImageDigest) -> ImageChecksum? {
        for line in list.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[1] == file || words[1] == "*" + file || words[1] == "./" + file {
                if let sum = ImageChecksum(digest, words[0]) { return sum }
            }
            if words.count == 4, words[0].lowercased() == digest.rawValue, words[1] == "(\(file))",
                words[2] == "="
            {
                if let sum = ImageChecksum(digest, words[3]) { return sum }
            }
        }
        return nil
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
