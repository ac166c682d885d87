/// What is to happen when, the nearest first. Entries of waits that have ended are passed over when their time comes.
struct Timers {
    struct Entry {
        let due: ContinuousClock.Instant
        let task: Int
        let wait: Int
    }

    /// Sorted by time, the nearest last.
    private var entries: [Entry] = []

    var nearest: ContinuousClock.Instant? { entries.last?.due }

    mutating func add(_ entry: Entry) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].due > entry.due { low = middle + 1 } else { high = middle }
        }
        entries.insert(entry, at: low)
    }

    mutating func takeDue(at now: ContinuousClock.Instant) -> Entry? {
        guard let last = entries.last, last.due <= now else { return nil }
        return entries.removeLast()
    }
}
