import Basics
import Synchronization

/// The questions of simulated guests that a spec's own functions answer, in Lua.
final class GuestQuestions: Sendable {
    struct Question: Sendable {
        var id: Int64 = 0
        var host: String
        var guest: String
        /// The program to run; empty: what the guest does from its start on.
        var words: [String] = []
        var input: [UInt8] = []
    }

    private struct State {
        var isOpen = false
        var last: Int64 = 0
        var waiting: [Int64: Mailbox<Value>] = [:]
    }

    private let asked = Mailbox<Question?>()
    private let state = Mutex(State())

    /// Asks, and waits for the answer; `null` where nobody answers.
    func ask(_ question: Question) -> Value {
        let answer = Mailbox<Value>()
        var question = question
        let id = state.withLock { state -> Int64? in
            guard state.isOpen else { return nil }
            state.last += 1
            state.waiting[state.last] = answer
            return state.last
        }
        guard let id else { return .null }
        question.id = id
        asked.put(question)
        return answer.next()
    }

    /// The next question; `nil` at the end of the case.
    func next(_ cancellation: Cancellation) -> Question? {
        let asked = asked
        return cancellation.withHandler({ asked.put(nil) }) { asked.next() }
    }

    func answer(_ id: Int64, _ value: Value) {
        state.withLock { $0.waiting.removeValue(forKey: id) }?.put(value)
    }

    func open() {
        // Whoever waited for questions of the case before has ended.
        while asked.next(before: .present) != nil {}
        state.withLock { $0.isOpen = true }
    }

    /// Answers what is open with nothing, and ends whoever waits for questions.
    func close() {
        let waiting = state.withLock { state in
            state.isOpen = false
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for answer in waiting { answer.put(.null) }
        asked.put(nil)
    }
}
