import Basics
import LuaRuntime
import Steps

/// The report of how a run ended: what is left to say when it is over.
struct RunReport: Sendable {
    /// The times of a phase over all machines, or of the images over all images.
    struct Phase: Sendable {
        var name: String
        /// The times by machine or image; there is at least one.
        var times: [String: Duration]

        var minimum: Duration { times.values.min() ?? .zero }
        var median: Duration { limiq.median(Array(times.values)) }
        var maximum: Duration { times.values.max() ?? .zero }
        /// The machine or image that took the maximum.
        var slowest: String { times.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? "" }
    }

    let took: Duration
    /// The error that ended the script, where it failed.
    let error: ScriptError?
    /// Whether the phases are wanted whatever there are, by `--timings`.
    var showsPhases = false

    private(set) var machines = 0
    private(set) var done = 0
    private(set) var failed = 0
    /// The machines somebody wanted to end.
    private(set) var cancelled: [String] = []
    /// The machines for whose end nobody waited.
    private(set) var unfinished: [String] = []
    /// The problems of machines and images, one each.
    private(set) var problems: [Track.Problem] = []
    /// The words that lead a person into the guests, in the order of the machines.
    private(set) var waysIn: [String] = []
    let phases: [Phase]

    init(_ record: RunRecord, took: Duration, error: ScriptError?) {
        self.took = took
        self.error = error
        phases = Self.phases(record)
        for track in record.tracks {
            let isMachine = track.subject.kind == .vm
            if isMachine { machines += 1 }
            switch track.state {
            // A host's are those of the machines on it.
            case _ where track.subject.kind == .host: break
            case .failed:
                if isMachine { failed += 1 }
                if let problem = track.problem { problems.append(problem) }
            case .done:
                if isMachine { done += 1 }
                if let words = track.wayIn { waysIn.append(words) }
            case .cancelled: if isMachine { cancelled.append(track.subject.name) }
            case .waiting, .working: if isMachine { unfinished.append(track.subject.name) }
            }
        }
        // In the order of their names, whichever came first: two runs are then easily compared.
        problems.sort { comesBefore($0.work.subject.name, $1.work.subject.name) }
        cancelled.sort(by: comesBefore)
        unfinished.sort(by: comesBefore)
    }

    /// The command's exit status.
    var status: Int32 { error.map { exitStatus($0.failure) } ?? 0 }

    // MARK: phases

    /// The phases in the order a machine goes through them, behind that of all images; others follow in the order they
    /// came.
    private static func phases(_ record: RunRecord) -> [Phase] {
        var times: [String: [String: Duration]] = [:]
        var names = ["image"] + Step.Kind.allCases.map(\.rawValue)
        for track in record.tracks where track.subject.kind != .host {
            let name = track.subject.name
            for phase in track.phases where phase.ok {
                let key = track.subject.kind == .image ? "image" : phase.step.word
                times[key, default: [:]][name, default: .zero] += phase.took
                if !names.contains(key) { names.append(key) }
            }
            if track.subject.kind == .vm, track.state == .done,
                let first = track.begunPhases.map(\.began).min()
            {
                let end = track.begunPhases.map { $0.began + $0.took }.max() ?? first
                times["total", default: [:]][name] = end - first
            }
        }
        return (names + ["total"]).compactMap { name in
            guard let phase = times[name].map({ Phase(name: name, times: $0) }) else { return nil }
            // A moment's wait or look is worth no column.
            let isMoment = [Step.Kind.queue, .look].map(\.rawValue).contains(name)
            return isMoment && phase.maximum < leastPause ? nil : phase
        }
    }

    private static let leastPause = Duration.seconds(1)
}

extension Duration {
    /// The seconds, to the millisecond.
    var seconds: Double { (self / .milliseconds(1)).rounded() / 1000 }
}
