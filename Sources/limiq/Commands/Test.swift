import ArgumentParser
import Basics
import Glibc
import HostFiles
import LuaRuntime
import Synchronization

struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run specs: files named *_spec.lua.",
        discussion: "A spec is a script that uses require \"limiq.spec\".")

    @Argument(
        help: ArgumentHelp("Files, or folders that are searched for specs.", valueName: "path"),
        completion: .file(extensions: ["lua"]))
    var paths: [String] = ["."]

    func run() throws {
        let specs = try paths.flatMap { try Self.specs(in: $0) }
        guard !specs.isEmpty else {
            throw Failure(.notFound, "no *_spec.lua in \(paths.joined(separator: ", "))")
        }
        let current = Mutex<Interrupter?>(nil)
        try Signals.forward { count in
            guard let interrupter = current.withLock(\.self) else { return }
            interrupter.interrupt()
            if count == 2 {
                LastResort.watch(interrupter) { StandardError.complain("limiq: \($0)") }
            }
        }
        var passed = 0
        var failed = 0
        for spec in specs {
            let result = try Self.run(spec) { interrupter in current.withLock { $0 = interrupter } }
            passed += result.passed
            failed += result.failures.count
            for failure in result.failures {
                StandardOutput.print(TerminalText.complaint("\(spec): \(failure)"))
            }
        }
        StandardOutput.print("\(passed) passed, \(failed) failed")
        if failed > 0 { throw ExitCode(1) }
    }

    /// Runs one spec in a Lua state of its own. A spec that cannot be run is one failure.
    ///
    /// - Throws: `ScriptError` where it is interrupted: it has cleaned up then.
    private static func run(
        _ spec: String, _ begins: (Interrupter) -> Void
    ) throws -> (passed: Int, failures: [String]) {
        let session = try Session(connect: nil, script: spec)
        let runtime = try LuaRuntime(
            options: session.options(),
            primitives: try session.definitions(PlainDisplay(showsProgress: false)).map(\.primitive))
        begins(runtime.interrupter)
        do {
            _ = try runtime.run(file: spec)
            let report = try runtime.run(
                source: "return require(\"limiq.spec\").report()", name: "=limiq test"
            ).first
            let failures = (report?["failures"]?.list ?? []).map { failure in
                "\(failure["name"]?.string ?? "?"): \(failure["message"]?.string ?? "?")"
            }
            return (Int(report?["passed"]?.int ?? 0), failures)
        } catch {
            if error.failure.code == .interrupted { throw error }
            return (0, ["\(error)"])
        }
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
}
