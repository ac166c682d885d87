/// A field in which a machine and the spec it is to follow differ, and what it takes to make them one.
public struct Change: Sendable, Equatable {
    /// The cost of a change. `ChangeRules` gives each field its kind.
    public enum Kind: String, Sendable, CaseIterable {
        /// The change is done at once, whether the guest runs or not.
        case live
        /// The guest must start anew.
        case restart
        /// The guest must become another instance to cloud-init, which runs once for an instance-id.
        case instance
        /// The machine must be made anew: something that is kept in it would be lost.
        case replace
    }

    /// The cause of the difference.
    public enum Cause: String, Sendable, CaseIterable {
        /// The script says something else than it did when the machine was made or changed last.
        case script
        /// Somebody changed the domain by hand, or the guest does not follow.
        case drift
        /// The domain's description has it already, and the guest, which has not started since, does not.
        case pending
    }

    /// The field's path as in a script: `disks[1].size_gib`.
    public var path: String
    /// The value the machine has; `nil` where it has none.
    public var current: FieldValue?
    /// The value it is to have; `nil` for none.
    public var wanted: FieldValue?
    public var kind: Kind
    public var cause: Cause
    /// The reason why it cannot be done in the running guest; `nil` where it can, or none runs.
    public var reason: String?
    /// The lines in which a document differs, `- old` and `+ new`; empty where that is not known or not to be told.
    public var lines: [String] = []

    let field: FieldPath
    /// Whether the spec says what is wanted, or has it no more; else it follows from the rest of it.
    let isSaid: Bool

    init(
        _ field: FieldPath, path: String, current: FieldValue?, wanted: FieldValue?, isSaid: Bool = true,
        cost: ChangeRules.Cost, cause: Cause
    ) {
        self.field = field
        self.isSaid = isSaid
        self.path = path
        self.current = current
        self.wanted = wanted
        kind = cost.kind
        reason = cost.reason
        self.cause = cause
    }
}

extension Change {
    /// Whether a disk has been made larger by hand than the script says: it is never made smaller, and is left so.
    var isGrownByHand: Bool {
        field.pattern == "disks[].size_gib" && kind == .replace && cause == .drift
    }
}

extension Change: CustomStringConvertible {
    public var description: String {
        let source = isSaid ? "the script says" : "it should be"
        return switch (current, wanted) {
        case (let current?, .some) where current.isKept: "\(path) is another"
        case (let current?, nil) where current.isKept: "\(path) is there, the script has none"
        case (nil, let wanted?) where wanted.isKept: "\(path) is new"
        case (let current?, let wanted?): "\(path) is \(current), \(source) \(wanted)"
        case (let current?, nil): "\(path) is \(current), the script has none"
        case (nil, let wanted?): "\(path) is not set, \(source) \(wanted)"
        case (nil, nil): "\(path) is not set"
        }
    }
}
