/// The waits that end at a time: a binary heap, the soonest first.
struct Timers {
    struct Entry {
        let deadline: ContinuousClock.Instant
        let task: LuaTask
        /// The wait it belongs to; where the task is past it, the entry counts for nothing.
        let ticket: UInt64

        var isCurrent: Bool { task.ticket == ticket && task.isWaiting }
    }

    private var entries: [Entry] = []

    /// The deadline of the soonest wait that is still on.
    var next: ContinuousClock.Instant? {
        mutating get {
            while let first = entries.first, !first.isCurrent { removeFirst() }
            return entries.first?.deadline
        }
    }

    mutating func add(_ task: LuaTask, at deadline: ContinuousClock.Instant) {
        entries.append(Entry(deadline: deadline, task: task, ticket: task.ticket))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The soonest task whose time has come.
    mutating func removeDue(_ now: ContinuousClock.Instant) -> LuaTask? {
        guard let deadline = next, deadline <= now else { return nil }
        return removeFirst().task
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
