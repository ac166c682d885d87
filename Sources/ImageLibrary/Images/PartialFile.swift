import Basics
import Glibc
import Steps
import Synchronization

/// The file a download grows in, which tells how far it is.
final class PartialFile: Sendable {
    static let roomHint = "free some space, or keep limiq's state elsewhere with LIMIQ_HOME"

    private struct State {
        /// The open file, negative once closed: a reader that was cancelled may still come with bytes.
        var descriptor: Int32
        var length: UInt64
        /// The last step that was told.
        var lastTold: UInt64?
    }

    private let state: Mutex<State>
    private let path: String
    private let name: String
    private let total: UInt64?
    private let news: ImageNews

    /// Opens the file an earlier run left, or a new one.
    ///
    /// - Parameters:
    ///   - name: the image's, for messages.
    ///   - total: bytes when it is whole, `nil` where nobody knows.
    /// - Throws: `Failure` with code `io`.
    init(_ path: String, of name: String, total: UInt64?, _ news: ImageNews) throws(Failure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            throw Failure.system(errno, "cannot write \(path)", resource: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
            Glibc.close(descriptor)
            throw Failure(
                .io, "cannot write \(path): it is not what an earlier download of \(name) left",
                hint: "look what it is, and move it away", resource: path)
        }
        state = Mutex(State(descriptor: descriptor, length: UInt64(max(0, status.st_size))))
        self.path = path
        self.name = name
        self.total = total
        self.news = news
    }

    /// The length in bytes.
    var length: UInt64 { state.withLock(\.length) }

    /// The bytes still to come, `nil` where nobody knows.
    var missing: UInt64? {
        let length = length
        return total.map { $0 - min($0, length) }
    }

    func close() {
        state.withLock { state in
            if state.descriptor >= 0 { Glibc.close(state.descriptor) }
            state.descriptor = -1
        }
    }

    /// - Throws: `Failure` with code `io`.
    func empty() throws(Failure) {
        let error: Int32 = state.withLock { state in
            guard ftruncate(state.descriptor, 0) == 0 else { return errno }
            state.length = 0
            return 0
        }
        if error != 0 { throw Failure.system(error, "cannot write \(path)", resource: path) }
    }

    /// - Throws: `Failure` with code `io`; what could be written of the bytes stays.
    func append(_ bytes: [UInt8]) throws(Failure) {
        let (error, far) = state.withLock { state in
            let error = Self.append(bytes, &state)
            // For a person who watches, and not a line a second for a log.
            let step = total.map { state.length * 20 / max($0, 1) } ?? state.length >> 26
            defer { state.lastTold = step }
            return (error, step == state.lastTold ? nil : amount(state.length))
        }
        if let far { news.tell(.detail(Step(.download), far)) }
        guard error != 0 else { return }
        throw Failure(
            .io,
            "the download of \(name) cannot be written: \(String(cString: strerror(error)).lowercased())",
            hint: Self.roomHint, resource: name)
    }

    private static func append(_ bytes: [UInt8], _ state: inout State) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                pwrite(state.descriptor, $0.baseAddress, $0.count, off_t(state.length))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? ENOSPC : errno }
            state.length += UInt64(count)
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// The amount in words: `312 of 638 MiB (48 %)`.
    private func amount(_ bytes: UInt64) -> String {
        guard let total, total > 0 else { return "\(bytes >> 20) MiB" }
        return "\(bytes >> 20) of \(total >> 20) MiB (\(min(100, bytes * 100 / total)) %)"
    }
}
