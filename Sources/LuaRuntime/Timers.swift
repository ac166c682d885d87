/// The events that are due at a time: a binary heap, the soonest first.
struct Timers {
    enum Event {
        /// The end of a wait, which the ticket names; where the task is past it, the entry counts for nothing.
        case wait(LuaTask, ticket: UInt64)
        case limit(TimeLimit)
    }

    struct Entry {
        let deadline: ContinuousClock.Instant
        let event: Event

        var isCurrent: Bool {
            switch event {
            case .wait(let task, let ticket): task.ticket == ticket && task.isWaiting
            case .limit(let limit): limit.isInForce
            }
        }
    }

    private var entries: [Entry] = []

    /// The time of the soonest that still counts.
    var next: ContinuousClock.Instant? {
        mutating get {
            while let first = entries.first, !first.isCurrent { removeFirst() }
            return entries.first?.deadline
        }
    }

    /// Adds the time at which the wait ends that the task is in.
    mutating func add(_ task: LuaTask, at deadline: ContinuousClock.Instant) {
        add(.wait(task, ticket: task.ticket), at: deadline)
    }

    mutating func add(_ event: Event, at deadline: ContinuousClock.Instant) {
        entries.append(Entry(deadline: deadline, event: event))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The soonest event whose time has come, which is taken out.
    mutating func removeDue(_ now: ContinuousClock.Instant) -> Event? {
        guard let deadline = next, deadline <= now else { return nil }
        return removeFirst().event
    }

    @discardableResult
    private mutating func removeFirst() -> Entry {
        let first = entries[0]
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < entries.count && entries[child].deadline < entries[least].deadline {
                    least = child
                }
                guard least != parent else { break }
                entries.swapAt(least, parent)
                parent = least
            }
        }
        return first
    }
}
