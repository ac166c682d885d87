import Basics
import Provisioning

/// A step of a run: one thing that it would do, or would find done already.
public struct PlanStep: Sendable, Equatable {
    public enum Action: String, Sendable, CaseIterable {
        case make
        /// The machine's domain is gone and its disks are not: it is defined again with them.
        case adopt
        case change, replace, remove, start, restart, stop
        /// A program of the guest or of this host is run. What it does is not known, so that it counts as no change.
        case run
        /// Nothing is done: all is so already.
        case none
    }

    /// A part of the step: `disk boot`, `20 GiB on /…/debian-12.qcow2`.
    public struct Part: Sendable, Equatable {
        public var name: String
        public var detail: String
    }

    public var action: Action
    /// The kind of thing: `vm`, `domain`, `disk`, `seed`, `iso`, `image`, `file`, `key`, `program`.
    public var kind: String
    /// The machine's name or the file's path.
    public var name: String
    public var parts: [Part] = []
    public var changes: [Change] = []
    public var pending: [Change] = []
    /// The fields and answers that only a guest that runs can give.
    public var afterBoot: [String] = []
    /// What a person should know: what a guest would do otherwise than its description says.
    public var warnings: [String] = []
    /// The time that it usually takes, from earlier runs; `nil` where none is known.
    public var usual: Duration?
    /// The place in the script: `web.lua:9`
    public var location: String?

    /// Whether a run would leave something other than it found it.
    public var isChange: Bool { action != .none && action != .run }

    /// The step as `limiq plan --json` has it.
    public var value: Value {
        var map: Map = [
            "action": .string(action.rawValue), "kind": .string(kind), "name": .string(name),
        ]
        if !parts.isEmpty {
            map.append(
                "parts", .list(parts.map { ["name": .string($0.name), "detail": .string($0.detail)] }))
        }
        if !changes.isEmpty { map.append("changes", .list(changes.map { Primitives.value(of: $0) })) }
        if !pending.isEmpty { map.append("pending", .list(pending.map { Primitives.value(of: $0) })) }
        if !afterBoot.isEmpty { map.append("after_boot", .list(afterBoot.map(Value.string))) }
        if !warnings.isEmpty { map.append("warnings", .list(warnings.map(Value.string))) }
        if let usual { map.append("usual_seconds", .double((usual / .milliseconds(1)).rounded() / 1000)) }
        if let location { map.append("location", .string(location)) }
        return .map(map)
    }
}
