import Basics
import Hypervisors

/// The verbs a person has for a machine's power. Each finds done what is so already, and waits for whoever else is at work
/// on the machine.
extension Machine {
    /// Starts the machine where it is off, lets its guest go on where that is saved or paused.
    ///
    /// - Returns: the state it was in: `running` where nothing was done.
    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make, and as `start`.
    public func turnOn(cancellation: Cancellation = Cancellation()) throws(Failure) -> DomainState {
        try working(cancellation) { domain throws(Failure) in
            if domain.state == .paused {
                try hypervisor.resume(name)
            } else if !domain.state.isActive {
                try start()
            }
            return domain.state
        }
    }

    /// Asks the guest to shut down and waits until it has, or ends it at once.
    ///
    /// - Parameter force: end it, as by its plug, and ask nothing.
    /// - Returns: the state it was in: not an active one where nothing was done.
    /// - Throws: `Failure` with code `timeout` where the guest is still on, `not_ours`.
    public func turnOff(
        timeout: Duration, force: Bool = false, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> DomainState {
        try working(cancellation) { domain throws(Failure) in
            try turnOff(domain, timeout, force, cancellation)
            return domain.state
        }
    }

    /// Turns the machine off, as `turnOff`, and on again: its guest has what waited for its next start.
    ///
    /// - Returns: the state it was in.
    public func turnOffAndOn(
        timeout: Duration, force: Bool = false, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> DomainState {
        try working(cancellation) { domain throws(Failure) in
            try turnOff(domain, timeout, force, cancellation)
            try cancellation.check()
            try start()
            return domain.state
        }
    }

    private func turnOff(
        _ domain: DomainSummary, _ timeout: Duration, _ force: Bool, _ cancellation: Cancellation
    ) throws(Failure) {
        guard domain.state.isActive else { return }
        if force { return try hypervisor.destroy(name) }
        do throws(Failure) {
            try shutdown(timeout: timeout, cancellation: cancellation)
        } catch {
            guard error.code == .timeout else { throw error }
            throw Failure(
                .timeout, "\(name) was asked to shut down and is still on after \(timeout.short)",
                hint: "--force ends it at once, as by its plug; --timeout waits longer", resource: name)
        }
    }

    /// Stops the guest's processors; its memory stays where it is.
    ///
    /// - Returns: whether they were not stopped already.
    /// - Throws: `Failure` with code `guest_stopped` where it is off, `not_ours`.
    public func pause(cancellation: Cancellation = Cancellation()) throws(Failure) -> Bool {
        try working(cancellation) { domain throws(Failure) in
            if domain.state == .paused { return false }
            try requireActive(domain, "suspended")
            try hypervisor.suspend(name)
            return true
        }
    }

    /// Lets a paused guest go on.
    ///
    /// - Returns: whether it did not run already.
    /// - Throws: `Failure` with code `guest_stopped` where it is off, `not_ours`.
    public func unpause(cancellation: Cancellation = Cancellation()) throws(Failure) -> Bool {
        try working(cancellation) { domain throws(Failure) in
            try requireActive(domain, "resumed")
            guard domain.state == .paused else { return false }
            try hypervisor.resume(name)
            return true
        }
    }

    /// Keeps the guest's memory on disk and ends it. The next start goes on from there, also after the host was started anew.
    ///
    /// - Returns: whether it was not saved already.
    /// - Throws: `Failure` with code `guest_stopped` where it is off, `libvirt` where its devices cannot be saved.
    public func save(cancellation: Cancellation = Cancellation()) throws(Failure) -> Bool {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let domain = try requireDomain()
            if domain.state == .saved { return false }
            try requireActive(domain, "saved")
            try requireOwnMemory("saved")
            try hypervisor.save(name)
            return true
        }
    }

    /// Makes sure that nobody else has the running guest's memory, as the program that serves a shared folder does.
    func requireOwnMemory(_ words: String) throws(Failure) {
        guard try record()?.spec.shares?.isEmpty == false else { return }
        throw Failure(
            .hostNotAble, "\(name) shares folders with this host, and cannot be \(words) while it runs",
            hint: "limiq stop \(name) first: its disks keep what it has written", resource: name)
    }

    private func requireActive(_ domain: DomainSummary, _ words: String) throws(Failure) {
        guard !domain.state.isActive else { return }
        throw Failure(
            .guestStopped, "\(name) is \(domain.state.rawValue) and cannot be \(words)",
            hint: domain.state == .saved ? "start goes on from its memory" : "start it first", resource: name)
    }

    /// Works on a machine that limiq made, one at a time.
    private func working<Result>(
        _ cancellation: Cancellation, _ body: (DomainSummary) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let domain = try requireDomain()
            _ = try requireRecord()
            return try body(domain)
        }
    }
}
