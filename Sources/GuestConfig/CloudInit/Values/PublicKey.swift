import Basics

/// A line of `authorized_keys` (sshd(8)), as `ssh_util.py` of cloud-init reads it and sshd after it.
enum PublicKey {
    enum Verdict: Equatable {
        case taken
        /// The line is a private key.
        case isPrivate
        /// cloud-init leaves the line out.
        case dropped
        /// cloud-init writes the first of several lines alone.
        case oneOfMany
        /// The key is one that sshd cannot read.
        case spoilt
    }

    private static let types: Set<String> = [
        "dsa", "rsa", "ecdsa", "ed25519",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521",
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", "ssh-dss-cert-v01@openssh.com",
        "ssh-dss",
        "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", "ssh-rsa-cert-v01@openssh.com", "ssh-rsa",
        "ssh-xmss-cert-v01@openssh.com", "ssh-xmss@openssh.com",
    ]

    static func verdict(_ text: String) -> Verdict {
        if isPrivate(text) { return .isPrivate }
        let line = text.trimmed()
        // An empty line or a remark is nothing, and nobody misses it.
        if line.isEmpty { return .taken }
        if line.hasPrefix("#") { return line.contains(where: \.isNewline) ? .dropped : .taken }
        guard let key = words(line) ?? words(withoutOptions(line)) else { return .dropped }
        // Of the words behind a key only those of its comment keep their line breaks.
        let gap = line[key.data.endIndex...].prefix(while: \.isWhitespace)
        if gap.contains(where: \.isNewline) { return .oneOfMany }
        return isWhole(key.type, key.data) ? .taken : .spoilt
    }

    /// Whether a text is a private key, of OpenSSH, PEM or PuTTY.
    static func isPrivate(_ text: String) -> Bool {
        text.contains("PRIVATE KEY-----") || text.hasPrefix("PuTTY-User-Key-File")
    }

    /// The type and the key of a line without options.
    private static func words(_ line: Substring) -> (type: Substring, data: Substring)? {
        let words = line.split(maxSplits: 2, whereSeparator: \.isWhitespace)
        guard words.count >= 2, types.contains(String(words[0])) else { return nil }
        return (words[0], words[1])
    }

    private static func words(_ line: String) -> (type: Substring, data: Substring)? { words(line[...]) }

    /// The line behind its first word, which may have blanks in quotes.
    private static func withoutOptions(_ line: String) -> Substring {
        var isQuoted = false
        var isEscaped = false
        let end = line.firstIndex { character in
            defer { isEscaped = character == "\\" }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            return !isQuoted && (character == " " || character == "\t")
        }
        return end.map { line[$0...].drop(while: \.isWhitespace) } ?? ""
    }

    /// Whether the data is a key of its type (RFC 4253, section 6.6): fields, each with its length, the first the type.
    private static func isWhole(_ type: Substring, _ data: Substring) -> Bool {
        guard let bytes = Base64.decode(String(data)) else { return false }
        var fields: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            // A certificate has numbers between its fields; its type is enough.
            if !fields.isEmpty, type.contains("-cert-") { return true }
            guard length <= rest.count else { return false }
            fields.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty, fields.count >= 2, fields[0].elementsEqual(type.utf8) else { return false }
        return type != "ssh-ed25519" || fields[1].count == 32
    }
}
