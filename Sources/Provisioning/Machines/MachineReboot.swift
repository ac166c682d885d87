import Basics
import Glibc
import HostFiles
import Hypervisors
import MachineSpec

extension Machine {
    /// Asks the guest to boot again, and waits until it does: what is waited for next is of the new boot.
    ///
    /// - Throws: `Failure` with code `timeout` where it has not begun to, `guest_stopped` where it has stopped instead,
    ///   `cancelled` or `libvirt`.
    public func reboot(timeout: Duration, cancellation: Cancellation = Cancellation()) throws(Failure) {
        // A paused guest hears nothing.
        if try requireDomain().state == .paused { try hypervisor.resume(name) }
        try awaitReset(timeout, cancellation) { () throws(Failure) in try hypervisor.reboot(name) }
    }

    /// Boots the guest again at once, as by its reset button.
    public func reset(cancellation: Cancellation = Cancellation()) throws(Failure) {
        try awaitReset(.seconds(10), cancellation) { () throws(Failure) in try hypervisor.reset(name) }
    }

    private func awaitReset(
        _ timeout: Duration, _ cancellation: Cancellation, _ ask: () throws(Failure) -> Void
    ) throws(Failure) {
        // libvirt's test driver tells of no reset.
        if isOnTestDriver { return try ask() }
        let mailbox = Mailbox<DomainEvent?>()
        let subscription = try hypervisor.onEvent(of: name) { mailbox.put($0) }
        defer { subscription.cancel() }
        try ask()
        let outcome: Result<Void, Failure> = cancellation.withHandler({ mailbox.put(nil) }) {
            Result { () throws(Failure) in try awaitReset(mailbox, timeout) }
        }
        try outcome.get()
        try beginBoot(record()?.spec.nics ?? [], at: consoleLength())
    }

    /// - Parameter mailbox: what happens to the guest; `nil` where nobody waits any more.
    private func awaitReset(_ mailbox: Mailbox<DomainEvent?>, _ timeout: Duration) throws(Failure) {
        let deadline = ContinuousClock.Instant.present + timeout
        while let event = mailbox.next(before: deadline) {
            switch event {
            case nil: throw Failure(.cancelled, "cancelled")
            case .rebooted: return
            case .stopped, .crashed, .undefined:
                throw Failure(
                    .guestStopped, "\(name) has stopped instead of booting again", hint: "start it",
                    resource: name)
            case .connectionLost:
                throw Failure(
                    .libvirt, "the connection to \(hypervisor.uri) is gone while \(name) was to boot again",
                    hint: "run again", resource: name)
            default: continue
            }
        }
        throw Failure(
            .timeout, "\(name) has not booted again after \(timeout.short)",
            hint: "reset() boots it again without asking it", resource: name)
    }

    // MARK: the console of one boot

    /// The place in the console's log where the present boot begins, in bytes.
    var bootOffset: Int {
        let offset = readWhole(MachineLayout(VMSpec(name: name), of: self).bootOffset).flatMap { Int($0) }
        return max(0, offset ?? 0)
    }

    /// Notes where in the console's log a boot begins. A start begins the log anew; a guest that boots again goes on in it,
    /// and what the last boot said there, that cloud-init has finished for one, is not true of this one.
    ///
    /// - Parameter nics: the guest's.
    func beginBoot(_ nics: [NICSpec], at offset: Int = 0) throws(Failure) {
        noteLeases(nics)
        let path = MachineLayout(VMSpec(name: name), of: self).bootOffset
        if offset > 0 {
            // A machine on another host may have been made from a third one.
            try makeFolder()
            return try writeBytes(Array(String(offset).utf8), to: path)
        }
        guard let opened = try OwnFolder.open(folder) else { return }
        try opened.remove(lastComponent(path))
        try opened.remove(lastComponent(userAddressFile))
        // libvirt begins the log anew, with its own rights: what a link in its place leads to would be lost.
        let log = lastComponent(consoleLog)
        guard isLocal, let status = opened.status(of: log), status.st_mode & S_IFMT != S_IFREG else { return }
        throw Failure(
            .notOurs, "\(consoleLog) is no plain file, and the console of \(name) is not written to it",
            hint: "look what it is, and move it away", resource: consoleLog)
    }
}
