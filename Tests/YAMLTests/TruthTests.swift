import Basics
import Support
import Testing
import YAML

struct `The truth of the YAML reader` {
    @Test(.enabled(if: Truth.isWhole)) func `Of YAML limiq says what PyYAML says`() async throws {
        var generator = YAMLGenerator(seed: 20_261_201)
        let texts = (0..<60_000).map { _ in generator.next() }.filter { !$0.utf8.contains(0) }
        let read = try await PyYAML.read(texts)
        try #require(read.count == texts.count)
        let verdicts = zip(texts, read).map { text, python in
            let own = YAML.read(text)
            if own.read.agrees(with: python, duplicates: own.duplicates) {
                return Truth.Verdict(text, limiq: nil, guest: nil)
            }
            // Where both read it and not the same, the guest does not do what limiq takes it for.
            let limiq: String? = if case .value = own.read { nil } else { "\(own.read)" }
            let isRefusedAlone: Bool = if case .value = python { limiq != nil } else { false }
            return Truth.Verdict(text, limiq: limiq, guest: isRefusedAlone ? nil : "\(python)")
        }
        try Truth.expect("YAML", verdicts)
    }
}
