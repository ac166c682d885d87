import Basics
import Glibc
import LuaRuntime
import Synchronization

/// A script run with other primitives than those that do things: for `check` and `plan`. It prints nothing, reads no
/// input, sleeps not at all, and is ended when it does not end by itself.
struct Rehearsal {
    /// The error that ended the script; `nil` where it ended well.
    var failure: ScriptError?
    /// Whether the script did not end by itself.
    var isOver: Bool
    /// Whether the script reads its own words, and was given none.
    var lacksWords: Bool

    /// - Parameter source: a script of limiq's own that works on the file; `nil` where that is the script.
    init(_ script: String, source: String? = nil, _ session: Session, primitives: [Primitive]) throws {
        var options = try session.options()
        options.output = { _, _ in }
        options.input = { nil }
        options.skipsSleep = true
        let runtime = try LuaRuntime(options: options, primitives: primitives)
        // So that the calls know the script's line they are made in.
        runtime.observer = { _ in }
        let limit = TimeLimit(script, runtime.interrupter)
        do throws(ScriptError) {
            if let source {
                _ = try runtime.run(source: source, name: "=limiq")
            } else {
                _ = try runtime.run(file: script)
            }
        } catch { failure = error }
        limit.end()
        isOver = limit.isOver
        let text = String(decoding: try fileBytes(script, atMost: ReadLimit.document), as: UTF8.self)
        lacksWords = session.words.isEmpty && text.contains("limiq.args")
    }
}

/// Stops a script that does not end: one that watches a machine would do so for ever.
final class TimeLimit: Sendable {
    private struct State {
        var hasEnded = false
        var isOver = false
    }

    private static let limit: Duration = .seconds(10)
    private let state = Mutex(State())

    init(_ script: String, _ interrupter: Interrupter) {
        // A person's time, whatever clock the script follows.
        LeapingClock.holding { startThread { [self] in watch(script, interrupter) } }
    }

    private func watch(_ script: String, _ interrupter: Interrupter) {
        sleep(UInt32(Self.limit.components.seconds))
        let stops = state.withLock { state in
            if !state.hasEnded { state.isOver = true }
            return state.isOver
        }
        guard stops else { return }
        // The second cannot be caught.
        interrupter.interrupt()
        interrupter.interrupt()
        LastResort.watch(interrupter, status: 1) { reason in
            StandardError.complain("limiq: \(script): \(reason)")
        }
    }

    var isOver: Bool { state.withLock(\.isOver) }

    func end() { state.withLock { $0.hasEnded = true } }
}
