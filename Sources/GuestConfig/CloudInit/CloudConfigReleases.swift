import Basics
import JSONSchema
import MachineSpec
import YAML

/// The check of a cloud-config by cloud-init's own schemas, of which each release has another. What the guest's takes is
/// no error, what another release takes and the guest's does not is a warning, and what none takes is an error.
///
/// Where it is not known which release the guest has, all count: nothing is said of what one of them takes.
struct CloudConfigReleases {
    private let root: YAMLNode
    private let file: SeedFile
    private let guest: GuestCloudInit?
    /// The schemas of the guest, the newest first; there is one at least.
    private let own: [CloudConfigSchema]
    private let others: [CloudConfigSchema]

    init(_ root: YAMLNode, file: SeedFile, guest: GuestCloudInit?) {
        self.root = root
        self.file = file
        self.guest = guest
        own = CloudConfigSchema.all(of: guest?.release)
        others = CloudConfigSchema.all(besides: own)
    }

    // MARK: - Values

    /// - Throws: `Failure` where a schema cannot be read.
    func findings() throws(Failure) -> [CloudInitCheck.Finding] {
        let problems = try own[0].problems(of: root)
        var findings = problems.filter { !$0.isError && isTold($0) }.map { finding(.warning, $0) }
        // The other schemas are read where something is amiss, and no longer.
        var errors = problems.filter { $0.isError && !CloudConfigValues.takes($0) }
        for schema in own.dropFirst() {
            errors = try errors.left(by: schema, root)
        }
        for schema in others {
            let left = try errors.left(by: schema, root)
            findings += errors.filter { !left.contains($0) }.compactMap { problem in
                if own.contains(where: { $0.takesAnyway(at: problem.path) }) { return nil }
                return CloudInitCheck.Finding(
                    .warning, file: file, at: problem.mark, path: problem.path, taken(by: schema))
            }
            errors = left
        }
        return findings + errors.map { finding(.error, $0) }
    }

    /// Whether a warning of a schema is one: what a release has deprecated that the guest may not have yet, is not,
    /// and an account's key is the same with a hyphen.
    private func isTold(_ problem: SchemaProblem) -> Bool {
        guard case .deprecated(let since) = problem.kind else { return true }
        if CloudConfigSchema.isHyphenated(problem.path) { return false }
        let oldest = guest?.release ?? CloudConfigSchema.all[0].release
        return since.flatMap(CloudInitRelease.init) ?? own[0].release <= oldest
    }

    private func finding(
        _ severity: CloudInitCheck.Severity, _ problem: SchemaProblem
    ) -> CloudInitCheck.Finding {
        CloudInitCheck.Finding(
            severity, file: file, at: problem.mark, path: problem.path, problem.message, hint: problem.hint)
    }

    private func taken(by schema: CloudConfigSchema) -> String {
        "is taken by cloud-init \(schema.release)" + (guest.map { ", but not by \($0.words)" } ?? "")
    }

    // MARK: - Keys

    /// Finds the keys of the first level that the guest does not know and passes over. One that is nearly known is a slip
    /// of the pen; another may be meant for a module of the image's own.
    ///
    /// - Throws: as `findings`.
    func unknownKeys() throws(Failure) -> [CloudInitCheck.Finding] {
        guard case .map(let entries) = root.content else { return [] }
        var unknown = entries.filter { !CloudConfigKeys.others.contains($0.key) }
        for schema in own where !unknown.isEmpty {
            let known = try schema.keys()
            unknown.removeAll { known.contains($0.key) }
        }
        var findings: [CloudInitCheck.Finding] = []
        var known: Set<String> = []
        for schema in own + others where !unknown.isEmpty { known.formUnion(try schema.keys()) }
        for entry in unknown {
            let path = DocumentPath().key(entry.key)
            var taker: CloudConfigSchema?
            for schema in others where taker == nil {
                if try schema.keys().contains(entry.key) { taker = schema }
            }
            func found(_ severity: CloudInitCheck.Severity, _ message: String, _ hint: String? = nil) {
                findings.append(
                    CloudInitCheck.Finding(
                        severity, file: file, at: entry.mark, path: path, message, hint: hint))
            }
            if let taker {
                found(.warning, taken(by: taker))
            } else if let nearest = nearestName(to: entry.key, in: known) {
                found(.error, "is no cloud-config key", "did you mean \(nearest)?")
            } else {
                found(.warning, "is no cloud-config key, and cloud-init passes over it")
            }
        }
        return findings
    }
}

extension [SchemaProblem] {
    /// The errors that another schema leaves: those that are some to it too, and those below a key that it does not
    /// know. It is read where there are errors.
    fileprivate func left(by schema: CloudConfigSchema, _ root: YAMLNode) throws(Failure) -> [SchemaProblem] {
        guard !isEmpty, case .map(let entries) = root.content else { return [] }
        let others = try schema.problems(of: root).filter(\.isError)
        let known = try schema.keys()
        let unknown = entries.filter { !known.contains($0.key) }.map { DocumentPath().key($0.key) }
        return filter { problem in
            others.contains { $0.refuses(what: problem) } || unknown.contains { problem.path.isWithin($0) }
        }
    }
}

extension SchemaProblem {
    /// Whether this is about what another schema has refused: the same place, one in it, or all that it stands in.
    fileprivate func refuses(what other: SchemaProblem) -> Bool {
        if path == other.path { return true }
        // What has no key is none the worse for its others.
        if path.isWithin(other.path) { return !other.isMissing }
        return other.path.isWithin(path) && !isMissing
    }

    private var isMissing: Bool {
        if case .missing = kind { true } else { false }
    }
}
