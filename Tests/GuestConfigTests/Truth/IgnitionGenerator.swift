import Basics
import Foundation
import Support
import YAML

/// Makes Ignition configurations that are right, or nearly so: right ones with a few things changed.
struct IgnitionGenerator {
    /// What they are made of: `Tests/truth/ignition.yaml`.
    private let parts: Value
    private var mutator: Mutator

    init(seed: UInt64) throws {
        parts = try YAML.parse(
            String(contentsOfFile: repository + "/Tests/truth/ignition.yaml", encoding: .utf8))
        mutator = Mutator(seed: seed, documents: [], parts: parts)
        for part in ["ignition", "storage", "units", "users"] { mutator.learn(parts[part] ?? .null, part) }
    }

    /// The versions that Debian's `ignition-validate` takes, the last one oftener than the others.
    private static let versions: [Value] = [
        "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.3.0", "3.3.0", "3.4.0-experimental",
    ]

    mutating func next() -> Value {
        var storage = Map()
        for entry in parts["storage"]?.map?.entries ?? [] where mutator.int(0..<3) == 0 {
            storage.append(entry.key, .list(some(entry.value)))
        }
        var root = Map()
        root.append("ignition", some(parts["ignition"])[0])
        root.append("storage", .map(storage))
        if mutator.int(0..<3) == 0 { root.append("systemd", ["units": .list(some(parts["units"]))]) }
        if mutator.int(0..<3) == 0 {
            root.append(
                "passwd", ["users": .list(some(parts["users"])), "groups": [["name": "web", "gid": 800]]])
        }
        if mutator.int(0..<6) == 0 {
            root.append("kernelArguments", ["shouldExist": ["quiet"], "shouldNotExist": ["debug"]])
        }
        var value = Value.map(root)
        for _ in 0..<mutator.int(0..<4) { value = mutator.changed(value) }
        guard case .map(var map) = value, case .map(var ignition)? = map["ignition"] else { return value }
        if ignition["version"] == nil { ignition["version"] = mutator.pick(Self.versions) }
        map["ignition"] = .map(ignition)
        return .map(map)
    }

    /// One or two of a list.
    private mutating func some(_ choices: Value?) -> [Value] {
        (0..<mutator.int(1..<3)).compactMap { _ in mutator.pick(choices?.list ?? []) }
    }
}
