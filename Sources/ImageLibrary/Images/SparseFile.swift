import Basics
import DiskImages
import Glibc
import HostFiles
import Synchronization

/// A new file that is written from its start on, in which zeros take no room.
final class SparseFile: Sendable {
    private struct State {
        /// The open file, negative once closed: what writes to it may come late.
        var descriptor: Int32
        var length: UInt64 = 0
    }

    let path: String
    private let state: Mutex<State>

    /// Makes the file, in the place of what an earlier run has left, for its owner alone.
    ///
    /// - Throws: `Failure` with code `io`.
    init(_ path: String) throws(Failure) {
        self.path = path
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure.system(errno, "cannot write \(path)", resource: path) }
        state = Mutex(State(descriptor: descriptor))
    }

    deinit { close() }

    /// - Returns: the length in bytes, with these.
    /// - Throws: `Failure` with code `io`.
    @discardableResult
    func append(_ bytes: [UInt8]) throws(Failure) -> UInt64 {
        try state.withLock { state throws(Failure) in
            if bytes.contains(where: { $0 != 0 }) {
                try AtomicFile.write(bytes, to: state.descriptor, at: Int(state.length), path)
            }
            state.length += UInt64(bytes.count)
            return state.length
        }
    }

    /// Gives the file its length so far: zeros at its end are not written.
    ///
    /// - Throws: `Failure` with code `io`.
    func settle() throws(Failure) {
        let error: Int32 = state.withLock { ftruncate($0.descriptor, off_t($0.length)) == 0 ? 0 : errno }
        if error != 0 { throw Failure.system(error, "cannot write \(path)", resource: path) }
    }

    /// Ends the file.
    ///
    /// - Throws: `Failure` with code `io`.
    func finish() throws(Failure) {
        try settle()
        close()
    }

    func close() {
        state.withLock { state in
            if state.descriptor >= 0 { Glibc.close(state.descriptor) }
            state.descriptor = -1
        }
    }
}

/// The bytes that are free for the caller where a folder is; `nil` where that cannot be told.
func freeRoom(in folder: String) -> UInt64? {
    var volume = statvfs()
    guard statvfs(folder, &volume) == 0 else { return nil }
    return UInt64(volume.f_bavail) * UInt64(volume.f_frsize)
}
