import ArgumentParser
import Basics
import HostFiles
import LuaRuntime
import Primitives
import Provisioning

struct Up: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring up the machine that a JSON or YAML document describes.",
        discussion:
            "The document is the API's, { \"name\": …, \"spec\": { … } }; limiq show --spec prints one. "
            + "Relative paths in it begin at its own folder.")

    @Argument(help: "The document.", completion: .file(extensions: ["json", "yaml", "yml"]))
    var file: String

    @Option(
        help: ArgumentHelp(
            "What to wait for: \(Goal.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "what"))
    var wait: String?

    @Option(
        help: ArgumentHelp(
            "The longest silence; it starts anew while the guest gets on.", valueName: "duration"))
    var timeout: String = "10m"

    @Option(help: ArgumentHelp("The end of the whole wait; none where left out.", valueName: "duration"))
    var deadline: String?

    @OptionGroup var host: HostOptions

    @Flag(help: "One JSON object a line on standard output instead of text.")
    var json = false

    @Flag(help: "Leave what a failed machine was made of, for a look.")
    var keep = false

    /// The script that does with the document what a script of the user's would do.
    static let script = """
        local limiq = require "limiq"
        local path, wait, timeout, deadline = table.unpack(limiq.args)
        local read = path:match "%.ya?ml$" and limiq.yaml.read or limiq.json.read
        local vm = limiq.vm(read(path))
        local report = vm:up {
            wait = wait ~= "" and wait or nil, timeout = timeout, deadline = deadline ~= "" and deadline or nil,
        }
        -- A machine without a network has no address.
        local words = { vm.name, (limiq.try(vm.address, vm)) }
        for _, forward in ipairs(report.forwards) do
            words[#words + 1] = ("%s:%d → %d"):format(forward.bind or "127.0.0.1", forward.host, forward.guest)
        end
        print(table.concat(words, "\\t"))
        """

    /// The words of the script: it reads the document, then what to wait for and how long.
    static func words(
        _ file: String, _ session: Session, wait: String = "", timeout: String = "10m", deadline: String = ""
    ) -> [String] {
        [session.absolute(lastComponent(file)), wait, timeout, deadline]
    }

    func run() throws {
        var session = try Session(connect: host.connect, script: file)
        session.json = json
        session.choices = RunChoices(keepsFailed: keep)
        session.words = Self.words(
            file, session, wait: wait ?? "", timeout: timeout, deadline: deadline ?? "")
        try session.run(source: Self.script, name: "=limiq up", on: file)
    }
}
