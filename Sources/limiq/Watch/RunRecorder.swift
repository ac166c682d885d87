import FoundationEssentials
import Provisioning
import Synchronization

/// The record of a run and the clock it is kept by, shared by the threads that tell of it and those that show it.
final class RunRecorder: Sendable {
    /// The beginning of the run, by the wall clock.
    let date = Date.now
    private let start = ContinuousClock.now
    private let record: Mutex<RunRecord>

    /// - Parameter usual: the times that machines took in earlier runs.
    init(usual: UsualTimes = UsualTimes()) { record = Mutex(RunRecord(usual: usual)) }

    /// The format of times: ISO 8601 in UTC, to the millisecond: `2026-11-23T10:00:00.000Z`.
    static let timeFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// The time since the run began.
    var elapsed: Duration { start.duration(to: .now) }

    /// Calls `body` with the record and the time, one thread at a time.
    func use<Result: Sendable>(_ body: (inout RunRecord, Duration) -> Result) -> Result {
        record.withLock { body(&$0, elapsed) }
    }
}
