import Basics
import DiskImages
import Glibc
import HostFiles
import ImageLibrary
import MachineSpec

/// The checks of what a machine does to the images that are its disks, held against what stands on them.
extension Machine {
    func standsOn() throws(Failure) -> StandsOn {
        try StandsOn(state: state, on: hypervisor, beside: neighbours)
    }

    /// - Parameter parts: those that would go with the machine.
    /// - Throws: `Failure` with code `in_use` where another machine's disk stands on one of its own.
    func requireRemovable(_ parts: [Part]) throws(Failure) {
        let relation = try standsOn()
        let images = isLocal ? parts.files : relation.writableDisks(of: name)
        try relation.requireNothing(on: images, besides: gone.union([name]), "vm \(name)", .remove)
    }

    /// - Parameter words: what is about to be done, as follows "cannot be".
    /// - Throws: `Failure` with code `in_use` where another machine's disk stands on one that this one's domain writes
    ///   to.
    func requireWritable(_ words: String) throws(Failure) {
        let relation = try standsOn()
        try relation.requireNothing(
            on: relation.writableDisks(of: name), besides: gone.union([name]), "vm \(name)", .write(words))
    }

    /// Makes sure that nothing stands on what a plan would remove or write to.
    func requireUndisturbed(
        _ plan: MachinePlan, _ spec: VMSpec, _ record: MachineRecord
    ) throws(Failure) {
        if plan.action == .replace {
            try requireRemovable(record.parts)
            return try requireOwnDisks(spec, after: nil)
        }
        try requireOwnDisks(spec, after: record.spec)
        let grown = spec.disks.filter { disk in
            let size = FieldPath("disks", disk.id, "size_gib")
            return disk.path == nil && plan.changes.contains { $0.field == size }
        }
        let starts = plan.starts || plan.restarts
        guard starts || !grown.isEmpty else { return }
        let relation = try standsOn()
        func require(_ disks: [DiskSpec], _ words: String) throws(Failure) {
            var layout = VMSpec(name: name)
            layout.disks = disks
            let images =
                isLocal
                ? MachineLayout(layout, of: self).disks.map(\.path) : relation.writableDisks(of: name)
            try relation.requireNothing(on: images, besides: gone.union([name]), "vm \(name)", .write(words))
        }
        if !grown.isEmpty { try require(grown, "given a larger disk") }
        if starts { try require(spec.disks.filter { !$0.readonly }, "started") }
    }

    /// Makes sure that the files a spec names as disks are the machine's to write: the guest makes of them what it
    /// likes, so they are no other machine's disk, and nothing stands on them, the machine's own overlays included.
    ///
    /// - Parameter known: what the machine had before; `nil` for a new one.
    /// - Throws: `Failure` with code `in_use`.
    func requireOwnDisks(_ spec: VMSpec, after known: VMSpec?) throws(Failure) {
        guard isLocal else { return }
        var relation: StandsOn?
        for (index, disk) in spec.disks.enumerated() where !disk.readonly && disk.poolID == nil {
            guard let path = disk.path, !(known?.disks.contains { $0.path == path && !$0.readonly } ?? false)
            else { continue }
            let field = "disks[\(index + 1)].path"
            let subject = "\(field) \(path) of vm \(name)"
            try requireNobodyElses(path, subject)
            try requireNoOther(of: spec, path, at: index, subject)
            let present = if let relation { relation } else { try standsOn() }
            relation = present
            try present.requireNothing(on: [path], besides: gone, path, .write("\(field) of vm \(name)"))
            try present.requireNoDomain(with: path, besides: gone.union([name]), subject)
        }
    }

    /// Refuses what lies where another machine's disk or the library's images do.
    private func requireNobodyElses(_ path: String, _ subject: String) throws(Failure) {
        let real = (try? resolved(path)) ?? path
        let owner: String
        if let other = StandsOn.folderName(of: real, in: state), other != folderName {
            owner = "the disk of vm \(other)"
        } else if isInside(real, (try? resolved(state.cloudImages)) ?? state.cloudImages) {
            owner = "an image of the library, which others start from"
        } else {
            return
        }
        throw Failure(
            .inUse, "\(subject) is \(owner)",
            hint: "backing_file = \"\(path)\" makes an overlay on it, readonly = true only reads it",
            resource: path)
    }

    /// Refuses a file that another disk of the spec is, or stands on.
    private func requireNoOther(
        of spec: VMSpec, _ path: String, at index: Int, _ subject: String
    ) throws(Failure) {
        let keys = Set(imageKeys(path))
        for (other, disk) in spec.disks.enumerated() where other != index {
            if let second = disk.path, !keys.isDisjoint(with: imageKeys(second)) {
                throw Failure(
                    .inUse, "\(subject) is its disks[\(other + 1)] too",
                    hint: "give each disk a file of its own", resource: path)
            }
        }
        for (other, disk) in spec.disks.enumerated() {
            guard let base = disk.backingFile else { continue }
            let below = ([base] + imagesBelow(base)).flatMap(imageKeys)
            guard keys.isDisjoint(with: below) else {
                throw Failure(
                    .inUse, "\(subject) is what its disks[\(other + 1)] stands on, which must not change",
                    hint: "use an overlay with that backing_file for both", resource: path)
            }
        }
    }
}
