import Basics
import Glibc
import HostFiles
import Steps
import Synchronization

/// The bakes that a run has begun: while it holds the lock of one, no other run bakes the same, and waits for it.
public final class BakeLocks: Sendable {
    private let state: StateFolder
    private let held = Mutex<[String: (bake: BakedImage, lock: Int32)]>([:])

    public init(_ state: StateFolder) { self.state = state }

    /// Takes the lock of an image, where needed by waiting for whoever has it.
    ///
    /// - Throws: `Failure` with code `cancelled` or `io`.
    public func begin(
        _ bake: BakedImage, _ cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) {
        try makeFolders(state.cloudImages)
        let news = ImageNews(name: bake.name, progress: progress)
        let descriptor = try FileLock.wait(
            ImageLibrary.lock(bake.image, in: state), for: "the image \(bake.name)", cancellation
        ) { holder, wait throws(Failure) in
            let who = holder.map { "process \($0)" } ?? "another process"
            return try news.telling(.waiting, "\(who) bakes it already", wait)
        }
        held.withLock { $0[bake.image] = (bake, descriptor) }
    }

    /// The bake of an image that was begun.
    public func begun(_ image: String) throws(Failure) -> BakedImage {
        guard let found = held.withLock({ $0[image]?.bake }) else {
            throw Failure(.internal, "the bake of \(image) was not begun", resource: image)
        }
        return found
    }

    /// Lets go of an image's lock; nothing for one that is not held.
    public func end(_ image: String) {
        guard let lock = held.withLock({ $0.removeValue(forKey: image)?.lock }) else { return }
        unlink(ImageLibrary.lock(image, in: state))
        close(lock)
    }
}
