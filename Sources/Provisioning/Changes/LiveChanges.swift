import Basics
import Glibc
import Hypervisors
import MachineSpec
import XML

/// Changes a running guest: each field by the call libvirt has for it. What its next start takes says so already.
struct LiveChanges {
    let machine: Machine
    let spec: VMSpec
    let domainNow: PresentDomain
    /// The description limiq makes of the spec, with the drives named as they are in the guest.
    let description: XMLNode
    let cancellation: Cancellation
    /// The changes that were asked of the guest, and that it did not make.
    private(set) var unfollowed: [Change] = []

    init(
        machine: Machine, spec: VMSpec, domainNow: PresentDomain, description: XMLNode,
        cancellation: Cancellation
    ) {
        self.machine = machine
        self.spec = spec
        self.domainNow = domainNow
        self.description = description
        self.cancellation = cancellation
    }

    /// Applies the changes that are live; the others are none of the running guest's.
    ///
    /// - Throws: the first failure; its hint says what was done before it and what was not.
    mutating func apply(_ changes: [Change]) throws(Failure) {
        guard let live = domainNow.live else { return }
        let changes = changes.filter { $0.kind == .live }
        for (index, change) in changes.enumerated() {
            try cancellation.check()
            do throws(Failure) { try apply(change, live) } catch {
                var failure = error
                let done = changes[..<index].map(\.path)
                let left = changes[index...].map(\.path)
                if !done.isEmpty { failure.add(hint: "changed: \(done.joined(separator: ", "))") }
                failure.add(hint: "not changed in the running guest: \(left.joined(separator: ", "))")
                failure.add(hint: "run it again, or start the guest anew")
                throw failure
            }
        }
    }

    private mutating func apply(_ change: Change, _ live: XMLNode) throws(Failure) {
        let (id, field) = (change.field.id, change.field.field)
        switch change.field.list {
        case nil where field == "memory_mib": try setMemory(change)
        case nil where field == "cpu_cores": try setProcessors(live)
        case "disks" where field.isEmpty:
            try setDevice(change, DomainXML.diskAlias(id), isWanted: spec.disks.contains { $0.id == id })
        case "nics" where field.isEmpty:
            let nics = spec.nics.filter { $0.id == id }
            try machine.startNetworks(nics)
            try setDevice(change, DomainXML.nicAlias(id), isWanted: !nics.isEmpty)
            if nics.contains(where: { !$0.forward.isEmpty }) { try setForwards() }
        case "disks":
            if let disk = spec.disks.first(where: { $0.id == id }) { try changeDisk(disk, field, live) }
        case "nics":
            if let nic = spec.nics.first(where: { $0.id == id }) { try changeNIC(nic, field) }
        case "cdroms": try changeCDROM(id, field, live)
        default: break
        }
    }

    /// The domain as it is now.
    func domain(inactive: Bool) throws(Failure) -> XMLNode {
        try XMLReader.parse(
            try machine.hypervisor.xml(machine.name, inactive: inactive, secrets: inactive))
    }

    func send(_ change: GuestChange) throws(Failure) {
        try machine.hypervisor.change(machine.name, change)
    }

    private func setProcessors(_ live: XMLNode) throws(Failure) {
        // The description of its next start may have been the other one.
        if DomainProcessors(live)?.online != spec.processors { try send(.processors(spec.processors)) }
    }

    private mutating func setMemory(_ change: Change) throws(Failure) {
        try send(.memory(mebibytes: spec.memoryMiB))
        // The guest's kernel hands it over page by page.
        let deadline = ContinuousClock.Instant.present + .seconds(10)
        while true {
            if DomainMemory(try domain(inactive: false))?.current == spec.memoryMiB { return }
            guard ContinuousClock.Instant.present < deadline else { break }
            try cancellation.check()
            LeapingClock.pause(.microseconds(100_000))
        }
        leave(change, "the guest does not give it back", .drift)
    }

    mutating func leave(_ change: Change, _ reason: String, _ cause: Change.Cause) {
        var left = change
        (left.kind, left.cause, left.reason) = (.restart, cause, reason)
        unfollowed.append(left)
    }

    private func changeDisk(_ disk: DiskSpec, _ field: String, _ live: XMLNode) throws(Failure) {
        let drive = live.drive(DomainXML.diskAlias(disk.id))
        guard let target = drive?.first("target")?.attributes["dev"] else { return }
        switch field {
        case "iops_limit", "throughput_mbps":
            try send(
                .diskLimits(
                    target: target, bytesPerSecond: disk.throughputMBps * 1_000_000,
                    operationsPerSecond: disk.iopsLimit))
        default: break
        }
    }

    private func setForwards() throws(Failure) {
        // A nic may wait for the next start.
        let aliases = try domain(inactive: false).userNICs
        try PortForwards(hypervisor: machine.hypervisor, name: machine.name).change(
            to: spec.nics.filter { aliases.contains(DomainXML.nicAlias($0.id)) },
            at: machine.userAddress(domainNow.liveRecord))
    }

    private func changeNIC(_ nic: NICSpec, _ field: String) throws(Failure) {
        // As it is now: a change before this one may have been of the same nic, and an update writes all of it.
        guard var interface = try domain(inactive: false).device(DomainXML.nicAlias(nic.id)) else { return }
        switch field {
        case "bandwidth_mbps":
            try send(
                .bandwidth(
                    macAddress: interface.first("mac")?.attributes["address"] ?? "",
                    kilobytesPerSecond: nic.bandwidthMbps * 125))
        case "forward": try setForwards()
        case "link", "bridge", "network":
            interface.children.removeAll { $0.name == "link" || $0.name == "source" }
            if let bridge = nic.bridge {
                interface.children.append(XMLNode(name: "source", attributes: ["bridge": bridge]))
            } else if let network = nic.network?.name {
                interface.children.append(XMLNode(name: "source", attributes: ["network": network]))
            }
            interface.children.append(XMLNode(name: "link", attributes: ["state": "up"]))
            try send(.update(XMLElement(interface).xml))
        default: break
        }
    }

    private func changeCDROM(_ id: String, _ field: String, _ live: XMLNode) throws(Failure) {
        let alias = DomainXML.cdromAlias(id)
        let present = live.drive(alias)
        let cdrom = spec.cdroms.first { $0.id == id }
        switch (present, cdrom) {
        case (nil, .some) where field.isEmpty:
            var drive = description.drive(alias)
            // The running guest has booted.
            drive?.children.removeAll { $0.name == "boot" }
            if let drive { try send(.attach(XMLElement(drive).xml)) }
        case (let present?, nil): try send(.detach(XMLElement(present).xml))
        case (.some, .some) where field == "iso_path":
            let drive = description.drive(alias)
            if let image = drive?.first("source")?.attributes["file"] {
                try machine.insert(id: id, hostPath: image)
            }
        default: break
        }
    }
}
