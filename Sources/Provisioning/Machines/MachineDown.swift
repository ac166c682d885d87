import Basics
import Glibc

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

    /// As `down`, of a VM that is on, by who holds its lock.
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
        try readiness.wait(for: .stopped, timeout: timeout, cancellation: cancellation)
    }

    /// Removes the VM: the domain with its NVRAM and TPM state, the disks and the seed limiq made, the VM's folder.
    /// Disks the spec named by `path` and backing files stay.
    ///
    /// - Returns: `false` where there was nothing.
    /// - Throws: `Failure` with code `not_ours` for a domain limiq did not make.
    @discardableResult
    public func remove(cancellation: Cancellation = Cancellation()) throws(Failure) -> Bool {
        // No domain has such a name, and no VM's folder would be meant by it.
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else { return false }
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            try removeLocked()
        }
    }

    /// For who holds the VM's lock.
    func removeLocked() throws(Failure) -> Bool {
        let journal = MachineJournal.read(in: folder)
        var files: [String] = []
        var volumes: [HostVolume] = []
        let domain = try hypervisor.domain(name)
        if let domain {
            let record = try requireRecord()
            guard isLocal || record.made.isEmpty else {
                throw Failure(
                    .hostNotAble, "the files of \(name) are on \(hypervisor.uri), where it was made",
                    hint: "remove it there: limiq rm \(name)", resource: name)
            }
            (files, volumes) = (record.made, record.volumes ?? [])
            try requireRemovable(files + (journal?.files ?? []))
            try removeDomain(domain)
        } else if journal == nil {
            return MachineLayout(VMSpec(name: name), of: self).removeEmptyFolder()
        } else if let journal {
            try requireRemovable(journal.files)
        }
        if let journal, journal.uri == hypervisor.uri {
            files += journal.files.filter { !files.contains($0) }
            volumes += (journal.volumes ?? []).filter { !volumes.contains($0) }
        } else if domain == nil {
            return false
        }
        try removeVolumes(volumes)
        try Self.removeFiles(files, MachineLayout(VMSpec(name: name), of: self))
        return true
    }

    /// Ends a domain and what libvirt knows of it.
    func removeDomain(_ domain: DomainSummary) throws(Failure) {
        if domain.state.isActive { try hypervisor.destroy(name) }
        // One that somebody had undefined while it ran is gone with its guest.
        if try hypervisor.domain(name) != nil { try hypervisor.undefine(name) }
    }

    /// Removes files limiq made and the folder; what somebody else put there stays, and so does the folder then.
    static func removeFiles(_ files: [String], _ layout: MachineLayout) throws(Failure) {
        AtomicFile.removeLeftovers(in: layout.folder)
        for file in files + layout.runtimeFiles where unlink(file) != 0 && errno != ENOENT && errno != ENOTDIR
        {
            throw Failure.system(errno, "cannot remove \(file)", resource: file)
        }
        // The journal last: what is killed here is found again.
        MachineJournal.remove(in: layout.folder)
        rmdir(layout.folder)
    }
}
