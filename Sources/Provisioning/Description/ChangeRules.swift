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
        /// The reasons why the running guest cannot do without disks, by their ids.
        var heldDisks: [String: String] = [:]
        /// Whether the seed that is wanted names the instance that the guest is already.
        var keepsInstance = false
    }

    /// The cost of a change, with the reason why a running guest does not take it.
    struct Cost: Equatable, Sendable {
        var kind: Change.Kind
        var reason: String?

        static let live = Cost(kind: .live)
        static let replace = Cost(kind: .replace)
        static func restart(_ reason: String) -> Cost { Cost(kind: .restart, reason: reason) }
    }

    typealias Rule = @Sendable (Situation, FieldPath) -> Cost

    static func cost(_ path: FieldPath, _ situation: Situation) -> Cost {
        // A field the table does not know yet cannot be promised to be harmless.
        (SpecFields.costs[path.pattern] ?? replace)(situation, path)
    }

    static let live: Rule = { _, _ in .live }
    static let replace: Rule = { _, _ in .replace }
    static func restart(_ reason: String) -> Rule { { _, _ in .restart(reason) } }

    /// The rule of a document of the seed: cloud-init reads it where it runs, once for an instance-id.
    static let document: Rule = { situation, _ in
        situation.keepsInstance
            ? Cost(
                kind: .instance,
                reason: "cloud-init runs once for an instance, and the guest is this one already")
            : .restart("cloud-init runs when the guest starts")
    }

    /// The rule of memory: the balloon takes it from the guest and gives it back, up to what it was started with.
    static let memory: Rule = { situation, _ in
        let most = situation.liveFacts.memory?.most ?? 0
        return situation.wanted.memoryMiB <= most
            ? .live : .restart("the guest was started with room for \(most) MiB, its max_memory")
    }

    static let processors: Rule = { situation, _ in
        let (wanted, live, facts) = (situation.wanted, situation.live, situation.liveFacts)
        guard wanted.cpuSockets == live.cpuSockets, wanted.cpuThreadsPerCore == live.cpuThreadsPerCore,
            let present = facts.processors
        else { return .restart(fixedProcessors) }
        if wanted.processors > present.most {
            return .restart(
                "the guest was started with room for \(present.most) processors, its max_cpu_cores")
        }
        // QEMU 7.2 may end: tcg_region_initial_alloc__locked, where all regions of its code are taken.
        if facts.isEmulated {
            return .restart("QEMU that emulates processors may end where one is plugged in or out")
        }
        return wanted.processors >= present.online - present.removable
            ? .live : .restart("the processors that the guest was started with stay")
    }

    static let fixedProcessors = "the layout of the processors is fixed when QEMU starts"

    /// The rule of secure boot: the keys that the firmware was made with stay in its variables.
    static let secureBoot: Rule = { situation, _ in
        situation.current.hasSecureBoot == situation.wanted.hasSecureBoot ? .live : .replace
    }

    /// The rule of the TPM: what a guest has sealed in it is lost with it.
    static let tpm: Rule = { situation, _ in
        let isThere = situation.live.hasTPM == situation.wanted.hasTPM
        return switch (situation.current.hasTPM, situation.wanted.hasTPM) {
        case (true, false): .replace
        case (false, true): .restart(fixedTPM)
        default: isThere ? .live : .restart(fixedTPM)
        }
    }

    private static let fixedTPM = "no TPM is plugged into a guest that runs"

    static let guestOS: Rule = { situation, path in
        if tpm(situation, path) == .replace || secureBoot(situation, path) == .replace { return .replace }
        return situation.live.isWindows == situation.wanted.isWindows
            ? .live : .restart("a Windows guest has its devices on other buses")
    }

    // MARK: disks

    /// The rule of a disk's entry. One that goes is no longer used: its file stays, whoever has made it. Without the one it
    /// boots from the machine is another.
    static let diskAsAWhole: Rule = { situation, path in
        guard let disk = situation.wanted.disks.first(where: { $0.id == path.id }) else {
            if isMade(situation.current, path), situation.current.boots(fromDisk: path.id) { return .replace }
            return removal(situation, path)
        }
        let bus = situation.wanted.bus(of: disk)
        switch bus {
        case .virtio: return plugging(situation, path)
        case .scsi: return .live
        case .sata, .ide: return .restart("no disk on \(bus.word) is plugged into a guest that runs")
        }
    }

    private static func removal(_ situation: Situation, _ disk: FieldPath) -> Cost {
        guard situation.liveFacts.values[disk] != nil else { return .live }
        let bus = situation.liveFacts.values[FieldPath("disks", disk.id, "bus")]?.text ?? ""
        if bus != "virtio" && bus != "scsi" {
            return .restart("no disk on \(bus) is taken out of a guest that runs")
        }
        return situation.heldDisks[disk.id].map(Cost.restart) ?? .live
    }

    /// The cost of a device that takes a port: those that are free are given in the order of the spec.
    private static func plugging(_ situation: Situation, _ path: FieldPath) -> Cost {
        let (wanted, facts) = (situation.wanted, situation.liveFacts)
        let disks = wanted.disks.filter { wanted.bus(of: $0) == .virtio }
        let nics = wanted.nics.filter { $0.kind != .private && $0.model == .virtio }
        let new =
            (disks.map { FieldPath("disks", $0.id) } + nics.map { FieldPath("nics", $0.id) })
            .filter { facts.values[$0] == nil }
        let place = new.firstIndex(of: path) ?? new.endIndex
        return place < facts.ports.count
            ? .live : .restart("all PCI ports that the guest was started with are taken")
    }

    /// The rule of a disk's path. Where somebody has put another file in the place of one that limiq made, such as an
    /// overlay on it (`virsh snapshot-create-as --disk-only`), what the guest has written since is in that.
    static let diskPath: Rule = { situation, path in
        let isOpen = Cost.restart("the guest has the other one open")
        guard isMade(situation.current, path) else { return isOpen }
        // The guest that runs may have another, in the place of which one is made at the next start.
        return isMade(situation.live, path) || !isMade(situation.wanted, path) ? .replace : isOpen
    }

    static let diskSize: Rule = { situation, path in
        guard isMade(situation.current, path), isMade(situation.wanted, path) else { return .live }
        let current = situation.current.disks.first { $0.id == path.id }?.sizeGiB ?? 0
        let wanted = situation.wanted.disks.first { $0.id == path.id }?.sizeGiB ?? 0
        let bytes = situation.diskSizes[path.id] ?? current << 30
        if wanted > 0 && wanted << 30 >= bytes { return .live }
        return Cost(kind: .replace, reason: "a disk is not made smaller: what is at its end would be lost")
    }

    static let bootable: Rule = { situation, _ in
        let order = FieldPath("boot_order")
        return situation.liveFacts.values[order] == situation.wantedFacts.values[order]
            ? .live : .restart(fixedOrder)
    }

    static let fixedOrder = "the firmware looks for what it boots when the guest starts"

    static let diskFormat: Rule = { isMade($0.current, $1) ? .replace : .live }

    /// The rule of a disk's pool: what is made in a pool stays there.
    static let pool: Rule = {
        isMade($0.current, $1) && isMade($0.live, $1)
            ? .replace : .restart("the guest has the other one open")
    }

    /// The rule of a CD-ROM drive: a guest takes and gives up one on virtio-scsi, and none on SATA.
    static let drive: Rule = { situation, _ in
        situation.live.isWindows
            ? .restart("no drive on sata is plugged into a guest that runs, or out") : .live
    }

    // MARK: nics

    /// The rule of a nic's entry.
    static let nicAsAWhole: Rule = { situation, path in
        let wanted = situation.wanted.nics.first { $0.id == path.id }
        let isThere = situation.liveFacts.values[path] != nil
        let model = situation.liveFacts.values[FieldPath("nics", path.id, "model")]?.text
        if (wanted.map { $0.kind == .private } ?? (kind(path, situation.live) == .private)) {
            return .restart("a private network is joined when QEMU starts")
        }
        if let other = wanted?.model.word ?? (isThere ? model : nil), other != "virtio" {
            return .restart("no nic of the model \(other) is plugged into a guest that runs, or out")
        }
        return wanted == nil ? .live : plugging(situation, path)
    }

    /// The rule of a nic's network: it is led to another bridge, or to another network, without the guest's doing; to
    /// another kind it is another nic.
    static let network: Rule = { situation, path in
        let (live, wanted) = (kind(path, situation.live), kind(path, situation.wanted))
        return live == wanted && (wanted == .bridge || wanted == .network)
            ? .live : .restart("a nic on another kind of network is another one to QEMU")
    }

    /// The rule of forwards: a guest whose nic is on a bridge or a network takes them when that is on user networking.
    static let forward: Rule = { situation, path in
        kind(path, situation.live) == .user
            ? .live : .restart("the guest's nic is not on user networking")
    }

    private static func kind(_ nic: FieldPath, _ spec: VMSpec) -> NICSpec.Kind? {
        spec.nics.first { $0.id == nic.id }?.kind
    }

    private static func isMade(_ spec: VMSpec, _ path: FieldPath) -> Bool {
        spec.disks.contains { $0.id == path.id && $0.path == nil }
    }
}

extension VMSpec {
    /// Whether the machine boots from the disk, or would where nothing else is there to boot from.
    fileprivate func boots(fromDisk id: String) -> Bool {
        let numbers = BootPlan(self).disks
        guard let index = disks.firstIndex(where: { $0.id == id }) else { return false }
        return numbers[index] != nil || index == 0 && numbers.allSatisfy { $0 == nil }
    }
}
