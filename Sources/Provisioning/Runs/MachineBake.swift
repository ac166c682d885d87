import Basics
import Hypervisors
import ImageLibrary
import Steps

extension Machine {
    /// Makes an image of the machine's boot disk: seals its running guest, cuts its power, and copies the disk into the
    /// library. The machine is not to be started again.
    ///
    /// - Returns: the image's path.
    /// - Throws: `Failure` with code `guest` where the guest cannot be sealed, `guest_stopped`, `not_found` where it has no
    ///   disk of its own, `program`, `io`, `timeout` or `cancelled`.
    public func bake(
        _ image: BakedImage, into images: ImageLibrary, compressed: Bool, cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        try seal(
            by: sealProgram, as: image, into: images, compressed: compressed, cancellation: cancellation,
            progress: progress)
    }

    /// - Parameter program: the shell's program that seals the guest.
    func seal(
        by program: String, as image: BakedImage, into images: ImageLibrary, compressed: Bool,
        cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        let news = MachineNews(name: name, progress: progress)
        return try MachineLock.hold(self, cancellation: cancellation) { () throws(Failure) in
            let disk = try bootDisk()
            try news.telling(.seal) { () throws(Failure) in
                _ = try exec(asRoot(program), timeout: .seconds(300), cancellation: cancellation)
                try hypervisor.destroy(name)
            }
            return try news.telling(.keep) { () throws(Failure) in
                try images.keep(image, from: disk, compressed: compressed, cancellation)
            }
        }
    }

    /// The file of the disk that the guest starts from.
    func bootDisk() throws(Failure) -> String {
        let relation = try StandsOn(state: state, on: hypervisor)
        guard let disk = relation.writableDisks(of: name).first else {
            throw Failure(.notFound, "\(name) has no disk of its own", resource: name)
        }
        return disk
    }
}
