import ArgumentParser
import Basics
import Glibc
import HostFiles
import Hypervisors
import ImageLibrary
import LuaRuntime
import Primitives
import Provisioning
import Steps
import Synchronization

/// The things one call of the command works with: the state folder, the hosts, the primitives and the display.
struct Session {
    var json = false
    var sandbox = SandboxChoice()
    var choices = RunChoices()
    /// Whether only images that the lock beside the script has are taken, by `--locked`.
    var requiresLock = false
    var memoryLimit = 512 << 20
    /// The values that the caller gave the script's parameters.
    var parameters: GivenParameters = [:]
    /// The file of `--timings`, for how long each phase of each machine took.
    var timings: String?
    /// The words after `--`.
    var words: [String] = []

    let state: StateFolder
    let hosts: Hosts
    /// The life of this run, with which its throw-away machines go.
    var lifetime: RunLifetime
    private let world: TestWorld?
    private let scriptFolder: String
    /// The script's path, without links.
    let scriptPath: String?

    /// - Parameters:
    ///   - connect: `--connect`.
    ///   - script: relative paths begin at its folder; without one at the current folder.
    ///   - world: what a spec works in.
    init(connect: String?, script: String? = nil, world: TestWorld? = nil) throws(Failure) {
        self.world = world
        if let world { state = world.state } else { state = try StateFolder() }
        try state.requireOwn()
        hosts = Hosts(connect: connect, state: state, world: world)
        lifetime = RunLifetime(state)
        let folder = try Self.folder(of: script)
        scriptFolder = folder
        scriptPath = script.map { "\(folder == "/" ? "" : folder)/\(lastComponent($0))" }
    }

    /// The gate to what the script may reach.
    private func gate() throws(Failure) -> Gate {
        guard sandbox.isOn else { return sandbox.forbidsPrograms ? .withoutPrograms : .open }
        return .sandbox(
            try GateBounds(
                script: scriptPath ?? "\(scriptFolder)/", state: state,
                library: [try Installation.library()] + Self.searchPath(), host: hosts.choice().uri,
                allowed: sandbox.allowed))
    }

    /// Runs a script to its end and says how it ended.
    ///
    /// - Throws: `ExitCode` where the script failed, which has been told then; `Failure` where it cannot be run, or the
    ///   timings cannot be written.
    func run(_ script: String) throws {
        try run(script) { runtime throws(ScriptError) in try runtime.run(file: script) }
    }

    /// Runs a script of limiq's own that works on a document. The place of an error would be a line nobody knows.
    ///
    /// - Throws: as `run(_:)`.
    func run(source: String, name: String, on document: String) throws {
        try run(document) { runtime throws(ScriptError) in
            do throws(ScriptError) {
                return try runtime.run(source: source, name: name)
            } catch { throw ScriptError(error.failure) }
        }
    }

    private func run(
        _ script: String, _ body: (LuaRuntime) throws(ScriptError) -> [Value]
    ) throws {
        if let timings { try Timings.checkWritable(timings) }
        let recorder = RunRecorder(usual: UsualTimes(in: state))
        let display = makeDisplay(json: json, recorder, console: consoleLine)
        defer { display.finish() }
        hosts.tell { display.progress($0) }
        var options = try options()
        options.output = { stream, bytes in display.output(stream, Array(bytes)) }
        let definitions = try definitions(display)
        let runtime = try LuaRuntime(options: options, primitives: definitions.map(\.primitive))
        let effects = Dictionary(
            definitions.map { ($0.primitive.name, $0.effect) }, uniquingKeysWith: { first, _ in first })
        let asksForParameters = Mutex(false)
        runtime.observer = { event in
            if event.request.name == "params.get" { asksForParameters.withLock { $0 = true } }
            if let effect = effects[event.request.name] { display.request(event, effect) }
        }
        let interrupter = runtime.interrupter
        try Signals.forward { count in
            if count > 2 { return display.abandon() }
            display.log(.warn, count == 1 ? "interrupted: cleaning up (again to stop at once)" : "stopping")
            interrupter.interrupt()
            if count == 2 {
                LastResort.watch(interrupter) { reason in
                    display.log(.error, reason)
                    display.abandon()
                }
            }
        }
        display.begin(script: script)
        display.lookForSlow()
        var error: ScriptError?
        do throws(ScriptError) { _ = try body(runtime) } catch let failure { error = failure }
        if error == nil, let name = parameters.first, !asksForParameters.withLock(\.self) {
            display.log(.warn, "--set \(name) did nothing: the script has no parameters")
        }
        do throws(Failure) {
            if error == nil { try choices.requireAsked() }
        } catch let unasked { error = ScriptError(unasked) }
        if error == nil { tellUnnamed(display) }
        let failure = throwAway({ display.log($0, $1) }) { (machine, number) throws(Failure) in
            let work = Work(.vm(machine.name), "remove", step: Step(.remove))
            return try display.telling(work, call: .max - UInt64(number)) { () throws(Failure) in
                try machine.remove(ofRun: lifetime.id)
            }
        }
        if error == nil { error = failure.map { ScriptError($0) } }
        lifetime.end()
        display.finish()
        try end(script, recorder, display, error)
    }

