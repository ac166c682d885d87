import Synchronization

/// The secrets this process has been told of, so that no message repeats one: whatever a file, a program or a server says
/// of a value may quote it.
public enum Secrets {
    private static let known = Mutex<Set<String>>([])
    /// The bytes of the shortest secret that is taken out of texts: a shorter one is in too many words.
    private static let shortest = 4
    /// The bytes of the shortest line that counts as one: a message may quote a line of a key.
    private static let shortestLine = 8

    /// Remembers a secret, and each of its longer lines.
    public static func remember(_ secret: String) {
        var texts = secret.utf8.count >= shortest ? [secret] : []
        let lines = secret.split(whereSeparator: \.isNewline)
        if lines.count > 1 { texts += lines.map(String.init).filter { $0.utf8.count >= shortestLine } }
        guard !texts.isEmpty else { return }
        known.withLock { $0.formUnion(texts) }
    }

    /// The text with `‹secret›` in the place of every secret, and of the password in an address.
    public static func masked(_ text: String) -> String {
        // The longest first: one may be a part of another.
        let secrets = known.withLock { $0.isEmpty ? [] : $0.sorted { $0.utf8.count > $1.utf8.count } }
        var result = text
        for secret in secrets where result.utf8.count >= secret.utf8.count {
            if result.contains(secret) { result = result.replacing(secret, with: mask) }
        }
        return withoutPasswords(result)
    }

    /// Whether a text holds a secret: it is one then.
    public static func areIn(_ text: String) -> Bool {
        known.withLock { secrets in secrets.contains { text.contains($0) } }
    }

    public static let mask = "‹secret›"

    /// The text without the passwords of `scheme://user:password@host` (RFC 3986, section 3.2.1).
    private static func withoutPasswords(_ text: String) -> String {
        let parts = text.components(around: "://")
        guard parts.count > 1 else { return text }
        return parts.enumerated().map { index, part -> String in
            guard index > 0 else { return String(part) }
            let authority = part.prefix { !$0.isWhitespace && !"/?#\"'".contains($0) }
            guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":")
            else {
                return String(part)
            }
            return part[...colon] + mask + part[at...]
        }.joined(separator: "://")
    }
}

extension String {
    fileprivate func components(around separator: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = self[...]
        while let found = rest.firstRange(of: separator) {
            parts.append(rest[..<found.lowerBound])
            rest = rest[found.upperBound...]
        }
        return parts + [rest]
    }
}

extension Failure {
    /// The failure without the secrets that its texts quote.
    public var masked: Failure {
        var masked = self
        masked.message = Secrets.masked(message)
        masked.hint = hint.map(Secrets.masked)
        masked.resource = resource.map(Secrets.masked)
        masked.cause = cause.map(Secrets.masked)
        return masked
    }
}
