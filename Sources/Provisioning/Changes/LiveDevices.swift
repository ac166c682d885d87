import Basics
import Hypervisors
import MachineSpec
import XML

/// Disks and nics that are plugged into a running guest, and out of it.
extension LiveChanges {
    mutating func setDevice(_ change: Change, _ alias: String, isWanted: Bool) throws(Failure) {
        // As it is now: whoever was killed may have done it.
        let live = try domain(inactive: false)
        switch (live.device(alias), isWanted) {
        case (nil, true): try plug(alias, into: live)
        case (let device?, false): try unplug(device, alias, change)
        case (nil, false), (.some, true): break
        }
    }

    /// Plugs in a device as the description of the next start has it, at the same place where that is free: the guest knows
    /// it by that.
    private func plug(_ alias: String, into live: XMLNode) throws(Failure) {
        guard var device = try domain(inactive: true).device(alias) else { return }
        let ports = DomainPorts(live)
        // The guest has booted.
        device.children.removeAll { $0.name == "boot" || $0.name == "address" && !ports.isFree($0) }
        if let target = device.first("target")?.attributes["dev"] {
            // One that the guest has not let go of may still have the name.
            let names = Set(live.all("devices/disk").compactMap { $0.first("target")?.attributes["dev"] })
            device.set("target", "dev", TargetNames.free(like: target, besides: names))
        }
        try send(.attach(XMLElement(device).xml))
    }

    /// The longest wait for a guest to let go of a device.
    private static var patience: Duration { .seconds(60) }

    /// Asks the guest to let go of a device, and waits until it has: libvirt answers before.
    private mutating func unplug(_ device: XMLNode, _ alias: String, _ change: Change) throws(Failure) {
        // Somebody in the guest may have begun to use it since the change was planned.
        if device.name == "disk", let reason = machine.use(ofDisk: device, cancellation: cancellation) {
            return leave(change, reason, .pending)
        }
        let mailbox = Mailbox<DomainEvent?>()
        let subscription = try machine.hypervisor.onEvent(of: machine.name) { mailbox.put($0) }
        defer { subscription.cancel() }
        do throws(Failure) { try send(.detach(XMLElement(device).xml)) } catch {
            // An earlier run has asked, and the guest takes its time.
            guard error.cause?.contains("in the process of unplug") == true else { throw error }
        }
        let isGone: Result<Bool, Failure> = cancellation.withHandler({ mailbox.put(nil) }) {
            Result { () throws(Failure) in try awaitRemoval(of: alias, mailbox) }
        }
        if try isGone.get() { return }
        leave(change, "the guest did not let go of it", .pending)
    }

    /// - Parameter mailbox: what happens to the domain; `nil` where nobody waits any more.
    private func awaitRemoval(of alias: String, _ mailbox: Mailbox<DomainEvent?>) throws(Failure) -> Bool {
        let deadline = ContinuousClock.Instant.present + Self.patience
        while try domain(inactive: false).device(alias) != nil {
            guard let event = mailbox.next(before: deadline) else { return false }
            switch event {
            case nil: throw Failure(.cancelled, "cancelled")
            case .deviceKept(alias): return false
            case .stopped, .crashed, .connectionLost: return try domain(inactive: false).device(alias) == nil
            default: continue
            }
        }
        return true
    }
}
