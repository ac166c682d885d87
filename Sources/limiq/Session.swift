import Basics
import Glibc
import LuaRuntime
import Primitives
import Provisioning
import Synchronization

/// What one call of the command works with: the state folder, the hosts, the primitives and the display.
struct Session {
    var json = false
    var forbidsHostPrograms = false
    var keepsFailed = false
    var memoryLimit = 512 << 20
    /// `--set`, by name.
    var overrides: [String: String] = [:]
    /// The words after `--`.
    var words: [String] = []

    let state: StateFolder
    let hosts: Hosts
    private let scriptFolder: String

    /// - Parameters:
    ///   - connect: `--connect`.
    ///   - script: relative paths begin at its folder; without one at the current folder.
    init(connect: String?, script: String? = nil) throws(Failure) {
        state = try StateFolder()
        hosts = Hosts(connect: connect, state: state)
        scriptFolder = try Self.folder(of: script)
    }

    /// Runs a script to its end.
    ///
    /// - Throws: `ScriptError`, or `Failure` where the library is not there.
    func run(_ script: String) throws {
        try run { runtime throws(ScriptError) in try runtime.run(file: script) }
    }

    /// Runs a text as a script.
    func run(source: String, name: String) throws {
        try run { runtime throws(ScriptError) in try runtime.run(source: source, name: name) }
    }

    private func run(_ body: (LuaRuntime) throws(ScriptError) -> [Value]) throws {
        let display = makeDisplay(json: json) { [state] name in
            consoleLastLine(state.machine(name) + "/console.log")
        }
        defer { display.finish() }
        let runtime = try LuaRuntime(
            options: options(output: { display.output($0) }),
            primitives: try definitions(display).map(\.primitive))
        let interrupter = runtime.interrupter
        try Signals.forward { count in
            display.log(.warn, count == 1 ? "interrupted: cleaning up (again to stop at once)" : "stopping")
            interrupter.interrupt()
        }
        _ = try body(runtime)
    }

    func options(output: @escaping @Sendable ([UInt8]) -> Void) throws(Failure) -> LuaRuntime.Options {
        var options = LuaRuntime.Options(libraryFolder: try Installation.library())
        options.search = Self.searchPath()
        options.memoryLimit = memoryLimit
        options.output = { stream, bytes in
            if stream == .error { writeAll(bytes, to: STDERR_FILENO) } else { output(Array(bytes)) }
        }
        options.constants = ["args": .list(words.map(Value.string))]
        return options
    }

    /// A path of the command line.
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(scriptFolder)/\(path)" }

    func images() throws(Failure) -> ImageLibrary {
        ImageLibrary(state: state, builders: try Installation.library() + "/images")
    }

    func environment() throws(Failure) -> Environment {
        Environment(state: state, images: try images(), scriptFolder: scriptFolder) {
            [hosts] uri throws(Failure) in
            try hosts.hypervisor(uri)
        }
    }

    func definitions(_ display: any Display) throws(Failure) -> [Definition] {
        var environment = try environment()
        environment.forbidsHostPrograms = forbidsHostPrograms
        environment.keepsFailed = keepsFailed
        environment.progress = { display.progress($0) }
        return libraryDefinitions(environment, overrides: overrides) { display.log($0, $1) }
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
