import Basics
import Glibc
import HostFiles
import Hypervisors

extension Machine {
    /// Asks the guest to shut down, and ends it after `timeout`.
    ///
    /// - Returns: `false` where it was off already.
    /// - Throws: `Failure` with code `not_found`, `cancelled` or `libvirt`.
    @discardableResult
    public func down(timeout: Duration, cancellation: Cancellation = Cancellation()) throws(Failure) -> Bool {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            guard try requireDomain().state.isActive else { return false }
            try end(timeout: timeout, cancellation: cancellation)
            return true
        }
    }

    /// Ends a machine that is on, as `down`, for who holds its lock.
    func end(timeout: Duration, cancellation: Cancellation) throws(Failure) {
        do throws(Failure) {
            try shutdown(timeout: timeout, cancellation: cancellation)
        } catch {
            guard error.code == .timeout else { throw error }
            try hypervisor.destroy(name)
        }
    }

    /// Asks the guest to shut down and waits until it has.
    ///
    /// - Throws: `Failure` with code `timeout` where it is still on.
    public func shutdown(timeout: Duration, cancellation: Cancellation = Cancellation()) throws(Failure) {
        let readiness = try Readiness(self, nics: [])
        guard try requireDomain().state.isActive else { return }
        // A paused guest hears nothing.
        if try requireDomain().state == .paused { try hypervisor.resume(name) }
        try hypervisor.shutdown(name)
        try readiness.wait(
            for: .stopped, timeout: timeout, deadline: .present + timeout, cancellation: cancellation)
    }

    /// Removes the machine: the domain with its NVRAM and TPM state, the disks and the seed limiq made, the machine's
    /// folder. Disks the spec named by `path` and backing files stay, and so does all that is not proven to be the
    /// machine's (see `Ownership`).
    ///
    /// - Parameter tell: told of each thing that was named as the machine's, and is left.
    /// - Returns: `false` where there was nothing.
    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make, `in_use`, `pool_gone`.
    @discardableResult
    public func remove(
        cancellation: Cancellation = Cancellation(), tell: (String) -> Void = { _ in }
    ) throws(Failure) -> Bool {
        guard isPossibleName else { return false }
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            try lookingAgain { () throws(Failure) in try removeLocked(tell) }
        }
    }

    /// Removes the machine where it is one that a run throws away at its end.
    ///
    /// - Parameter run: the run's name, as `RunLifetime.begin` gives it.
    /// - Returns: whether it was.
    public func remove(
        ofRun run: String, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> Bool {
        try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            guard let domain = try hypervisor.domain(name), try record(of: domain)?.run == run else {
                return false
            }
            return try lookingAgain { () throws(Failure) in try removeLocked() }
        }
    }

    /// Removes the machine, for who holds its lock.
    func removeLocked(_ tell: (String) -> Void = { _ in }) throws(Failure) -> Bool {
        let domain = try hypervisor.domain(name)
        guard let own = try removable(domain) else { return try removeEmptyFolder() }
        own.strangers.forEach(tell)
        let nics = try (domain == nil ? keptJournal()?.record : record())?.spec.nics ?? []
        if let domain {
            if domain.state.isActive {
                try hypervisor.destroy(name)
                try own.requireUnused()
            }
            try MachineJournal.reopen(in: folder)
            // One that somebody had undefined while it ran is gone with its guest.
            if try hypervisor.domain(name) != nil { try hypervisor.undefine(name) }
        }
        try own.removeAll()
        try leaveNetworks(nics)
        addressBook.forget(machine: name, host: hypervisor.uri)
        return true
    }

    private func removable(_ domain: DomainSummary?) throws(Failure) -> Ownership? {
        guard let named = try named(domain) else { return nil }
        try lastRecord()?.requireUnprotected("removed")
        try requireRemovable(named)
        return try Ownership(of: self, domain, named, isWhole: true)
    }

    /// The parts that `remove` would take away beside the domain.
    ///
    /// - Returns: `nil` where there is nothing to remove.
    /// - Throws: as `remove`, where it would not.
    public func removal() throws(Failure) -> [Part]? {
        guard isPossibleName else { return nil }
        return try removable(try hypervisor.domain(name))?.proven
    }

    /// The record of the machine: its domain's, or what was kept of it where its domain is gone; `nil` where there is none.
    func lastRecord() throws(Failure) -> MachineRecord? {
        if let domain = try hypervisor.domain(name) { return try record(of: domain) }
        return try keptJournal()?.record
    }

    /// Whether a machine can have this name: no domain has another one, and no machine's folder would be meant by one.
    var isPossibleName: Bool { !name.isEmpty && !name.contains("/") && name != "." && name != ".." }

    /// The proof for all that the machine's record and its journal name, as far as it is its own.
    ///
    /// - Returns: `nil` where nothing is kept for a machine of this name here.
    func ownership(
        _ domain: DomainSummary?, among surroundings: Surroundings? = nil
    ) throws(Failure) -> Ownership? {
        guard let named = try named(domain) else { return nil }
        return try Ownership(of: self, domain, named, isWhole: true, among: surroundings)
    }

    /// The parts that the machine's record and its journal name as its own, proven by nothing.
    private func named(_ domain: DomainSummary?) throws(Failure) -> [Part]? {
        var journal: MachineJournal?
        if let opened = try OwnFolder.open(folder) { journal = MachineJournal.read(in: opened) }
        var parts: [Part] = []
        if let domain {
            parts = try requireOwn(try kept(), of: domain).parts
        } else if journal?.uri != hypervisor.uri {
            return nil
        }
        // A machine that was moved here has brought its journal along.
        if !isLocal, journal?.uri != hypervisor.uri { journal = nil }
        return parts + (journal?.parts ?? []).without(parts)
    }

    /// Ends a domain that this run has defined, and what libvirt knows of it.
    func removeDomain(_ domain: DomainSummary) throws(Failure) {
        if domain.state.isActive { try hypervisor.destroy(name) }
        if try hypervisor.domain(name) != nil { try hypervisor.undefine(name) }
    }

    /// Removes the folder where a run was killed before it had written down anything to make.
    func removeEmptyFolder() throws(Failure) -> Bool {
        guard let opened = try OwnFolder.open(folder) else { return false }
        for name in AtomicFile.leftovers(in: folder) { try opened.remove(name) }
        return rmdir(folder) == 0
    }

    /// Makes the machine's folder where it is not there.
    ///
    /// - Throws: `Failure` with code `not_ours` where a link has its name: what is put there would be elsewhere.
    func makeFolder(mode: mode_t = 0o700) throws(Failure) {
        try makeFolders(folder, mode: mode)
        _ = try OwnFolder.open(folder)
    }
}
