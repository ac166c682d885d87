import Basics
import XML

/// What a VM is at the moment, in libvirt's two descriptions of it, each with limiq's record.
struct MachineStanding: Sendable {
    let domain: DomainSummary
    /// Of the next start.
    let next: XMLNode
    let record: MachineRecord
    /// Of the running guest; `nil` where none runs.
    let live: XMLNode?
    let liveRecord: MachineRecord?

    var isActive: Bool { live != nil }
}

extension Machine {
    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make, or made from another state folder.
    func standing(_ domain: DomainSummary) throws(Failure) -> MachineStanding {
        let next = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: false))
        guard let element = next.all("metadata/machine").first(where: { $0.namespace == DomainXML.namespace })
        else { throw notOurs }
        let record = try MachineRecord(element: element)
        // Its disks are where this one would not look for them.
        guard record.made.isEmpty || record.folder == folder else {
            throw Failure(
                "not_ours",
                "vm \(name) on \(hypervisor.uri) is kept in \(record.folder), and is left alone from here",
                hint: "choose another name, or set LIMIQ_HOME to the state folder it was made with",
                resource: name)
        }
        guard domain.state.isActive else {
            return MachineStanding(domain: domain, next: next, record: record, live: nil, liveRecord: nil)
        }
        let live = try XMLReader.parse(try hypervisor.xml(name, inactive: false, secrets: false))
        let own = live.all("metadata/machine").first { $0.namespace == DomainXML.namespace }
        var liveRecord = record
        if let own, own.text != element.text { liveRecord = try MachineRecord(element: own) }
        return MachineStanding(
            domain: domain, next: next, record: record, live: live, liveRecord: liveRecord)
    }

    /// The VM as it stands beside a spec.
    func convergence(_ spec: VMSpec, _ standing: MachineStanding) throws(Failure) -> Convergence {
        let description = try description(of: spec, standing.record, MachineLayout(spec, of: self))
        var wanted = DomainFacts(withSources(of: standing.next, description, spec))
        var convergence = Convergence(
            wanted: spec, wantedFacts: wanted,
            next: Convergence.Side(spec: standing.record.spec, facts: DomainFacts(standing.next)))
        if let live = standing.live, let liveSpec = standing.liveRecord?.spec {
            var facts = DomainFacts(live)
            if (spec.nics + liveSpec.nics).contains(where: { !$0.forward.isEmpty }) {
                let present = PortForwards.parse(try hypervisor.monitor(name, "info usernet"))
                facts.add(present, for: spec)
                wanted.addForwards(of: spec)
                convergence.wantedFacts = wanted
            }
            convergence.live = Convergence.Side(spec: liveSpec, facts: facts)
        }
        for disk in spec.disks where disk.path == nil {
            let known = standing.record.spec.disks.first { $0.id == disk.id }
            guard let known, known.sizeGiB != disk.sizeGiB else { continue }
            convergence.diskSizes[disk.id] =
                try storage(for: standing.record.spec, try host()).virtualSize(of: known, standing.record)
        }
        return convergence
    }

    /// What limiq makes of a spec, as libvirt's descriptions are read.
    func description(
        of spec: VMSpec, _ record: MachineRecord, _ layout: MachineLayout
    ) throws(Failure) -> XMLNode {
        try XMLReader.parse(
            DomainXML(
                spec: spec, layout: layout, host: try host(), acceleration: record.acceleration,
                record: record, isTestDriver: isOnTestDriver
            ).description().xml)
    }

    /// The fields in which the VM differs from a spec; `nil` where there is no VM.
    ///
    /// - Throws: `Failure` with code `not_ours`.
    public func diff(_ spec: VMSpec) throws(Failure) -> [Change]? {
        guard let domain = try hypervisor.domain(name) else { return nil }
        return try convergence(spec, try standing(domain)).changes()
    }
}
