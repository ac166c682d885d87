import Basics
import FoundationEssentials
import Glibc
import HostFiles
import Provisioning
import Steps

/// The times that each phase of each machine of a run took: what `limiq run --timings` writes and `limiq report` reads.
/// The format is described in `docs/events.md`.
struct Timings: Sendable, Equatable, Codable {
    struct Phase: Sendable, Equatable, Codable {
        var phase: String
        /// The seconds since the run began.
        var began: Double
        var seconds: Double
        var ok: Bool
        /// The seconds that it usually takes.
        var usual: Double?
    }

    struct Row: Sendable, Equatable, Codable {
        var name: String
        /// The outcome: `done`, `failed`, `cancelled`, `unfinished`.
        var outcome: String
        var phases: [Phase]
        /// Of a machine, as far as it is known.
        var host: String?
        var image: String?
        var acceleration: String?
        /// The seconds that such a machine usually takes as a whole.
        var usual: Double?
        /// What went wrong.
        var failure: String?
        /// The last line on its console, of one that did not come up.
        var line: String?
    }

    /// The number of this format; another number is another format.
    var format = 1
    var script: String
    /// The beginning of the run by the wall clock, ISO 8601 in UTC.
    var began: String
    var seconds: Double
    /// The machines in the order of their first phase.
    var vms: [Row]
    var images: [Row]
    /// What hosts had to do before they could be worked on.
    var hosts: [Row]?
    /// The times in which none of those was worked on.
    var run: [Phase]?

    /// - Parameter console: the last line of a machine's serial console.
    init(
        _ record: RunRecord, script: String, began: Date, took: Duration,
        console: (String) -> String? = { _ in nil }
    ) {
        self.script = script
        self.began = began.formatted(RunRecorder.timeFormat)
        seconds = took.seconds
        let tracks = record.tracks.sorted { $0.firstBegan < $1.firstBegan }
        func rows(_ kind: Subject.Kind) -> [Row] {
            tracks.filter { $0.subject.kind == kind }.map { Row($0, record.usual, console: console) }
        }
        (vms, images, hosts) = (rows(.vm), rows(.image), rows(.host))
        run = Self.gaps(rows: vms + images + (hosts ?? []), seconds: seconds)
    }

    /// The times of the run in which nothing was worked on: the script itself ran, or its calls that are no work.
    private static func gaps(rows: [Row], seconds: Double) -> [Phase] {
        var gaps: [Phase] = []
        var covered = 0.0
        func add(upTo end: Double) {
            let took = ((end - covered) * 1000).rounded() / 1000
            // Times are rounded to a millisecond, each by itself.
            guard took > 0.001 else { return }
            gaps.append(
                Phase(phase: Step.Kind.script.rawValue, began: covered, seconds: took, ok: true, usual: nil))
        }
        for phase in rows.flatMap(\.phases).sorted(by: { $0.began < $1.began }) {
            add(upTo: min(phase.began, seconds))
            covered = max(covered, ((phase.began + phase.seconds) * 1000).rounded() / 1000)
        }
        add(upTo: seconds)
        return gaps
    }

    init(script: String, began: String, seconds: Double, vms: [Row], images: [Row] = []) {
        self.script = script
        self.began = began
        self.seconds = seconds
        self.vms = vms
        self.images = images
    }

    // MARK: the file

    /// - Throws: `Failure` with code `bad_field` for a file of another kind, `io` or `not_found`.
    static func read(_ path: String) throws(Failure) -> Timings {
        let bytes = try fileBytes(path, atMost: ReadLimit.document)
        do {
            let timings = try JSONDecoder().decode(Timings.self, from: Data(bytes))
            guard timings.format == 1 else {
                throw Failure(
                    .badField, "\(path) is of format \(timings.format), which this limiq does not know",
                    hint: "use the limiq that wrote it", resource: path)
            }
            let rows = timings.vms + timings.images + (timings.hosts ?? [])
            let phases = rows.flatMap(\.phases) + (timings.run ?? [])
            let times = phases.flatMap { [$0.began, $0.seconds, $0.usual ?? 0] } + rows.map { $0.usual ?? 0 }
            // A year is more than any run takes, and less than what cannot be drawn.
            guard (times + [timings.seconds]).allSatisfy({ (0...31_536_000).contains($0) }) else {
                throw Failure(.badField, "\(path) has times that no run takes", resource: path)
            }
            return timings
        } catch let failure as Failure { throw failure } catch {
            throw Failure(
                .badField, "\(path) is not a file of timings", hint: "limiq run --timings FILE writes one",
                resource: path)
        }
    }

    /// - Throws: `Failure` with code `io` or `not_found`.
    func write(to path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data: Data
        do { data = try encoder.encode(self) } catch {
            throw Failure(.io, "cannot write \(path)", resource: path, cause: "\(error)")
        }
        try writeBytes(Array(data) + [UInt8(ascii: "\n")], to: path, mode: 0o644)
    }

    /// Checks, before the run, that the file can be written: an hour later would be too late to say so.
    ///
    /// - Throws: `Failure` with code `io` or `not_found`.
    static func checkWritable(_ path: String) throws(Failure) {
        try AtomicFile.requireReplaceable(path)
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK) == 0 else {
            throw Failure(
                errno == ENOENT ? .notFound : .io, "cannot write \(path)", resource: path,
                cause: String(cString: strerror(errno)).lowercased())
        }
    }
}

extension Timings.Row {
    fileprivate init(_ track: Track, _ times: UsualTimes, console: (String) -> String?) {
        name = track.subject.name
        outcome =
            switch track.state {
            case .done: "done"
            case .failed: "failed"
            case .cancelled: "cancelled"
            case .waiting, .working: "unfinished"
            }
        phases = track.phases.sorted { $0.began < $1.began }.map { phase in
            Timings.Phase(
                phase: phase.step.word, began: phase.began.seconds, seconds: phase.took.seconds, ok: phase.ok,
                usual: phase.isCall
                    ? nil : track.likeness.flatMap { times.time(of: phase.step, $0)?.seconds })
        }
        guard track.subject.kind == .vm else { return }
        (host, image) = (track.likeness?.host, track.likeness?.image)
        acceleration = track.likeness?.acceleration
        usual = track.likeness.flatMap { times.total($0)?.seconds }
        guard outcome != "done" else { return }
        failure = track.problem.map { Secrets.masked($0.failure.message) }
        line = (track.line ?? console(name)).map { Secrets.masked($0) }
    }
}

extension Track {
    fileprivate var firstBegan: Duration { phases.map(\.began).min() ?? .seconds(Int64.max) }
}