    /// The last line on a machine's serial console.
    private var consoleLine: @Sendable (String) -> String? {
        { [state] name in consoleLastLine(state.machine(name) + "/console.log") }
    }

    /// Removes the machines that the run has made and throws away, by `--rm`.
    ///
    /// - Parameters:
    ///   - removing: removes one, and tells of it as a run or a spec does.
    /// - Returns: the failure of one that is still there; of several the last, the others are told.
    func throwAway(
        _ tell: (LogLevel, String) -> Void,
        removing: (Machine, Int) throws(Failure) -> Bool
    ) -> Failure? {
        guard choices.throwsAway, !choices.keepsFailed else { return nil }
        var last: Failure?
        for (number, place) in choices.asked.reversed().enumerated() {
            do throws(Failure) {
                let machine = Machine(place.name, on: try hosts.hypervisor(place.uri), state: state)
                if try removing(machine, number) { tell(.info, "removed \(place.name)") }
            } catch {
                if let last { tell(.error, "\(last)") }
                last = error
            }
        }
        return last
    }

    /// Tells of machines that the script has made and does not bring up any more. They stay: a script that was changed, or
    /// run with other parameters, may want them again.
    private func tellUnnamed(_ display: RunWatcher) {
        guard let scriptPath, choices.only.isEmpty, !choices.asked.isEmpty else { return }
        for place in ScriptMachines(of: scriptPath, in: state).places(besides: Set(choices.asked)) {
            display.log(.warn, Self.unnamed(place))
        }
    }

    static func unnamed(_ place: ScriptMachines.Place) -> String {
        "\(place.name) was made by this script, which does not bring it up any more; limiq rm \(place.name) removes it"
    }

    private func end(
        _ script: String, _ recorder: RunRecorder, _ display: RunWatcher, _ error: ScriptError?
    ) throws {
        let (record, elapsed) = recorder.use { ($0, $1) }
        UsualTimes.add(record.samples, in: state)
        var report = RunReport(record, took: elapsed, error: error)
        report.showsPhases = timings != nil
        if let timings {
            let times = Timings(
                record, script: script, began: recorder.date, took: elapsed, console: consoleLine)
            do throws(Failure) { try times.write(to: timings) } catch {
                display.end(report)
                throw error
            }
        }
        display.end(report)
        if report.status != 0 { throw ExitCode(report.status) }
    }

    func options() throws(Failure) -> LuaRuntime.Options {
        var options = LuaRuntime.Options(libraryFolder: try Installation.library())
        options.search = Self.searchPath()
        options.memoryLimit = memoryLimit
        options.output = { stream, bytes in stream.write(Array(bytes)) }
        let gate = try gate()
        options.admit = { path throws(Failure) in try gate.reading(path) }
        options.variable = { name throws(Failure) in
            try gate.variable(name)
            return try LuaRuntime.Options.readVariable(name)
        }
        options.constants = ["args": .list(words.map(Value.string))]
        return options
    }

    /// The absolute path of one on the command line.
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(scriptFolder)/\(path)" }

    func images() throws(Failure) -> ImageLibrary {
        let folder = try Installation.library() + "/images"
        var images = ImageLibrary(
            state: state, builders: folder,
            catalogue: CatalogueFiles(shipped: folder + "/catalogue.yaml", own: try CatalogueFiles.own()),
            gate: try gate())
        if scriptPath != nil, world?.clock == nil { images.lock = try lock() }
        images.hasStandIns = world?.clock != nil
        images.requiresLock = requiresLock
        return images
    }

    /// The lock of the script's folder, which may be empty.
    func lock() throws(Failure) -> ImageLock { try ImageLock(in: scriptFolder) }

    func environment() throws(Failure) -> Environment {
        var environment = Environment(
            state: state, images: try images(), scriptFolder: scriptFolder, gate: try gate()
        ) { [hosts] uri throws(Failure) in try hosts.hypervisor(uri) }
        environment.script = scriptPath
        environment.choices = choices
        environment.lifetime = lifetime
        environment.connect = hosts.connect
        return environment
    }

    func definitions(_ display: any Display) throws(Failure) -> [Definition] {
        var environment = try environment()
        environment.progress = { display.progress($0) }
        return libraryDefinitions(environment, parameters: parameters) { display.log($0, $1) }
    }

    /// The folders of `LIMIQ_PATH`, which is separated by colons.
    private static func searchPath() -> [String] {
        guard let path = getenv("LIMIQ_PATH") else { return [] }
        return String(cString: path).split(separator: ":").map(String.init)
    }

    private static func folder(of script: String?) throws(Failure) -> String {
        let path = script?.lastIndex(of: "/").map { "\(script?[...$0] ?? "")" } ?? "."
        guard let absolute = realpath(path, nil) else {
            throw Failure(.notFound, "\(script ?? path) is not there: \(String(cString: strerror(errno)))")
        }
        defer { free(absolute) }
        return String(cString: absolute)
    }
}
