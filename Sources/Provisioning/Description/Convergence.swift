import Basics
import MachineSpec
import XML

/// The comparison of a machine with the spec it is to follow: what differs, and what each difference costs. It asks
/// nobody: all it knows, it is given.
///
/// Three things are held against the spec: the record and the description of the next start, the record and the
/// description of the running guest, and the files of the disks. libvirt keeps the metadata of a running domain apart from
/// that of its next start, so that the guest's own record says what it was started with, whoever starts it.
struct Convergence {
    /// One of a domain's two descriptions, with limiq's record in it.
    struct Description {
        var spec: VMSpec
        var facts: DomainFacts
        /// The digest of the instance-id of its seed; `nil` where it is not known.
        var instance: String?

        init(spec: VMSpec, facts: DomainFacts) {
            self.spec = spec
            self.facts = facts
        }

        init(_ record: MachineRecord, facts: DomainFacts) {
            self.init(spec: record.spec, facts: facts)
            instance = record.instance
        }
    }

    var wanted: VMSpec
    /// The facts of the domain that limiq would define for the machine.
    var wantedFacts: DomainFacts
    /// The description of the next start.
    var next: Description
    /// The description of the running guest; `nil` where none runs.
    var live: Description?
    var diskSizes: [String: UInt64] = [:]
    /// The reasons why the running guest cannot do without disks that it is to lose, by their ids.
    var heldDisks: [String: String] = [:]

    /// The changes, in the order of their paths.
    func changes() -> [Change] {
        // The wanted spec's secrets are kept as digests with a salt, which is the record's.
        let wanted = wanted.withDigests(like: next.spec)
        let isTaken = wanted == next.spec
        if isTaken, resizedDisks(wanted).isEmpty, agrees(next, DomainFacts.ofGuestOnly),
            live.map({ agrees($0, DomainFacts.ofDescriptionOnly) }) ?? true
        {
            return []
        }
        let wantedFields = SpecFields.of(wanted)
        let nextFields = isTaken ? wantedFields : SpecFields.of(next.spec)
        let liveFields = live.map { $0.spec == next.spec ? nextFields : SpecFields.of($0.spec) }
        let situation = ChangeRules.Situation(
            current: next.spec, wanted: self.wanted, live: live?.spec ?? next.spec,
            liveFacts: live?.facts ?? next.facts, wantedFacts: wantedFacts, diskSizes: diskSizes,
            heldDisks: heldDisks, keepsInstance: keepsInstance(wanted))

        let resized = resizedDisks(wanted)
        var changes: [FieldPath: Change] = [:]
        for path in paths(wantedFields, nextFields, liveFields ?? [:]) {
            let isScript = nextFields[path] != wantedFields[path]
            let isOther = differs(next.facts, path, DomainFacts.ofGuestOnly) || resized[path] != nil
            let runsWithOther = live.map { live in
                if resized[path] != nil { return true }
                return isFact(live.facts, path, DomainFacts.ofDescriptionOnly)
                    ? live.facts.values[path] != wantedFacts.values[path]
                    : liveFields?[path] != wantedFields[path]
            }
            guard isScript || isOther || runsWithOther == true else { continue }
            let cost = ChangeRules.cost(path, situation)
            // Without a guest that has to follow, only what would be lost counts, and what its next start does not take.
            let isLasting = cost.kind == .replace || cost.kind == .instance
            let paid: ChangeRules.Cost =
                runsWithOther == true || (isScript || isOther) && isLasting ? cost : .live
            let found = resized[path] ?? found(path, runsWithOther == true, nextFields, liveFields)
            let wantedFact = wantedFacts.values[path]
            // A description names the devices a guest boots from, a spec their kinds: each is told beside its like.
            let isSaid =
                isScript
                || wantedFields[path].map { found == nil || wantedFact == nil || wantedFact == $0 } ?? false
            changes[path] = Change(
                path, path: path.text(in: [wanted, next.spec, situation.live]),
                current: isScript ? said(nextFields[path], found) : found,
                wanted: isSaid ? wantedFields[path] : wantedFact ?? wantedFields[path], isSaid: isSaid,
                cost: paid, cause: isScript ? .script : isOther || paid.kind == .live ? .drift : .pending)
        }
        for path in Array(changes.keys) where isTold(by: changes, path) { changes[path] = nil }
        return changes.values.sorted { $0.path < $1.path }
    }

    /// What the machine has of a field: in the guest that runs, where that is not what is wanted, else for its next start. A
    /// description that says nothing of a field that it could say has none of it, whatever a spec says.
    private func found(
        _ path: FieldPath, _ isLive: Bool, _ nextFields: [FieldPath: FieldValue],
        _ liveFields: [FieldPath: FieldValue]?
    ) -> FieldValue? {
        if isLive, let live {
            return isFact(live.facts, path, DomainFacts.ofDescriptionOnly)
                ? live.facts.values[path] : liveFields?[path]
        }
        return isFact(next.facts, path, DomainFacts.ofGuestOnly) ? next.facts.values[path] : nextFields[path]
    }

