import Basics
import Hypervisors

/// Tells a guest that gets on from one that only runs.
///
/// A line that its console has not shown before, its agent, a disk at work: each is a sign. A processor at work is one only
/// where the guest has a system to run, and not for ever: firmware that finds nothing to boot, a boot loader's menu and a
/// kernel that has given up spin as well.
struct GuestProgress {
    /// The longest time a guest may be silent.
    private let patience: Duration
    /// The time at which the guest showed last that it gets on.
    private(set) var last: ContinuousClock.Instant
    /// The time of its last sign of more than its processors.
    private var lastSign: ContinuousClock.Instant
    /// The lines of its console, as `trace` knows them again.
    private var seen: Set<Int> = []
    private var hasSystem = false
    private var sample: (work: GuestWork, at: ContinuousClock.Instant)?
    /// The new lines on the console of the present boot.
    private var newLines = 0
    private var writtenBefore: UInt64?
    /// The number of boots in a row that came no further than those before.
    private var vainBoots = 0
    private var lastBoot: ContinuousClock.Instant?

    /// The bytes a second, read or written, that count as work. A system that idles writes up to half of that now and
    /// then, its log and the like.
    private static let diskAtWork = 128.0 * 1024
    /// The share of one processor that counts as work.
    private static let processorAtWork = 0.7
    /// The bytes that are more than a boot loader and what it loads: whoever has read as much is a system.
    private static let systemSize: UInt64 = 64 << 20
    /// The most lines that are remembered. A guest prints as much as it likes.
    private static let mostLines = 200_000

    init(patience: Duration, now: ContinuousClock.Instant = .present) {
        self.patience = patience
        last = now
        lastSign = now
    }

    /// The interval at which a look at the guest's disks and processors is worth while; `nil` where nobody waits long
    /// enough for it.
    var interval: Duration? {
        patience < .seconds(4) ? nil : min(max(patience / 4, .seconds(1)), .seconds(10))
    }

    /// The time for which the guest has shown nothing.
    func silence(at now: ContinuousClock.Instant = .present) -> Duration { last.duration(to: now) }

    mutating func sign(at now: ContinuousClock.Instant = .present) {
        last = now
        lastSign = now
    }

    /// Notes that the guest's agent or its ssh server answers.
    mutating func answered(at now: ContinuousClock.Instant = .present) {
        hasSystem = true
        vainBoots = 0
        sign(at: now)
    }

    mutating func lines(_ lines: [String], at now: ContinuousClock.Instant = .present) {
        for line in lines where !line.isEmpty {
            if line.contains("Linux version ") || line.contains("systemd[1]") { hasSystem = true }
            guard seen.count < Self.mostLines, seen.insert(Self.trace(of: line)).inserted else { continue }
            newLines += 1
            sign(at: now)
        }
    }

    /// The trace that makes a line another one: its letters, and a percentage. A clock that runs in it does not.
    private static func trace(of line: String) -> Int {
        var hasher = Hasher()
        var digits: [UInt8] = []
        for byte in line.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(byte)
            case UInt8(ascii: "%"):
                hasher.combine(digits)
                digits = []
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...:
                hasher.combine(byte)
                digits = []
            default: digits = []
            }
        }
        return hasher.finalize()
    }

    mutating func worked(_ work: GuestWork, at now: ContinuousClock.Instant = .present) {
        defer { sample = (work, now) }
        writtenBefore = writtenBefore ?? work.written
        guard let sample else { return }
        let span = sample.at.duration(to: now)
        guard span >= .milliseconds(500) else { return }
        let bytes = Self.more(work.read, sample.work.read) + Self.more(work.written, sample.work.written)
        if Double(bytes) >= Self.diskAtWork * (span / .seconds(1)) { sign(at: now) }
        // In less time it may be at work by chance, with what asks it whether it is.
        guard span >= .seconds(5), let processors = work.processors, let before = sample.work.processors
        else {
            return
        }
        let isSystem = hasSystem || (work.read ?? 0) >= Self.systemSize
        if isSystem, (processors - before) / span >= Self.processorAtWork,
            lastSign.duration(to: now) < patience * 6
        {
            last = now
        }
    }

    private static func more(_ now: UInt64?, _ before: UInt64?) -> UInt64 {
        guard let now, let before, now > before else { return 0 }
        return now - before
    }

    /// Notes that the guest boots again.
    ///
    /// - Returns: how many boots in a row have come to nothing: next to no new line, nothing written, nobody answered.
    mutating func booted(at now: ContinuousClock.Instant = .present) -> Int {
        // A kernel asks for its reset by one way after another, and a busy host tells of each.
        if let lastBoot, lastBoot.duration(to: now) < .milliseconds(500) { return vainBoots }
        lastBoot = now
        let written = Self.more(sample?.work.written, writtenBefore)
        vainBoots = newLines < 10 && written < 16 << 20 ? vainBoots + 1 : 0
        newLines = 0
        writtenBefore = sample?.work.written
        return vainBoots
    }
}
