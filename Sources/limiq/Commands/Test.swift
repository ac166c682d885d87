import ArgumentParser
import Basics
import Glibc
import HostFiles
import LuaRuntime
import Synchronization

struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run specs: files named *_spec.lua.",
        discussion: """
            A spec is a script that uses require "limiq.spec". It works on a simulated host, where nothing of this machine is \
            touched and no wait takes its time; with --connect on a real one.
            """)

    @Argument(
        help: ArgumentHelp("Files, or folders that are searched for specs.", valueName: "path"),
        completion: .file(extensions: ["lua"]))
    var paths: [String] = ["."]

    @Option(
        help: ArgumentHelp(
            "Run the specs on this host, and not on a simulated one, as a libvirt URI.", valueName: "uri"))
    var connect: String?

    @Option(help: ArgumentHelp("Run the cases with this in their names.", valueName: "text"))
    var filter: String?

    @Flag(help: "Write snapshots that are not there or differ.")
    var updateSnapshots = false

    @Option(
        help: ArgumentHelp(
            "How many files run at once; as many as there are processors, with --connect one.",
            valueName: "number"))
    var jobs: Int?

    @Option(
        help: ArgumentHelp("The longest time for one case; 1m, with --connect 15m.", valueName: "time"))
    var timeLimit: String?

    @Option(
        help: ArgumentHelp("Write the results to this file as JUnit's XML.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var junit: String?

    @Flag(help: "Run them again when a file changes.")
    var watch = false

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs \(jobs): give 1 or more") }
        _ = try options()
    }

    func run() throws {
        let options = try options()
        let current = Mutex<SpecRunner?>(nil)
        try Signals.forward { count in
            // Between two runs nothing is there to clean up.
            guard count == 1, let runner = current.withLock(\.self) else { _exit(130) }
            runner.interrupt()
        }
        while true {
            let before = watch ? fingerprint() : []
            let runner = SpecRunner(try specs(), options)
            current.withLock { $0 = runner }
            let passes = try run(runner)
            current.withLock { $0 = nil }
            if runner.wasInterrupted { throw Failure(.interrupted, "interrupted") }
            guard watch else {
                if runner.isHanging { _exit(1) }
                if !passes { throw ExitCode(1) }
                return
            }
            StandardError.tell("waiting for a change (Ctrl-C ends)")
            while fingerprint() == before { usleep(300_000) }
        }
    }

    /// - Returns: whether no case failed.
    private func run(_ runner: SpecRunner) throws -> Bool {
        runner.run { file in
            let result = file.result
            if !result.output.isEmpty { StandardOutput.write(result.output) }
            if result.failed > 0 { result.log.forEach { StandardError.complain($0) } }
            for one in result.cases {
                guard case .failed(let message) = one.outcome else { continue }
                StandardOutput.print(TerminalText.complaint("\(file.path): \(one.name): \(message)"))
            }
        }
        if let junit { try write(JUnitReport(files: runner.files).text, to: junit) }
        let results = runner.files.map(\.result)
        func sum(_ part: (SpecFile.Result) -> Int) -> Int { results.reduce(0) { $0 + part($1) } }
        let (passed, failed, skipped) = (sum(\.passed), sum(\.failed), sum(\.skipped))
        if let filter, passed + failed + skipped == 0 {
            throw Failure(.notFound, "no case has \"\(filter)\" in its name")
        }
        StandardOutput.print(
            "\(passed) passed, \(failed) failed" + (skipped > 0 ? ", \(skipped) skipped" : ""))
        return failed == 0
    }

    private func options() throws -> TestOptions {
        var options = TestOptions()
        options.connect = connect
        options.filter = filter
        options.updatesSnapshots = updateSnapshots
        options.jobs = jobs ?? (connect == nil ? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) : 1)
        do {
            options.timeLimit = try Duration(parsing: timeLimit ?? (connect == nil ? "1m" : "15m"))
        } catch { throw ValidationError("--time-limit: \(error)") }
        return options
    }

    private func write(_ text: String, to path: String) throws(Failure) {
        let path = path.hasPrefix("/") ? path : try resolved(".") + "/\(path)"
        try AtomicFile.write(path, existing: .replace) { (descriptor, _) throws(Failure) in
            try AtomicFile.write(Array(text.utf8), to: descriptor, path)
        }
    }

    private func specs() throws -> [String] {
        let specs = try paths.flatMap { try Self.specs(in: $0) }
        guard !specs.isEmpty else {
            throw Failure(.notFound, "no *_spec.lua in \(paths.joined(separator: ", "))")
        }
        return specs
    }

    /// The specs a path names: itself, or all below it, sorted.
    private static func specs(in path: String) throws(Failure) -> [String] {
        var info = stat()
        guard stat(path, &info) == 0 else {
            throw Failure(.notFound, "\(path): \(String(cString: strerror(errno)))")
        }
        guard info.st_mode & S_IFMT == S_IFDIR else { return [path] }
        return try filesBelow(path, hidden: false).filter { $0.hasSuffix("_spec.lua") }.map {
            "\(path)/\($0)"
        }
    }

    /// The files in the folders of the specs, with what a change of one changes.
    private func fingerprint() -> [String] {
        paths.flatMap { path in
            let folder = isFolder(path) ? path : path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return ((try? filesBelow(folder, hidden: false)) ?? []).map { file in
                var info = stat()
                stat("\(folder)/\(file)", &info)
                return "\(file) \(info.st_size) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)"
            }
        }
    }
}