    /// What a field is where the script says another value than before: what the script said, or what somebody has made of it
    /// by hand, where that can be told in the same words.
    private func said(_ before: FieldValue?, _ found: FieldValue?) -> FieldValue? {
        switch (before, found) {
        case (.number, .number), (.flag, .flag): found
        default: before
        }
    }

    /// The disks whose files are not as large as the script says, and said before, with the sizes that they have.
    private func resizedDisks(_ wanted: VMSpec) -> [FieldPath: FieldValue] {
        var resized: [FieldPath: FieldValue] = [:]
        for disk in wanted.disks where disk.path == nil && disk.sizeGiB > 0 {
            let known = next.spec.disks.first { $0.id == disk.id }
            guard let known, known.path == nil, known.sizeGiB == disk.sizeGiB,
                let bytes = diskSizes[disk.id], bytes != disk.sizeGiB << 30
            else { continue }
            resized[FieldPath("disks", disk.id, "size_gib")] =
                bytes.isMultiple(of: 1 << 30)
                ? .number(bytes >> 30) : .found(ByteSize(bytes: bytes).description)
        }
        return resized
    }

    /// Whether the seed that is wanted names the instance that the guest is.
    ///
    /// - Parameter kept: the wanted spec with digests in the place of documents.
    private func keepsInstance(_ kept: VMSpec) -> Bool {
        guard let identity = wanted.seedIdentity else { return false }
        let present = live ?? next
        if let instance = present.instance { return instance == identity.digest }
        // The record of before knows of the instance-id that it stands in the same meta-data.
        return identity.isGiven && present.spec.cloudInit?.metaData == kept.cloudInit?.metaData
    }

    /// - Parameter exceptions: fields that the description says nothing of.
    private func isFact(_ facts: DomainFacts, _ path: FieldPath, _ exceptions: Set<String>) -> Bool {
        !exceptions.contains(path.pattern)
            && (facts.values[path] != nil || wantedFacts.values[path] != nil)
    }

    private func differs(_ facts: DomainFacts, _ path: FieldPath, _ exceptions: Set<String>) -> Bool {
        isFact(facts, path, exceptions) && facts.values[path] != wantedFacts.values[path]
    }

    private func agrees(_ described: Description, _ exceptions: Set<String>) -> Bool {
        described.spec == next.spec
            && Set(described.facts.values.keys).union(wantedFacts.values.keys)
                .allSatisfy { !isOurs($0) || !differs(described.facts, $0, exceptions) }
    }

    /// The paths of all fields that may differ. A device that no spec has ever named is somebody else's.
    private func paths(
        _ wantedFields: [FieldPath: FieldValue], _ nextFields: [FieldPath: FieldValue],
        _ liveFields: [FieldPath: FieldValue]
    ) -> Set<FieldPath> {
        var paths = Set(wantedFields.keys).union(nextFields.keys).union(liveFields.keys)
        for facts in [wantedFacts, next.facts] + (live.map { [$0.facts] } ?? []) {
            paths.formUnion(facts.values.keys.filter(isOurs))
        }
        return paths
    }

    private func isOurs(_ path: FieldPath) -> Bool {
        guard let list = path.list else { return true }
        return [wanted, next.spec, live?.spec].compactMap(\.self).contains {
            $0.ids(of: list).contains(path.id)
        }
    }

    /// Whether another change says it already.
    private func isTold(by changes: [FieldPath: Change], _ path: FieldPath) -> Bool {
        func isScript(_ other: FieldPath) -> Bool { changes[other]?.cause == .script }
        switch path.pattern {
        case _ where path.list != nil && !path.field.isEmpty:
            let device = FieldPath(path.list ?? "", path.id)
            // A device that only waits for the next start may be changed once more before it.
            if let device = changes[device], device.cause == .script || !isScript(path) { return true }
            return path.field == "path" && !isScript(path)
                && changes[FieldPath("disks", path.id, "format")] != nil
        case "max_memory_mib":
            return !isScript(path) && wanted.maxMemoryMiB == nil && isScript(FieldPath("memory_mib"))
        case "max_cpu_cores":
            return !isScript(path) && wanted.maxCPUCores == nil && isScript(FieldPath("cpu_cores"))
        case "boot_order":
            return !isScript(path)
                && changes.keys.contains { other in
                    other.list != nil && (other.field.isEmpty || other.field == "bootable")
                }
        default: return false
        }
    }
}
