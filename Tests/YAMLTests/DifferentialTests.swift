import Basics
import Support
import Testing
import YAML

/// limiq's reader beside the guest's.
struct `Reading YAML as the guest does` {
    @Test func `A text of each kind means the same to both, or both stop at the same place`() async throws {
        try await expectAgreement(YAMLDocuments.kinds)
    }

    @Test func `Generated texts mean the same to both, or both stop at the same place`() async throws {
        var generator = YAMLGenerator(seed: 20_261_130)
        let values = try await expectAgreement((0..<20_000).map { _ in generator.next() })
        // A generator of nothing but rubbish, or of none, would find little.
        #expect((5_000...15_000).contains(values), "\(values) of 20,000 texts have a value")
    }

    /// - Returns: the number of texts that have a value.
    @discardableResult
    private func expectAgreement(_ texts: [String]) async throws -> Int {
        let texts = texts.filter { !$0.utf8.contains(0) }
        let read = try await PyYAML.read(texts)
        try #require(read.count == texts.count)
        var disagreements: [String] = []
        for (text, python) in zip(texts, read) {
            let own = YAML.read(text)
            if own.read.agrees(with: python, duplicates: own.duplicates) { continue }
            disagreements.append("\(text.debugDescription)\n    PyYAML \(python), limiq \(own.read)")
        }
        #expect(
            disagreements.isEmpty,
            "\(disagreements.count): \(disagreements.prefix(20).joined(separator: "\n"))")
        return read.count { if case .value = $0 { true } else { false } }
    }
}
