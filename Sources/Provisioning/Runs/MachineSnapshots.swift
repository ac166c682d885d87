import Basics
import DiskImages
import FoundationEssentials
import Hypervisors
import MachineSpec
import XML

/// A state of a machine that it can go back to.
public struct MachineSnapshot: Sendable, Equatable {
    public var name: String
    /// The time it was taken, in seconds since 1970.
    public var created: Int
    /// Whether the guest's memory is in it: going back goes on where the guest was. Otherwise the guest boots from the
    /// disks of then.
    public var hasMemory: Bool
}

/// The snapshots in the machine's own qcow2 files, which libvirt keeps account of
/// (https://libvirt.org/formatsnapshot.html, "internal").
extension Machine {
    /// Keeps the machine's state of now.
    ///
    /// - Parameter memory: of a guest that runs, keep its memory too. Without it the disks alone are kept, as a power cut
    ///   would leave them, or, where the guest agent answers, with the guest's file systems frozen for that moment.
    /// - Throws: `Failure` with code `snapshot_exists`, `bad_field` for a name that cannot be, `libvirt` where a disk cannot
    ///   hold snapshots.
    public func snapshot(
        _ snapshot: String, memory: Bool = true, cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        guard !snapshot.isEmpty, snapshot.utf8.count <= 128,
            snapshot.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        else {
            throw Failure(
                .badField, "\"\(snapshot)\" cannot be the name of a snapshot",
                hint: "letters, digits, - _ and . can, up to 128")
        }
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let domain = try requireDomain()
            try requireNotSaved(domain, "kept in a snapshot")
            // It is kept in the disks themselves.
            try requireWritable("kept in a snapshot")
            guard try snapshotStore().all(of: name)[snapshot] == nil else {
                throw Failure(
                    .snapshotExists, "\(name) has a snapshot \(snapshot) already",
                    hint: "delete_snapshot(\"\(snapshot)\") removes it", resource: name)
            }
            if domain.state.isActive, memory { try requireOwnMemory("kept in a snapshot with its memory") }
            switch (domain.state.isActive, memory, try hasFlash()) {
            case (true, false, _): try snapshotDisks(snapshot)
            case (true, true, true): try snapshotMemory(snapshot, domain.state)
            case (false, _, true): try snapshotOff(snapshot)
            case (_, _, false):
                try snapshotStore().create(
                    name, XMLElement("domainsnapshot", [:], [XMLElement("name", text: snapshot)]).xml,
                    redefine: false)
            }
        }
    }

    /// Whether the machine's firmware keeps its variables in flash memory.
    private func hasFlash() throws(Failure) -> Bool {
        try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: false)).hasFlash
    }

    /// Keeps the disks of a running guest without its memory. libvirt takes these into new files only, and cannot go
    /// back to them: QEMU is asked for all disks at once, and libvirt is told.
    ///
    /// - Parameter freezes: whether the guest's agent is asked; not of one that does not run.
    func snapshotDisks(_ snapshot: String, freezes: Bool = true) throws(Failure) {
        let disks = try blockDevices().compactMap(\.inserted).filter { $0.drv == "qcow2" && !$0.ro }
        guard !disks.isEmpty else {
            throw Failure(
                .noSnapshot, "\(name) has no qcow2 disk that could hold a snapshot", resource: name)
        }
        let domain = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: true))
        // libvirt knows of no snapshot of this name: one that is in a disk is what a run left that was killed in between.
        forgetInDisks(snapshot, disks.map(\.nodeName))
        let agent = GuestAgent(hypervisor: hypervisor, name: name)
        let mayBeFrozen = freezes && agent.answers() && agent.freezeFileSystems()
        let taken = Result { () throws(Failure) -> NothingSaid in
            try qmp(
                "transaction",
                Transaction(actions: disks.map { .init(data: .init(device: $0.nodeName, name: snapshot)) }),
                doing: "cannot keep the disks of \(name)")
        }
        if mayBeFrozen { try agent.thawFileSystems() }
        _ = try taken.get()
        try snapshotStore().create(
            name,
            XMLElement(
                "domainsnapshot", [:],
                [
                    XMLElement("name", text: snapshot), XMLElement("state", text: "shutoff"),
                    XMLElement("creationTime", text: String(Int(Date().timeIntervalSince1970))),
                    XMLElement("memory", ["snapshot": "no"]), XMLElement(domain),
                ]
            ).xml, redefine: true)
    }

    /// - Throws: `Failure` with code `host_not_able` where the hypervisor takes none.
    func snapshotStore() throws(Failure) -> any DomainSnapshots {
        if let store = hypervisor.snapshots { return store }
        throw Failure(.hostNotAble, "\(hypervisor.uri) takes no snapshots", resource: hypervisor.uri)
    }

    /// The machine's snapshots, the oldest first.
    public func snapshots() throws(Failure) -> [MachineSnapshot] {
        try requireDomain()
        return try snapshotStore().all(of: name).map { name, text throws(Failure) in
            let xml = try XMLReader.parse(text)
            return MachineSnapshot(
                name: name, created: xml.first("creationTime").flatMap { Int($0.text) } ?? 0,
                hasMemory: Self.hasMemory(xml))
        }.sorted { ($0.created, $0.name) < ($1.created, $1.name) }
    }

    private static func hasMemory(_ snapshot: XMLNode) -> Bool {
        ["internal", "external"].contains(snapshot.first("memory")?.attributes["snapshot"])
    }

    /// The name of the snapshot that was taken last.
    ///
    /// - Throws: `Failure` with code `not_found` where there is none.
    public func newestSnapshot() throws(Failure) -> String {
        if let newest = try snapshots().last { return newest.name }
        throw Failure(
            .notFound, "\(name) has no snapshot", hint: "limiq snapshot \(name) makes one", resource: name)
    }

    /// Makes the machine what it was: all that came after is lost. A guest that runs runs afterwards, from its memory
    /// of then or by a boot from its disks of then.
    ///
    /// - Throws: `Failure` with code `not_found` where there is no such snapshot.
    public func revert(to snapshot: String, cancellation: Cancellation = Cancellation()) throws(Failure) {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let domain = try requireDomain()
            try require(snapshot)
            try requireWritable("made what it was")
            if let record = try record() { try requireSameBases(record) }
            // What a change had been making is made no more: its files are of the machine as it was.
            try MachineJournal.endChange(in: folder)
            // libvirt makes a new process of it, with a console of its own. With its memory it keeps the address it has.
            let document = try XMLReader.parse(try snapshotStore().all(of: name)[snapshot] ?? "")
            let hasMemory = Self.hasMemory(document)
            try beginBoot(hasMemory ? [] : record()?.spec.nics ?? [])
            // Memory of what came after would be started on the disks of before: libvirt refuses.
            try hypervisor.dropSaved(name)
            if hasMemory, document.first("domain")?.hasFlash == true {
                try revertMemory(to: snapshot, document)
            } else {
                try snapshotStore().revert(name, to: snapshot, running: domain.state.isActive)
            }
            guard let record = try record() else { return }
            try MachineJournal.endChange(in: folder, record)
            guard try requireDomain().state.isActive else { return }
            try PortForwards(hypervisor: hypervisor, name: name)
                .set(record.spec.nics, to: userAddress(record))
        }
    }

    /// - Throws: `Failure` with code `not_found` where there is no such snapshot.
    public func deleteSnapshot(
        _ snapshot: String, cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let domain = try requireDomain()
            try require(snapshot)
            try requireWritable("rid of a snapshot")
            if domain.state.isActive, try hasFlash() { forgetInDisks(snapshot, try snapshotNodes()) }
            try snapshotStore().delete(name, snapshot)
        }
    }

    private func require(_ snapshot: String) throws(Failure) {
        let names = try snapshotStore().all(of: name).keys.sorted()
        if names.contains(snapshot) { return }
        throw Failure(
            .notFound, "\(name) has no snapshot \(snapshot)",
            hint: names.isEmpty
                ? "snapshot { name = … } makes one" : "it has \(names.joined(separator: ", "))",
            resource: name)
    }
}

/// The snapshots of several disks in one (`transaction`).
struct Transaction: Encodable {
    struct Action: Encodable {
        struct Disk: Encodable {
            var device: String
            var name: String
        }
        var type = "blockdev-snapshot-internal-sync"
        var data: Disk
    }
    var actions: [Action]
}
