import Basics
import Foundation
import MachineSpec
import Records
import Support
import Testing
import YAML

@testable import GuestConfig

/// What limiq passes and what it refuses, beside what the guest's own readers say of the same documents.
struct `The truth of the checks` {
    private static let seed: UInt64 = 20_261_130

    private func parts(_ name: String) throws -> Value {
        try YAML.parse(String(contentsOfFile: "\(repository)/Tests/truth/\(name).yaml", encoding: .utf8))
    }

    /// Documents that are changed a little, each once or more, and texts of documents that are spoilt.
    private func documents(
        _ count: Int, of texts: [String], and values: [Value], parts: Value, head: String = ""
    ) -> [String] {
        let read = texts.compactMap { try? YAML.parse($0) }.map { $0["network"] ?? $0 }
        let values = values + read.filter { $0.map?.isEmpty == false }
        var mutator = Mutator(seed: Self.seed, documents: values, parts: parts)
        var result = texts
        while result.count < count {
            if mutator.int(0..<5) == 0, let text = mutator.pick(texts) {
                let spoilt = mutator.spoilt(String(text.dropFirst(head.count)))
                result.append(head + spoilt)
                continue
            }
            guard var value = mutator.pick(values) else { break }
            for _ in 0..<mutator.int(0..<4) { value = mutator.changed(value) }
            // JSON is YAML too.
            if case .map = value, let text = try? jsonText(value) { result.append(head + text + "\n") }
        }
        return result.filter { !$0.utf8.contains(0) }
    }

    @Test func `Of Ignition configurations limiq says what ignition-validate says`() async throws {
        var generator = try IgnitionGenerator(seed: Self.seed)
        let texts = try (0..<(Truth.isWhole ? 6000 : 600)).map { _ in try jsonText(generator.next()) }
        let guest = try await IgnitionOracle.verdicts(texts)
        let verdicts = zip(texts, guest).map { text, guest in
            let error = IgnitionCheck.check(text).first(where: \.isError)
            // A key that Ignition passes over is an error to limiq.
            let unused = guest.hasUnusedKey ? "Unused key" : nil
            return Truth.Verdict(text, limiq: error?.text, guest: guest.error ?? unused)
        }
        try Truth.expect("Ignition", verdicts)
    }

    @Test func `Of network-configs limiq says what cloud-init and netplan say`() async throws {
        let parts = try parts("network")
        let texts = documents(
            Truth.isWhole ? 2000 : 200, of: try await NetworkOracle.examples(),
            and: parts["documents"]?.list ?? [],
            parts: parts)
        let guest = try await NetworkOracle.verdicts(texts)
        let verdicts = zip(texts, guest).map { text, guest in
            let error = CloudInitCheck.check(CloudInitSpec(networkConfig: .text(text)))
                .first { $0.severity == .error }
            return Truth.Verdict(text, limiq: error?.text, guest: guest)
        }
        try Truth.expect("network-config", verdicts)
    }

    @Test func `Of cloud-configs limiq says what cloud-init says`() async throws {
        let head = "#cloud-config\n"
        let examples = try await CloudInitOracle.examples().map(\.text).filter { $0.hasPrefix(head) }
        let texts = documents(
            Truth.isWhole ? 4000 : 400, of: examples, and: [], parts: try parts("network"), head: head)
        let known = try CloudConfigSchema.all.map { try $0.keys() }
        var guests: [[CloudInitOracle.Verdict]] = []
        for schema in CloudConfigSchema.all {
            guests.append(try await CloudInitOracle.verdicts(texts, by: schema))
        }
        let verdicts = texts.enumerated().map { index, text in
            // Of values that the schemas let through they say nothing.
            let root = try? YAML.nodes(text).root
            let values = root.map { CloudConfigCheck.values(of: $0, file: .userData) } ?? []
            let errors = CloudInitCheck.check(CloudInitSpec(userData: .text(text))).filter {
                $0.severity == .error && !values.contains($0)
            }
            // Whose guest it is is not known: it is refused for what each release refuses.
            let answers = guests.map { $0[index] }
            // One that does not know a key says nothing of what is below it.
            let isRefused = Set(answers.flatMap(\.refusedKeys)).contains { key in
                zip(answers, known).allSatisfy { $0.refusedKeys.contains(key) || !$1.contains(key) }
            }
            let isUnreadable = answers.allSatisfy { $0.error != nil && $0.refusedKeys.isEmpty }
            let guest = isRefused || isUnreadable ? answers[0].error : nil
            // A key of the first level that cloud-init does not know, and passes over, is an error to limiq.
            let others = errors.filter { $0.message != "is no cloud-config key" }
            let error = guest == nil ? others.first : errors.first
            return Truth.Verdict(text, limiq: error?.text, guest: guest)
        }
        try Truth.expect("cloud-config", verdicts)
    }
}
