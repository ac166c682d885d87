import Basics
import FoundationEssentials
import Glibc
import HostFiles
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
    }

    struct Row: Sendable, Equatable, Codable {
        var name: String
        /// The outcome: `done`, `failed`, `cancelled`, `unfinished`.
        var outcome: String
        var phases: [Phase]
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

    init(_ record: RunRecord, script: String, began: Date, took: Duration) {
        self.script = script
        self.began = began.formatted(RunRecorder.timeFormat)
        seconds = took.seconds
        let tracks = record.tracks.sorted { $0.firstBegan < $1.firstBegan }
        vms = tracks.filter { $0.subject.kind == .vm }.map { Row($0) }
        images = tracks.filter { $0.subject.kind == .image }.map { Row($0) }
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
            let times = (timings.vms + timings.images).flatMap(\.phases).flatMap { [$0.began, $0.seconds] }
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
    fileprivate init(_ track: Track) {
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
                phase: phase.step.word, began: phase.began.seconds, seconds: phase.took.seconds, ok: phase.ok)
        }
    }
}

extension Track {
    fileprivate var firstBegan: Duration { phases.map(\.began).min() ?? .seconds(Int64.max) }
}
