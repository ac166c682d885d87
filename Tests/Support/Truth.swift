import Foundation
import Testing

/// How often limiq's check of a kind of document says what the guest's own reader says of it, beside the numbers that are
/// kept in `Tests/truth/kept.txt`.
public struct Truth {
    /// What is said of one document.
    public struct Verdict: Sendable {
        let text: String
        let limiq: String?
        let guest: String?

        /// - Parameters:
        ///   - limiq: why limiq refuses it; `nil` where it passes.
        ///   - guest: why the guest cannot read it; `nil` where it can.
        public init(_ text: String, limiq: String?, guest: String?) {
            self.text = text
            self.limiq = limiq
            self.guest = guest
        }
    }

    /// Whether all that there is to try is tried, as `scripts/truth` does; in a run of the tests it is a part.
    public static let isWhole = ProcessInfo.processInfo.environment["LIMIQ_TRUTH"] != nil

    private struct Row: Equatable {
        let kind: String
        let numbers: [Int]

        init?(_ line: Substring) {
            let columns = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let numbers = columns.dropFirst().compactMap { Int($0) }
            guard columns.count == 5, numbers.count == 4 else { return nil }
            (kind, self.numbers) = (columns[0], numbers)
        }

        init(_ kind: String, _ numbers: [Int]) { (self.kind, self.numbers) = (kind, numbers) }

        var text: String { kind + numbers.map { " | \($0)" }.joined() }
    }

    /// Prints the numbers of a kind in the form they are kept in, and fails where one is worse than the one kept.
    public static func expect(_ kind: String, _ verdicts: [Verdict]) throws {
        let passed = verdicts.filter { $0.guest != nil && $0.limiq == nil }
        let refused = verdicts.filter { $0.guest == nil && $0.limiq != nil }
        let wrong = passed.count + refused.count
        let row = Row(
            isWhole ? kind : "\(kind), in short",
            [verdicts.count, verdicts.count - wrong, passed.count, refused.count])
        print("truth: \(row.text)")
        let kept = try String(contentsOfFile: repository + "/Tests/truth/kept.txt", encoding: .utf8)
            .split(separator: "\n").compactMap(Row.init).first { $0.kind == row.kind }
        if let folder = ProcessInfo.processInfo.environment["LIMIQ_TRUTH_FOLDER"] {
            try write(passed, "passed", kind, in: folder)
            try write(refused, "refused", kind, in: folder)
        }
        guard let kept else {
            Issue.record("no numbers of \(row.kind) are kept; scripts/truth keep writes them")
            return
        }
        let examples = (passed + refused).prefix(5).map {
            "\($0.text)\n  limiq: \($0.limiq ?? "passes"); guest: \($0.guest ?? "reads it")"
        }
        let isWorse =
            row.numbers[0] < kept.numbers[0] || row.numbers[2] > kept.numbers[2]
            || row.numbers[3] > kept.numbers[3]
        if isWorse {
            Issue.record("\(row.text)\nis worse than\n\(kept.text)\n\(examples.joined(separator: "\n"))")
        }
    }

    private static func write(
        _ verdicts: [Verdict], _ word: String, _ kind: String, in folder: String
    ) throws {
        let lines = verdicts.map {
            "\($0.text)\n  limiq: \($0.limiq ?? "passes")\n  guest: \($0.guest ?? "reads it")\n"
        }
        try lines.joined(separator: "\n")
            .write(toFile: "\(folder)/\(kind) \(word).txt", atomically: true, encoding: .utf8)
    }
}
