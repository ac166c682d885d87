import ArgumentParser
import Basics
import LuaRuntime
import Primitives

struct HostOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The host, as a libvirt URI.", valueName: "uri"))
    var connect: String?
}

struct ParameterOptions: ParsableArguments {
    @Option(
        name: .customLong("set"), help: ArgumentHelp("A parameter of the script.", valueName: "name=value"),
        completion: CompletionKind.parameter)
    var parameters: [String] = []

    @Option(
        name: .customLong("set-file"),
        help: ArgumentHelp(
            "Parameters from a YAML or JSON file; --set goes before it, and it before LIMIQ_SET_name.",
            valueName: "file"), completion: .file(extensions: ["yaml", "yml", "json"]))
    var files: [String] = []

    /// The parameters by name.
    func given() throws -> GivenParameters {
        var texts: [String: String] = [:]
        for parameter in parameters {
            guard let equals = parameter.firstIndex(of: "="), equals != parameter.startIndex else {
                throw ValidationError("--set \(parameter): write --set name=value")
            }
            texts[String(parameter[..<equals])] = String(parameter[parameter.index(after: equals)...])
        }
        return try GivenParameters(texts: texts, files: files)
    }
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a script.",
        discussion: "Words after -- are the script's: limiq.args. Its parameters: limiq help SCRIPT.")

    @Argument(help: "The script.", completion: CompletionKind.script)
    var script: String

    @OptionGroup var parameters: ParameterOptions

    @OptionGroup var host: HostOptions

    @Flag(help: "One JSON object a line on standard output instead of text.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Write how long each phase of each machine took to this file, for limiq report.",
            valueName: "file"))
    var timings: String?

    @OptionGroup var lock: LockOptions

    @OptionGroup(title: "Scripts that are not trusted") var sandbox: SandboxOptions

    @Option(
        help: ArgumentHelp(
            "Bring up only machines of this name, or pattern of names; may be given again.", valueName: "name"
        ),
        completion: CompletionKind.machine)
    var only: [String] = []

    @Flag(help: "Start guests anew where a change takes effect only then, as up { restart = true }.")
    var restart = false

    @Flag(
        help:
            "Make machines anew that cannot become what the script says otherwise, as up { replace = true }: their disks are thrown away."
    )
    var replace = false

    @Flag(help: "Remove the machines that this run has made, when it ends.")
    var rm = false

    @Flag(help: "Leave what a failed machine was made of, for a look.")
    var keep = false

    @Option(help: ArgumentHelp("The most memory the script itself may use.", valueName: "size"))
    var luaMemory = "512MiB"

    @Argument(parsing: .postTerminator, help: "The script's own words.")
    var words: [String] = []

    func run() throws {
        var session = try Session(connect: host.connect, script: script)
        session.json = json
        session.sandbox = sandbox.choice
        session.requiresLock = lock.locked
        session.choices = RunChoices(
            keepsFailed: keep, restarts: restart, replaces: replace, throwsAway: rm, only: only)
        session.memoryLimit = try memoryLimit()
        session.parameters = try parameters.given()
        session.timings = timings
        session.words = words
        try session.run(script)
    }

    private func memoryLimit() throws -> Int {
        do {
            return Int(clamping: try ByteSize(parsing: luaMemory).bytes)
        } catch {
            throw ValidationError("--lua-memory: \(error)")
        }
    }
}
