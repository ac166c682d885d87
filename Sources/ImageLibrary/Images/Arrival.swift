import Basics
import DiskImages
import Glibc
import HostFiles
import Synchronization

/// What is looked at of a file while it comes: what can never be an image is refused at its first bytes, and what is
/// compressed is unpacked beside it.
final class Arrival: Sendable {
    private enum State {
        case undecided
        case plain
        case packed(Unpacking)
        case refused(Failure)
    }

    private let state = Mutex(State.undecided)
    private let path: String
    private let target: String
    private let image: String
    private let isNamedRaw: Bool

    /// - Parameters:
    ///   - path: of the file that comes.
    ///   - target: where it is unpacked to.
    ///   - image: the name of the image it is for.
    init(_ path: String, unpackedTo target: String, image: String, isNamedRaw: Bool) {
        self.path = path
        self.target = target
        self.image = image
        self.isNamedRaw = isNamedRaw
    }

    /// Tells that so many bytes of the file are there.
    ///
    /// - Throws: `Failure` with code `bad_image` for what is no image, or as `Unpacking`.
    func grown(to length: UInt64) throws(Failure) {
        try look(length, isWhole: false)
    }

    /// The failure of a file that is no image, nor a compressed one.
    var refusal: Failure? {
        guard case .refused(let failure) = state.withLock(\.self) else { return nil }
        return failure
    }

    /// Forgets what came: it comes anew.
    func restart() {
        let last = state.withLock { state in
            defer { state = .undecided }
            return state
        }
        if case .packed(let unpacking) = last { unpacking.abandon() }
    }

    /// Waits until all is unpacked.
    ///
    /// - Parameter length: of the whole file, in bytes.
    /// - Returns: the unpacked file; `nil` for one that was not compressed.
    /// - Throws: as `grown`, and `Failure` with code `cancelled`.
    func finish(_ length: UInt64, _ cancellation: Cancellation) throws(Failure) -> String? {
        try look(length, isWhole: true)
        let last = state.withLock { state in
            defer { if case .packed = state { state = .plain } }
            return state
        }
        guard case .packed(let unpacking) = last else { return nil }
        do throws(Failure) { return try unpacking.finish(cancellation) } catch {
            unlink(target)
            throw error
        }
    }

    private func look(_ length: UInt64, isWhole: Bool) throws(Failure) {
        try state.withLock { state throws(Failure) in
            if case .undecided = state, isWhole || length >= UInt64(FileKind.headLength) {
                do throws(Failure) { state = try decided() } catch {
                    guard error.code == .badImage else { throw error }
                    state = .refused(error)
                }
            }
            switch state {
            case .undecided, .plain: return
            case .packed(let unpacking): try unpacking.grown(to: length)
            case .refused(let failure): throw failure
            }
        }
    }

    private func decided() throws(Failure) -> State {
        let file = try ReadableFile(path)
        let kind = FileKind(start: try file.read(at: 0, count: FileKind.headLength))
        switch kind {
        case .packed(let packing)?:
            return .packed(
                try Unpacking(packing, path, to: target, image: image, isNamedRaw: isNamedRaw))
        case .other?, .empty?:
            try FileKind.requireDisk(file, isWhole: false)
            return .plain
        default: return .plain
        }
    }
}
