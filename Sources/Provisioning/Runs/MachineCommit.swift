import Basics
import Hypervisors
import ImageLibrary
import Steps

extension Machine {
    /// Copies the machine's boot disk into the image library as it is, with all it stands on. A guest that runs stands still
    /// meanwhile, with its file systems frozen where its agent answers; else the copy is what a power cut would leave.
    ///
    /// The copy is this machine's disk, host keys and machine-id included: `limiq.image.bake` with it as `from` makes an image
    /// of it that others may start from.
    ///
    /// - Parameter image: the name of the image.
    /// - Returns: the image's path.
    /// - Throws: `Failure` with code `image_exists`, `bad_field` for a name that cannot be, `not_found` where the machine has
    ///   no disk, `host_not_able` for one on another host, `saved`, `program`, `io`, `libvirt` or `cancelled`.
    public func commit(
        as image: String, into images: ImageLibrary, cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        try images.requireFree(image)
        try requireDisksHere("commit")
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let copy = BakedImage(copy: image, of: name, script: script)
            return try atRest(MachineNews(name: name, progress: progress)) { () throws(Failure) in
                try images.keep(copy, from: try bootDisk(), compressed: false, cancellation)
            }
        }
    }

    /// - Parameter verb: the command that could be run where the disks are.
    func requireDisksHere(_ verb: String) throws(Failure) {
        guard !isLocal else { return }
        throw Failure(
            .hostNotAble, "the disk of \(name) is on \(hypervisor.uri), and the image library here",
            hint: "run limiq \(verb) there", resource: name)
    }

    /// Runs `body`, which copies disks, while nothing is written to them. The machine's lock is held.
    func atRest<Answer>(_ news: MachineNews, _ body: () throws(Failure) -> Answer) throws(Failure) -> Answer {
        let domain = try requireDomain()
        try requireNotSaved(domain, "copied")
        return try news.telling(.keep) { () throws(Failure) in
            guard domain.state == .running else { return try body() }
            let agent = GuestAgent(hypervisor: hypervisor, name: name)
            let isFrozen = agent.answers() && agent.freezeFileSystems()
            let outcome = Result { () throws(Failure) in try standingStill(body) }
            if isFrozen { try agent.thawFileSystems() }
            return try outcome.get()
        }
    }

    /// Runs `body` while the guest's processors are stopped, and QEMU has written to the disks what it had in memory of them.
    private func standingStill<Answer>(_ body: () throws(Failure) -> Answer) throws(Failure) -> Answer {
        try hypervisor.suspend(name)
        let outcome = Result { () throws(Failure) in try body() }
        try hypervisor.resume(name)
        return try outcome.get()
    }
}
