import Basics
import Synchronization

/// The output of a program that is followed: lines as they come, and all of it at the end.
final class FollowedOutput: Sendable {
    private struct State {
        var all: [UInt8] = []
        /// Where the line begins that has not ended yet.
        var lineStart = 0
    }

    private let state = Mutex(State())
    private let onLine: @Sendable ([UInt8]) -> Void
    /// The most that is kept, in bytes; lines are told whatever there is.
    private static let most = 64 << 20

    init(_ onLine: @escaping @Sendable ([UInt8]) -> Void) { self.onLine = onLine }

    func take(_ bytes: [UInt8]) {
        let lines = state.withLock { state -> [[UInt8]] in
            var lines: [[UInt8]] = []
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    lines.append(Array(state.all[state.lineStart...]))
                    state.all.append(byte)
                    if state.all.count > Self.most { state.all = [] }
                    state.lineStart = state.all.count
                } else {
                    state.all.append(byte)
                }
            }
            return lines
        }
        lines.forEach(onLine)
    }

    /// Tells the last line, where it has no end.
    ///
    /// - Returns: all that was taken.
    func end() -> [UInt8] {
        let (all, rest) = state.withLock { ($0.all, Array($0.all[$0.lineStart...])) }
        if !rest.isEmpty { onLine(rest) }
        return all
    }
}
