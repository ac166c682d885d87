import Basics
import DiskImages
import FoundationEssentials
import Glibc
import Hypervisors
import XML

/// Snapshots of machines with UEFI. libvirt takes and gives back none of these, for their firmware's variables are in a raw
/// file that holds no snapshot: QEMU is asked, for the disks alone. The variables of a guest that runs are in its memory as
/// well, from which QEMU writes the file again when the guest goes on; those of one that is off stay what they are.
extension Machine {
    /// Keeps the disks of a running guest with its memory.
    func snapshotMemory(_ snapshot: String, _ state: DomainState) throws(Failure) {
        let nodes = try snapshotNodes()
        let running = try description(inactive: false)
        let next = try description(inactive: true)
        forgetInDisks(snapshot, nodes)
        try runJob(
            "snapshot-save", Job(tag: snapshot, vmstate: nodes[0], devices: nodes),
            doing: "cannot keep \(name) in a snapshot")
        try snapshotStore().create(
            name,
            XMLElement(
                "domainsnapshot", [:],
                [
                    XMLElement("name", text: snapshot),
                    XMLElement("state", text: state == .paused ? "paused" : "running"),
                    XMLElement("creationTime", text: String(Int(Date().timeIntervalSince1970))),
                    XMLElement("memory", ["snapshot": "internal"]), XMLElement(running),
                    XMLElement(next.named("inactiveDomain")),
                ]
            ).xml, redefine: true)
    }

    /// Keeps the disks of a machine that is off: QEMU has them for that moment, and runs nothing.
    func snapshotOff(_ snapshot: String) throws(Failure) {
        try hypervisor.startPaused(name)
        let taken = Result { () throws(Failure) in try snapshotDisks(snapshot, freezes: false) }
        try hypervisor.destroy(name)
        try taken.get()
    }

    /// Makes the machine what it was when a snapshot with memory was taken.
    ///
    /// - Parameter document: the snapshot's.
    func revertMemory(to snapshot: String, _ document: XMLNode) throws(Failure) {
        guard let running = document.first("domain") else {
            throw Failure(
                .libvirt, "the snapshot \(snapshot) of \(name) says nothing of the machine", resource: name)
        }
        let next = document.first("inactiveDomain")?.named("domain") ?? running
        try hypervisor.destroy(name)
        // Its devices are to be those that the memory knows.
        _ = try hypervisor.define(XMLElement(running).xml)
        try hypervisor.startPaused(name)
        do throws(Failure) {
            let nodes = try snapshotNodes()
            try runJob(
                "snapshot-load", Job(tag: snapshot, vmstate: nodes[0], devices: nodes),
                doing: "cannot make \(name) what it was at \(snapshot)")
        } catch {
            try hypervisor.destroy(name)
            _ = try hypervisor.define(XMLElement(next).xml)
            throw error
        }
        _ = try hypervisor.define(XMLElement(next).xml)
        if document.first("state")?.text != "paused" { try hypervisor.resume(name) }
    }

    /// Forgets what the disks of a running guest hold of a snapshot: libvirt asks for that together with the variables.
    func forgetInDisks(_ snapshot: String, _ nodes: [String]) {
        for node in nodes {
            let _: NothingSaid? = try? qmp(
                "blockdev-snapshot-delete-internal-sync",
                Transaction.Action.Disk(device: node, name: snapshot), doing: "")
        }
    }

    /// QEMU's names of the running guest's disks, all of which hold snapshots.
    ///
    /// - Throws: `Failure` with code `no_snapshot` where one cannot, or there is none.
    func snapshotNodes() throws(Failure) -> [String] {
        let disks = try blockDevices().compactMap(\.inserted).filter {
            !$0.ro && !$0.nodeName.hasPrefix("libvirt-pflash")
        }
        guard !disks.isEmpty, disks.allSatisfy({ $0.drv == "qcow2" }) else {
            throw Failure(
                .noSnapshot, "\(name) has a disk that is no qcow2, or none, and nothing to hold a snapshot",
                resource: name)
        }
        return disks.map(\.nodeName)
    }

    private func description(inactive: Bool) throws(Failure) -> XMLNode {
        try XMLReader.parse(try hypervisor.xml(name, inactive: inactive, secrets: true))
    }

    /// Runs a job of QEMU's to its end. QEMU tells of it by an event that libvirt passes on to nobody.
    private func runJob(_ command: String, _ job: Job, doing: String) throws(Failure) {
        let _: NothingSaid = try qmp(command, job, doing: doing)
        while true {
            let jobs: [JobState] = try qmp("query-jobs", NothingSaid(), doing: doing)
            guard let state = jobs.first(where: { $0.id == job.id }), state.status == "concluded" else {
                usleep(50_000)
                continue
            }
            let _: NothingSaid = try qmp("job-dismiss", JobName(id: job.id), doing: doing)
            if let error = state.error { throw Failure(.libvirt, doing, resource: name, cause: error) }
            return
        }
    }
}

/// The arguments of `snapshot-save` and `snapshot-load`
/// (https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html).
private struct Job: Encodable {
    var id = "limiq-\(UInt32.random(in: .min ... .max))"
    var tag: String
    /// The disk that holds the memory.
    var vmstate: String
    var devices: [String]

    enum CodingKeys: String, CodingKey {
        case id = "job-id"
        case tag, vmstate, devices
    }
}

private struct JobName: Encodable { var id: String }

private struct JobState: Decodable {
    var id: String
    var status: String
    var error: String?
}

extension XMLNode {
    fileprivate func named(_ name: String) -> XMLNode {
        var node = self
        node.name = name
        return node
    }

    /// Whether a domain's firmware keeps its variables in flash memory. Of one that libvirt chooses it says which at a start.
    var hasFlash: Bool {
        first("os")?.attributes["firmware"] == "efi" || first("os/loader")?.attributes["type"] == "pflash"
    }
}
