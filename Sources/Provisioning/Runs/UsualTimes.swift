import Basics
import FoundationEssentials
import Glibc
import HostFiles
import MachineSpec
import Steps

/// The times that machines took to come up in earlier runs, by what they have in common: what is usual.
///
/// It is a small file of the state folder, and nothing depends on it: one that is not there, is damaged or of another version
/// is as good as none.
public struct UsualTimes: Sendable {
    /// The times of one run: of machines that are alike the median.
    public struct Sample: Sendable, Equatable {
        public var steps: [Step: Duration]
        /// The time from the machine's first step to its last.
        public var total: Duration

        public init(steps: [Step: Duration], total: Duration) {
            self.steps = steps
            self.total = total
        }
    }

    private struct File: Codable {
        var format: Int
        var machines: [Entry]
    }

    /// Times are in milliseconds, those of the latest run last.
    private struct Entry: Codable, Sendable {
        var like: Likeness
        /// The seconds since 1970 at which it was last added to.
        var last: Int
        var steps: [String: [Int]]
        var total: [Int]
    }

    /// The number of the file's format; another number is another format.
    private static let format = 1
    /// The runs whose times are kept.
    static let runs = 9
    /// The kinds of machines that are kept: those of the latest runs.
    static let kinds = 200
    private static let largestFile = 4 << 20
    /// A year, in milliseconds: more than anything takes.
    private static let longest = 31_536_000_000

    private var entries: [Likeness: Entry] = [:]
    /// Whether the file is another version's, which is left to it.
    private var isForeign = false

    public init() {}

    /// Reads the file of a state folder.
    public init(in state: StateFolder) {
        guard let bytes = try? fileBytes(state.times, atMost: Self.largestFile) else { return }
        struct Head: Codable { var format: Int }
        let (decoder, data) = (JSONDecoder(), Data(bytes))
        guard let head = try? decoder.decode(Head.self, from: data) else { return }
        guard head.format == Self.format else {
            isForeign = true
            return
        }
        guard let file = try? decoder.decode(File.self, from: data) else { return }
        for entry in file.machines.prefix(Self.kinds) {
            let times = entry.steps.values.flatMap(\.self) + entry.total
            guard times.allSatisfy({ (0...Self.longest).contains($0) }) else { continue }
            entries[entry.like] = entry
        }
    }

    /// The time that a step of such a machine usually takes; `nil` where none is known.
    public func time(of step: Step, _ like: Likeness) -> Duration? {
        Self.median(entries[like]?.steps[step.word])
    }

    /// The time that such a machine usually takes as a whole; `nil` where none is known.
    public func total(_ like: Likeness) -> Duration? { Self.median(entries[like]?.total) }

    /// The total of those of these machines that a run had last.
    func latestTotal(_ likes: [Likeness]) -> Duration? {
        likes.compactMap { entries[$0] }.max { $0.last < $1.last }.flatMap { Self.median($0.total) }
    }

    private static func median(_ times: [Int]?) -> Duration? {
        guard let sorted = times?.suffix(runs).sorted(), !sorted.isEmpty else { return nil }
        let middle = sorted.count / 2
        let time = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        return .milliseconds(time)
    }

    // MARK: adding

    /// Adds the times of a run to the file of a state folder. Several runs may do so at once; one that cannot within a
    /// second does not.
    public static func add(_ samples: [Likeness: Sample], in state: StateFolder) {
        guard !samples.isEmpty else { return }
        for _ in 0..<20 {
            do throws(Failure) {
                let isDone = try FileLock.holdIfFree(state.times + ".lock", for: "the times of runs") {
                    () throws(Failure) in
                    var times = UsualTimes(in: state)
                    if times.isForeign { return true }
                    times.add(samples)
                    try times.write(to: state.times)
                    return true
                }
                if isDone != nil { return }
            } catch {
                // It cannot be written here, and nothing depends on it.
                return
            }
            usleep(50_000)
        }
    }

    private mutating func add(_ samples: [Likeness: Sample]) {
        let now = Int(Glibc.time(nil))
        for (like, sample) in samples {
            var entry = entries[like] ?? Entry(like: like, last: now, steps: [:], total: [])
            entry.last = now
            entry.total = Array((entry.total + [Self.milliseconds(sample.total)]).suffix(Self.runs))
            for (step, took) in sample.steps {
                let times = (entry.steps[step.word] ?? []) + [Self.milliseconds(took)]
                entry.steps[step.word] = Array(times.suffix(Self.runs))
            }
            entries[like] = entry
        }
        let old = entries.values.sorted { $0.last > $1.last }.dropFirst(Self.kinds)
        for entry in old { entries[entry.like] = nil }
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        min(max(0, Int(duration / .milliseconds(1))), longest)
    }

    private func write(to path: String) throws(Failure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let file = File(format: Self.format, machines: entries.values.sorted { $0.last > $1.last })
        guard let data = try? encoder.encode(file) else { return }
        try AtomicFile.write(path, existing: .replace) { descriptor, _ throws(Failure) in
            try AtomicFile.write(data, to: descriptor, path)
        }
    }
}

extension Machine {
    /// The things it has in common with machines that take about as long.
    func likeness(
        _ spec: VMSpec, _ options: UpOptions, _ way: Likeness.Way, _ acceleration: Acceleration
    ) -> Likeness {
        let disks = spec.disks.filter(\.bootable) + spec.disks
        let file = spec.warm ?? disks.lazy.compactMap { $0.backingFile ?? $0.path }.first
        let image = file.map { path in
            let name = lastComponent(path)
            let ending = [".qcow2", ".img", ".raw"].first(where: name.hasSuffix) ?? ""
            return String(name.dropLast(ending.count))
        }
        return Likeness(
            image: image, host: hypervisor.uri, acceleration: acceleration.rawValue, way: way,
            goal: options.start ? options.goal(for: spec).rawValue : nil)
    }

    /// The time that a plan usually takes; `nil` where nothing is started, or none is known.
    public func usualTime(
        of plan: MachinePlan, _ spec: VMSpec, _ options: UpOptions, in times: UsualTimes
    ) -> Duration? {
        guard plan.starts || plan.restarts else { return nil }
        let isMade = plan.action == .make || plan.action == .replace
        let way: Likeness.Way = !isMade ? .again : spec.warm == nil ? .new : .warm
        // To try the host's own is a run's work: here it is that of the latest run.
        let accelerations = options.acceleration.map { [$0] } ?? Acceleration.allCases
        return times.latestTotal(accelerations.map { likeness(spec, options, way, $0) })
    }
}
