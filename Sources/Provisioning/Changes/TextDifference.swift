import Basics
import MachineSpec

/// The lines in which two texts differ, as `diff` shows them: `- old`, `+ new`, in the order of the texts.
struct TextDifference {
    /// The number of lines a text may have: of longer ones nobody reads what differs.
    private static let mostLines = 5000

    /// Empty where the texts are alike, or too long.
    let lines: [String]

    init(_ old: String, _ new: String) {
        let (before, after) = (Self.split(old), Self.split(new))
        guard before.count <= Self.mostLines, after.count <= Self.mostLines else {
            lines = []
            return
        }
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var lines: [String] = []
        var (place, other) = (0, 0)
        while place < before.count || other < after.count {
            if removed.contains(place) {
                lines.append("- \(before[place])")
                place += 1
            } else if inserted.contains(other) {
                lines.append("+ \(after[other])")
                other += 1
            } else {
                (place, other) = (place + 1, other + 1)
            }
        }
        self.lines = lines.map(Self.masked)
    }

    private static func split(_ text: String) -> [Substring] {
        text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    }

    /// The words of keys whose values are nobody's to read.
    private static let secretWords = [
        "passw", "secret", "token", "private", "credential", "api_key", "apikey",
    ]

    /// The line without what may be a secret in it, whoever has written it: a plan stands in logs.
    private static func masked(_ line: String) -> String {
        let lowercased = line.lowercased()
        let isSaid = secretWords.contains(where: lowercased.contains)
        guard isSaid || isHash(line) || isEncoded(line.dropFirst(2)) else { return line }
        guard isSaid, let end = line.firstIndex(where: { $0 == ":" || $0 == "=" }) else {
            return "\(line.prefix(1)) ‹secret›"
        }
        return line[...end] + " ‹secret›"
    }

    /// Whether a line has the hash of a password in it, as crypt(5) writes them.
    private static func isHash(_ line: String) -> Bool {
        ["$1$", "$2", "$5$", "$6$", "$y$"].contains(where: line.contains)
    }

    /// Whether a line is nothing but Base64, as those of a private key are.
    private static func isEncoded(_ line: Substring) -> Bool {
        let words = line.split(separator: " ")
        return words.count == 1
            && words[0].count >= 40
            && words[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+/=".contains($0)) }
    }
}

extension Machine {
    /// The changes, those of cloud-init's documents with the lines that differ. What is marked as a secret is told by nothing.
    ///
    /// - Parameter spec: the one that is to be.
    public func detailed(_ changes: [Change], _ spec: VMSpec) -> [Change] {
        let files = SeedFile.allCases.filter { file in
            changes.contains {
                $0.path == "cloud_init.\(file.field)" && $0.current != nil && $0.wanted != nil
            }
        }
        // The records of machines on other hosts keep digests alone.
        guard isLocal, !files.isEmpty, let present = try? self.spec().cloudInit else { return changes }
        var changes = changes
        for file in files {
            guard let wanted = spec.cloudInit?[file], !wanted.holdsSecret, let new = wanted.text(as: file),
                let old = present[file]?.text(as: file)
            else { continue }
            for index in changes.indices where changes[index].path == "cloud_init.\(file.field)" {
                changes[index].lines = TextDifference(old, new).lines
            }
        }
        return changes
    }
}
