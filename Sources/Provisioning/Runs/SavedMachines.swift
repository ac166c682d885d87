import Basics
import Hypervisors
import MachineSpec
import Steps
import XML

/// A machine that is saved: off, with its guest's memory kept. Its next start goes on from there, as what the guest
/// was: with the processors, memory and devices of then, and with the disks that its memory knows.
extension MachinePlan {
    /// Settles what an `up` does about a guest that is to be another than the one that was saved.
    mutating func settleSaved(_ options: UpOptions) {
        guard action != .replace else { return }
        if restarts {
            // It is not started only to be shut down.
            (restarts, dropsMemory, starts) = (false, true, options.start)
            return
        }
        guard !options.start else { return }
        // Whatever is told to a guest that does not run would be told as done.
        for index in changes.indices {
            changes[index].reason = "the guest is saved, and goes on as what it was"
        }
        pending = (changes + pending).sorted { $0.path < $1.path }
        (changes, action) = ([], .none)
    }
}

extension Machine {
    /// - Parameter words: what is about to be done, as follows "cannot be".
    /// - Throws: `Failure` with code `saved` where the guest's memory is kept.
    func requireNotSaved(_ domain: DomainSummary, _ words: String) throws(Failure) {
        guard domain.state == .saved else { return }
        throw Failure(
            .saved,
            "vm \(name) cannot be \(words) while it is saved: its guest goes on from the memory of then",
            hint:
                "start it first, or drop that memory: virsh -c \(hypervisor.uri) managedsave-remove \(name)",
            resource: name)
    }

    /// The notice of changes that wait for a guest that is saved.
    func savedNotice(_ plan: MachinePlan) -> String {
        let fields = plan.pending.map(\.path).joined(separator: ", ")
        return "\(name) is saved and goes on as what it was: \(fields) wait until it runs; "
            + "up { restart = true } drops its saved memory where that is needed"
    }

    /// Whether the guest's cloud-init has come to its end in this boot, and well: the console of a guest that goes on
    /// does not say it again.
    var hasSettled: Bool {
        guard bootOffset == 0, let known = rememberedOutcome(), known.failure(of: name) == nil else {
            return false
        }
        var console = CloudInitConsole()
        for line in consoleTail(lines: 5000) { console.take(line) }
        return console.finished != nil && console.finished == known.finishLine
    }

    /// The record of the guest that is saved: its nics, and its address on user networking.
    func savedRecord() throws(Failure) -> MachineRecord? {
        // libvirt's test driver does not tell.
        if isOnTestDriver { return try record() }
        return try MachineRecord.of(try XMLReader.parse(try hypervisor.savedXML(name)))
    }

    /// Lets a guest that is saved go on.
    ///
    /// - Parameter record: the guest's; `nil` for a domain limiq did not make.
    func resumeSaved(_ record: MachineRecord?) throws(Failure) {
        // Its console's log begins anew, and it keeps the address it has.
        try beginBoot([])
        try hypervisor.start(name)
        try PortForwards(hypervisor: hypervisor, name: name)
            .set(record?.spec.nics ?? [], to: userAddress(record))
    }
}

extension UpRun {
    /// Does what comes first for a machine that is saved.
    ///
    /// - Returns: whether the machine goes on as any other from here.
    func continueSaved(_ plan: MachinePlan, _ domainNow: PresentDomain) throws(Failure) -> Bool {
        if plan.dropsMemory {
            warn("the saved memory of \(machine.name) is dropped")
            try hypervisor.dropSaved(machine.name)
        } else if plan.starts {
            if let saved = domainNow.liveRecord?.spec {
                try HostPorts.checkFree(saved.nics, screens: saved.console, on: try machine.host())
            }
            wasSettled = machine.hasSettled
            if !plan.remade.isEmpty {
                // QEMU opens them as the guest goes on.
                var parts = try MachineParts(machine, spec, of: domainNow)
                try parts.beginChange()
                try make(plan.remade, &parts)
                try MachineJournal.endChange(in: machine.folder)
            }
            try timed(.start) { () throws(Failure) in try machine.resumeSaved(domainNow.liveRecord) }
        } else {
            return false
        }
        report.changed = true
        return true
    }
}
