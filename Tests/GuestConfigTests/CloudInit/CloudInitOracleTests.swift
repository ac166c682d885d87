import Basics
import GuestConfig
import MachineSpec
import Support
import Testing
import YAML

/// What limiq says of a cloud-config, and what cloud-init itself says.
struct `The check beside cloud-init's own` {
    /// Where limiq is stricter on purpose: a key of the first level that is nearly a known one.
    private func isStricter(_ finding: CloudInitCheck.Finding) -> Bool {
        finding.message == "is no cloud-config key" && !finding.path.contains { ".[".contains($0) }
    }

    private func findings(_ text: String) -> [CloudInitCheck.Finding] {
        CloudInitCheck.check(CloudInitSpec(userData: .text(text)))
    }

    /// `users[1].sudo` as cloud-init writes it: `users.0.sudo`.
    private func cloudInitPath(_ path: String) -> String {
        var result = ""
        for part in path.split(whereSeparator: { ".[".contains($0) }) {
            if !result.isEmpty { result += "." }
            if part.hasSuffix("]"), let number = Int(part.dropLast()) {
                result += "\(number - 1)"
            } else {
                result += part.hasSuffix("]") ? String(part.dropLast().dropFirst().dropLast()) : String(part)
            }
        }
        return result
    }

    private func compare(
        _ text: String, _ verdict: CloudInitOracle.Verdict, _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = findings(text)
        // What newer versions take is refused by the one that is asked here.
        let errors = found.filter {
            $0.severity == .error && !isStricter($0) || $0.message.hasPrefix("is taken by newer")
        }
        #expect(
            errors.isEmpty == (verdict.error == nil),
            "\(name): limiq \(errors.map(\.text)), cloud-init \(verdict.error ?? "takes it"):\n\(text)",
            sourceLocation: sourceLocation)
        let deprecated = found.filter { $0.message == "is deprecated" }.map { cloudInitPath($0.path) }
        #expect(
            Set(deprecated) == Set(verdict.deprecated), "\(name): deprecated\n\(text)",
            sourceLocation: sourceLocation)
        for finding in found {
            #expect(!finding.text.contains("\n"), "one line", sourceLocation: sourceLocation)
            #expect(finding.mark != nil, "\(finding.text)", sourceLocation: sourceLocation)
        }
    }

    @Test func `Of each example of cloud-init's documentation limiq says what cloud-init says`() async throws
    {
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        let verdicts = try await CloudInitOracle.verdicts(examples.map(\.text))
        for (example, verdict) in zip(examples, verdicts) { compare(example.text, verdict, example.name) }
        #expect(verdicts.count { $0.error == nil } > 100)
    }

    @Test func `The only error of limiq's own in those examples is a key that is misspelt in them`()
        async throws
    {
        let examples = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
        let stricter = examples.flatMap { example in
            findings(example.text).filter(isStricter).map { "\($0.path): \($0.hint ?? "")" }
        }
        #expect(
            Set(stricter) == [
                "packages_update: did you mean package_update?",
                "packages_upgrade: did you mean package_upgrade?",
            ])
    }

    @Test func `Of 1500 examples with one or two things changed limiq says what cloud-init says`()
        async throws
    {
        var generator = SeededGenerator(state: 20_260_102)
        let maps = try await CloudInitOracle.examples().filter { $0.text.hasPrefix("#cloud-config\n") }
            .compactMap { example -> Value? in
                guard let value = try? YAML.parse(example.text), case .map(let map) = value, !map.isEmpty
                else { return nil }
                return value
            }
        var texts: [String] = []
        while texts.count < 1500 {
            guard var value = maps.randomElement(using: &generator) else { break }
            for _ in 0..<Int.random(in: 1...2, using: &generator) { value = mutated(value, &generator) }
            guard case .map = value else { continue }
            texts.append(CloudConfig.userData(from: value))
        }
        let verdicts = try await CloudInitOracle.verdicts(texts)
        for (index, text) in texts.enumerated() { compare(text, verdicts[index], "case \(index)") }
        let refused = verdicts.count { $0.error != nil }
        #expect((300...1200).contains(refused), "\(refused) of them are refused: both sides are tried")
    }

    /// One change at a place chosen by chance: a value of another type or left out, a key misspelt or added, a list
    /// emptied or a member twice in it.
    private func mutated(_ value: Value, _ generator: inout SeededGenerator) -> Value {
        let goesDeeper = Int.random(in: 0..<4, using: &generator) > 0
        switch value {
        case .map(let map) where !map.isEmpty && goesDeeper:
            let index = Int.random(in: 0..<map.count, using: &generator)
            var entries = map.entries
            entries[index].value = mutated(entries[index].value, &generator)
            return .map(Map(entries))
        case .list(var members) where !members.isEmpty && goesDeeper:
            let index = Int.random(in: 0..<members.count, using: &generator)
            members[index] = mutated(members[index], &generator)
            return .list(members)
        case .map(let map) where !map.isEmpty && Bool.random(using: &generator):
            var entries = map.entries
            let index = Int.random(in: 0..<entries.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: entries.remove(at: index)
            case 1: entries[index].key += "x"
            default: entries.append(.init(key: "some_key", value: entries[index].value))
            }
            return .map(Map(entries))
        case .list(let members) where !members.isEmpty && Bool.random(using: &generator):
            return Bool.random(using: &generator) ? .list(members + [members[0]]) : []
        default:
            let others: [Value] = [
                .null, true, false, 0, -1, 7, .double(1.5), "", "a text", "2030-02-30", "2030-02-28", "7:1",
                "10G",
                [], ["a"], [1], [["a", "b"]], [:], ["name": "x"], "auto", "none", .bytes([0x1F, 0x8B]), "now",
                ["a\n"], "+5",
            ]
            return others.randomElement(using: &generator) ?? .null
        }
    }
}
