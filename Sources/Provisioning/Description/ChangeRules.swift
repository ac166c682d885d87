import MachineSpec

/// The rules `SpecFields` names for the fields of a spec: what a change of each costs.
///
/// A rule is asked where the running guest differs from what is wanted; where only the description of its next start
/// does, or no guest runs, a change that is not `replace` is done at once.
enum ChangeRules {
    /// The facts a rule may look at.
    struct Situation {
        /// The spec the machine was made from, or changed to last.
        var current: VMSpec
        var wanted: VMSpec
        /// The spec the running guest was started with.
        var live: VMSpec
        var liveFacts: DomainFacts
        var wantedFacts: DomainFacts
        /// The sizes of the disks in bytes, by id, where their files were looked at.
        var diskSizes: [String: UInt64]
        /// Whether the seed that is wanted names the instance that the guest is already.
        var keepsInstance = false
    }

    typealias Rule = @Sendable (Situation, FieldPath) -> Change.Kind

    static func kind(_ path: FieldPath, _ situation: Situation) -> Change.Kind {
        // A field the table does not know yet cannot be promised to be harmless.
        (SpecFields.costs[path.pattern] ?? replace)(situation, path)
    }

    static let live: Rule = { _, _ in .live }
    static let restart: Rule = { _, _ in .restart }
    static let replace: Rule = { _, _ in .replace }

    /// The rule of a document of the seed: cloud-init reads it where it runs, once for an instance-id.
    static let document: Rule = { situation, _ in situation.keepsInstance ? .instance : .restart }

    /// The rule of memory: the balloon takes it from the guest and gives it back, up to what it was started with.
    static let memory: Rule = { situation, _ in
        situation.wanted.memoryMiB <= situation.liveFacts.memory?.most ?? 0 ? .live : .restart
    }

    static let processors: Rule = { situation, _ in
        let (wanted, live, facts) = (situation.wanted, situation.live, situation.liveFacts)
        guard wanted.cpuSockets == live.cpuSockets, wanted.cpuThreadsPerCore == live.cpuThreadsPerCore else {
            return .restart
        }
        guard let present = facts.processors else { return .restart }
        let least = present.online - present.removable
        return wanted.processors >= least && wanted.processors <= present.most ? .live : .restart
    }

    /// The rule of secure boot: the keys that the firmware was made with stay in its variables.
    static let secureBoot: Rule = { situation, _ in
        situation.current.hasSecureBoot == situation.wanted.hasSecureBoot ? .live : .replace
    }

    /// The rule of the TPM: what a guest has sealed in it is lost with it.
    static let tpm: Rule = { situation, _ in
        switch (situation.current.hasTPM, situation.wanted.hasTPM) {
        case (true, false): .replace
        case (false, true): .restart
        default: situation.live.hasTPM == situation.wanted.hasTPM ? .live : .restart
        }
    }

    static let guestOS: Rule = { situation, path in
        if tpm(situation, path) == .replace || secureBoot(situation, path) == .replace { return .replace }
        return situation.live.isWindows == situation.wanted.isWindows ? .live : .restart
    }

    /// The rule of a disk's entry: a disk that limiq made goes with it; a file the spec named only is no longer used.
    static let diskAsAWhole: Rule = { situation, path in
        isMade(situation.current, path) && !situation.wanted.disks.contains { $0.id == path.id }
            ? .replace : .restart
    }

    /// The rule of a disk's path. Where somebody has put another file in the place of one that limiq made, such as an
    /// overlay on it (`virsh snapshot-create-as --disk-only`), what the guest has written since is in that.
    static let diskPath: Rule = { situation, path in
        guard isMade(situation.current, path) else { return .restart }
        // The guest that runs may have another, in the place of which one is made at the next start.
        return isMade(situation.live, path) || !isMade(situation.wanted, path) ? .replace : .restart
    }

    static let diskSize: Rule = { situation, path in
        guard isMade(situation.current, path), isMade(situation.wanted, path) else { return .live }
        let current = situation.current.disks.first { $0.id == path.id }?.sizeGiB ?? 0
        let wanted = situation.wanted.disks.first { $0.id == path.id }?.sizeGiB ?? 0
        let bytes = situation.diskSizes[path.id] ?? current << 30
        return wanted > 0 && wanted << 30 >= bytes ? .live : .replace
    }

    static let bootable: Rule = { situation, _ in
        let order = FieldPath("boot_order")
        return situation.liveFacts.values[order] == situation.wantedFacts.values[order] ? .live : .restart
    }

    /// The rule of a nic's network: it is led to another bridge, or to another network, without the guest's doing; to
    /// another kind it is another nic.
    static let network: Rule = { situation, path in
        let (live, wanted) = (kind(path, situation.live), kind(path, situation.wanted))
        return live == wanted && (wanted == .bridge || wanted == .network) ? .live : .restart
    }

    /// The rule of forwards: a guest whose nic is on a bridge or a network takes them when that is on user networking.
    static let forward: Rule = { situation, path in
        kind(path, situation.live) == .user ? .live : .restart
    }

    static let diskFormat: Rule = { isMade($0.current, $1) ? .replace : .live }

    /// The rule of a disk's pool: what is made in a pool stays there.
    static let pool: Rule = { isMade($0.current, $1) && isMade($0.live, $1) ? .replace : .restart }

    /// The rule of a CD-ROM drive: a guest takes and gives up one on virtio-scsi, and none on SATA.
    static let drive: Rule = { situation, _ in situation.live.isWindows ? .restart : .live }

    private static func kind(_ nic: FieldPath, _ spec: VMSpec) -> NICSpec.Kind? {
        spec.nics.first { $0.id == nic.id }?.kind
    }

    private static func isMade(_ spec: VMSpec, _ path: FieldPath) -> Bool {
        spec.disks.contains { $0.id == path.id && $0.path == nil }
    }
}
