import Basics
import Hypervisors
import MachineSpec
import XML

extension Machine {
    /// - Throws: `Failure` with code `not_ours`, as `requireOwn`.
    func domainNow(_ domain: DomainSummary) throws(Failure) -> PresentDomain {
        let next = try XMLReader.parse(try hypervisor.xml(name, inactive: true, secrets: false))
        let record = try requireOwn(try MachineRecord.of(next), of: domain)
        guard domain.state.isActive || domain.state == .saved else {
            return PresentDomain(domain: domain, next: next, record: record, live: nil, liveRecord: nil)
        }
        let live = try XMLReader.parse(
            domain.state == .saved
                ? try hypervisor.savedXML(name) : try hypervisor.xml(name, inactive: false, secrets: false))
        return PresentDomain(
            domain: domain, next: next, record: record, live: live,
            liveRecord: try MachineRecord.of(live) ?? record,
            isPersistent: try hypervisor.isPersistent(name))
    }

    /// The comparison of the machine as it stands with a spec.
    func convergence(_ spec: VMSpec, _ domainNow: PresentDomain) throws(Failure) -> Convergence {
        let description = try description(of: spec, domainNow.record, MachineLayout(spec, of: self))
        var wanted = DomainFacts(withSources(of: domainNow.next, description, spec))
        var convergence = Convergence(
            wanted: spec, wantedFacts: wanted,
            next: Convergence.Description(domainNow.record, facts: DomainFacts(domainNow.next)))
        if let live = domainNow.live, let liveRecord = domainNow.liveRecord {
            var facts = DomainFacts(live)
            if domainNow.isActive, (spec.nics + liveRecord.spec.nics).contains(where: { !$0.forward.isEmpty })
            {
                let present = PortForwards.parse(try hypervisor.monitor(name, "info usernet"))
                facts.add(present, for: spec)
                wanted.addForwards(of: spec)
                convergence.wantedFacts = wanted
            }
            var described = Convergence.Description(liveRecord, facts: facts)
            described.spec.takeUp(devicesOf: domainNow.record.spec, in: facts)
            convergence.live = described
        }
        let store = store(try host())
        for disk in spec.disks where disk.path == nil && disk.sizeGiB > 0 {
            guard let part = part(.disk(disk.id), of: domainNow.record) else { continue }
            convergence.diskSizes[disk.id] = try? store.find(part)?.inspect().virtualSize
        }
        if domainNow.isActive, let live = domainNow.live {
            for disk in (domainNow.liveRecord?.spec.disks ?? [])
            where !spec.disks.contains(where: { $0.id == disk.id }) {
                guard let drive = live.drive(DomainXML.diskAlias(disk.id)) else { continue }
                convergence.heldDisks[disk.id] = use(ofDisk: drive)
            }
        }
        return convergence
    }

    /// The description limiq makes of a spec, read as libvirt's descriptions are.
    func description(
        of spec: VMSpec, _ record: MachineRecord, _ layout: MachineLayout
    ) throws(Failure) -> XMLNode {
        try XMLReader.parse(
            DomainXML(
                spec: spec, layout: layout, host: try host(), acceleration: record.acceleration,
                record: record, isTestDriver: isOnTestDriver
            ).description().xml)
    }

    /// The fields in which the machine differs from a spec; `nil` where there is no machine.
    ///
    /// - Throws: `Failure` with code `not_ours`.
    public func diff(_ spec: VMSpec) throws(Failure) -> [Change]? {
        guard let domain = try hypervisor.domain(name) else { return nil }
        let domainNow = try domainNow(domain)
        return try convergence(try settled(spec, after: domainNow.record.spec), domainNow).changes()
    }
}

extension VMSpec {
    /// Adds the disks and nics that the running guest has, and that its record does not name: the run that plugged them in was
    /// killed before it could write that down.
    ///
    /// - Parameter next: the spec of its next start.
    fileprivate mutating func takeUp(devicesOf next: VMSpec, in facts: DomainFacts) {
        disks += next.disks.filter { disk in
            facts.values[FieldPath("disks", disk.id)] != nil && !disks.contains { $0.id == disk.id }
        }
        nics += next.nics.filter { nic in
            facts.values[FieldPath("nics", nic.id)] != nil && !nics.contains { $0.id == nic.id }
        }
    }
}
