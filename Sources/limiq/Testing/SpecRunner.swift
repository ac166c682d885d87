import Basics
import Glibc
import LuaRuntime
import Primitives
import Provisioning
import Synchronization

/// The choices of one `limiq test`.
struct TestOptions: Sendable {
    var connect: String?
    /// A part of the names of the cases to run; `nil` for all.
    var filter: String?
    var updatesSnapshots = false
    /// The longest time for one case, as a person counts it.
    var timeLimit = Duration.seconds(60)
    /// The files that are run at once.
    var jobs = 1
}

/// Runs files of specs, some at once, each in a Lua state and a world of its own.
final class SpecRunner: Sendable {
    let files: [SpecFile]
    private let options: TestOptions
    private let next = Atomic(0)
    private let isStopped = Atomic(false)
    private let ended = Mailbox<Int>()
    /// Whether a thread still runs that nothing interrupts.
    private let hangs = Atomic(false)

    init(_ paths: [String], _ options: TestOptions) {
        files = paths.map { SpecFile($0) }
        self.options = options
    }

    /// Whether the process can only be ended as a whole.
    var isHanging: Bool { hangs.load(ordering: .relaxed) }

    /// Runs all.
    ///
    /// - Parameter tell: called with each file that has ended, in the order they were given.
    func run(_ tell: (SpecFile) -> Void) {
        for _ in 0..<min(options.jobs, files.count) { startThread { self.work() } }
        var done: Set<Int> = []
        var told = 0
        var hanging: Set<Int> = []
        while told < files.count {
            if let number = ended.next(before: .now + .milliseconds(100)) { done.insert(number) }
            for (number, file) in files.enumerated()
            where !done.contains(number) && !hanging.contains(number) && file.stop(after: options.timeLimit) {
                hanging.insert(number)
                hangs.store(true, ordering: .relaxed)
                file.close(took: options.timeLimit, failure: file.lateness(options.timeLimit))
                done.insert(number)
                startThread { self.work() }
            }
            while told < files.count, done.contains(told) {
                tell(files[told])
                told += 1
            }
        }
    }

    /// Ends all that runs, and begins no more.
    func interrupt() {
        isStopped.store(true, ordering: .relaxed)
        for file in files { file.interrupt() }
    }

    var wasInterrupted: Bool { isStopped.load(ordering: .relaxed) }

    private func work() {
        while case let number = next.add(1, ordering: .relaxed).oldValue, number < files.count {
            if !wasInterrupted { run(files[number]) }
            ended.put(number)
        }
    }

    private func run(_ file: SpecFile) {
        let began = ContinuousClock.now
        var failure: String?
        do {
            let world = try TestWorld(connect: options.connect)
            defer { world.end() }
            if let clock = world.clock {
                try clock.follow { try run(file, in: world) }
            } else {
                try run(file, in: world)
            }
        } catch let error { failure = file.lateness(options.timeLimit) ?? "\(error)" }
        file.close(took: began.duration(to: .now), failure: failure)
    }

    private func run(_ file: SpecFile, in world: TestWorld) throws {
        var session = try Session(connect: options.connect, script: file.path, world: world)
        if world.connect != nil { session.choices = RunChoices(throwsAway: true) }
        let display = SpecDisplay(file: file)
        let primitives = SpecPrimitives(file: file, world: world, options: options, session: session)
        var runtimeOptions = try session.options()
        runtimeOptions.output = { display.output($0, Array($1)) }
        let runtime = try LuaRuntime(
            options: runtimeOptions,
            primitives: try session.definitions(display).map(\.primitive) + primitives.all())
        file.began(runtime.interrupter)
        defer { session.lifetime.end() }
        _ = try runtime.run(file: file.path)
        runtime.close()
    }
}
