import Basics
import CCloudInitSchema
import Glibc
import JSONSchema
import YAML

/// The schema of cloud-config that one release of cloud-init ships. It is read when it is first asked for.
struct CloudConfigSchema: Sendable {
    /// The release, without what only mended it.
    let release: CloudInitRelease
    private let source: @Sendable () -> cloud_init_schema
    /// The places at which the release's own code takes what a later schema says and its own does not, as `fnmatch(3)`
    /// patterns of paths such as `users.1.sudo`.
    private let takesAnyway: [String]
    private let schema: Lazy<Result<JSONSchema, Failure>>

    private init(
        _ release: String, _ source: @escaping @Sendable () -> cloud_init_schema, takesAnyway: [String] = []
    ) {
        self.release = CloudInitRelease(release) ?? .newest
        self.source = source
        self.takesAnyway = takesAnyway
        schema = Lazy {
            Result { () throws(Failure) in try JSONSchema.read(source().text) }
        }
    }

    var text: String { source().text }

    /// The keys of an account, in which cloud-init takes each hyphen for an underscore (`distros/ug_util.py`).
    private static let hyphenated = ["users.*.*-*", "user.*-*"]

    /// The schemas that limiq has, the oldest first.
    static let all = [
        CloudConfigSchema(
            "22.4", cloud_config_schema_22_4,
            // What `config/cc_*.py` and `distros/` of 22.4 do with it.
            takesAnyway: hyphenated + [
                "ansible.pull.inventory", "ansible.pull.verify_commit", "disk_setup.*.layout*", "locale",
                "rh_subscription.org", "user.sudo*", "users", "users.*.sudo*",
            ]),
        CloudConfigSchema("25.1", cloud_config_schema_25_1),
        CloudConfigSchema("26.2", cloud_config_schema_26_2),
    ]

    /// The schemas of which a guest takes what one of them takes, the newest first: that of its release, or the two
    /// next to it, as a key may have come with any release between them. All, where the release is not known.
    static func all(of release: CloudInitRelease?) -> [CloudConfigSchema] {
        guard let release else { return all.reversed() }
        let below = all.last { $0.release <= release } ?? all[0]
        let above = all.first { $0.release >= release.series } ?? all[all.count - 1]
        return below.release == above.release ? [below] : [above, below]
    }

    /// The schemas a guest does not have, those of later releases first, each the nearer the earlier.
    static func all(besides own: [CloudConfigSchema]) -> [CloudConfigSchema] {
        let newest = own[0].release
        return all.filter { $0.release > newest }
            + all.reversed().filter { other in
                other.release < newest && !own.contains { $0.release == other.release }
            }
    }

    /// - Throws: `Failure` where the schema cannot be read.
    func problems(of root: YAMLNode) throws(Failure) -> [SchemaProblem] {
        // What is no key of the first level is passed over by every release, and told of otherwise.
        var keys: Set<String> = []
        if case .map(let entries) = root.content {
            keys = Set(entries.map { DocumentPath().key($0.key).description })
        }
        return try schema.get().get().problems(of: root, keyName: "cloud-config key").filter { problem in
            problem.kind != .unknownKey || !keys.contains(problem.path.description)
        }
    }

    /// The keys of the first level.
    func keys() throws(Failure) -> Set<String> { try schema.get().get().allProperties }

    func takesAnyway(at path: DocumentPath) -> Bool { Self.matches(path, takesAnyway) }

    /// Whether a path is that of an account's key with a hyphen.
    static func isHyphenated(_ path: DocumentPath) -> Bool { matches(path, hyphenated) }

    private static func matches(_ path: DocumentPath, _ patterns: [String]) -> Bool {
        // As cloud-init writes it: users.1.sudo.
        let path = path.description.replacing("[\"", with: ".").replacing("[", with: ".")
            .filter { $0 != "]" && $0 != "\"" }
        return patterns.contains { fnmatch($0, path, 0) == 0 }
    }
}

extension cloud_init_schema {
    var text: String { String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self) }
}
