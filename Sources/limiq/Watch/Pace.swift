import Steps

/// The time each step takes in this run, to tell which machines are slow.
struct Pace: Sendable {
    /// The times of the steps that ended well, in order of size.
    private var ended: [Step: [Duration]] = [:]

    /// The bounds below which nothing is called slow: a step is short, or too few have been through it.
    private static let leastDelay = Duration.seconds(5)
    private static let leastPeers = 3

    mutating func add(_ step: Step, _ took: Duration) {
        var index = 0
        if let times = ended[step] {
            var (low, high) = (0, times.count)
            while low < high {
                let middle = (low + high) / 2
                if times[middle] < took { low = middle + 1 } else { high = middle }
            }
            index = low
        }
        ended[step, default: []].insert(took, at: index)
    }

    /// The time a step takes a machine, judged by those that ended and by those that have been in it for longer than
    /// these took: where most are still in it, the few that were quick are no measure.
    ///
    /// - Parameter running: for how long machines have been in the step.
    /// - Returns: `nil` where too few have been through it.
    func median(of step: Step, running: [Duration]) -> Duration? {
        guard let times = ended[step], times.count >= Self.leastPeers else { return nil }
        let middle = times[times.count / 2]
        let longer = running.filter { $0 > middle }.count
        // Those that run on are all above the middle: with them the middle moves up among the ended, or off their end.
        let index = (times.count + longer) / 2
        return index < times.count ? times[index] : nil
    }

    /// Whether a machine that has been in a step for so long is slow.
    static func isSlow(_ elapsed: Duration, median: Duration) -> Bool {
        elapsed > median * 2 && elapsed > median + leastDelay
    }
}

/// A step that takes a machine clearly longer than others, and how long it takes those.
struct Slowness: Sendable, Equatable {
    enum Measure: String, Sendable {
        /// The machines of this run.
        case others
        /// Machines like it in earlier runs.
        case usually
    }

    var step: Step
    var elapsed: Duration
    var median: Duration
    var measure: Measure

    /// The comparison in words: `others 10 s`.
    var words: String { "\(measure.rawValue) \(readable(median))" }
}

/// The median of some times; of an even number the mean of the two in the middle.
func median(_ times: [Duration]) -> Duration {
    guard !times.isEmpty else { return .zero }
    let sorted = times.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
