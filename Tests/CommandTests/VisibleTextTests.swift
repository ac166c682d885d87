import Basics
import FoundationEssentials
import HostFiles
import Hypervisors
import MachineSpec
import Support
import Testing

@testable import Provisioning
@testable import limiq

/// What others have said, where the program shows it: no byte of it reaches a terminal as anything but a letter.
@Suite struct `What others say` {
    /// An escape, a title, a line drawn over another, a C1 sequence, text that runs backwards, and a line that would pass
    /// for the program's own.
    static let hostile =
        "\u{1B}]0;TITLE\u{7}\u{1B}[2J\rover\u{9B}31m\u{202E}txt\u{2028}\u{7F}\u{0}\nlimiq: all is well"

    /// - Returns: whether a terminal would do anything but show it.
    private func steers(_ output: String) -> Bool {
        output.unicodeScalars.contains { scalar in
            scalar != "\n" && scalar != "\t"
                && [.control, .format, .lineSeparator].contains(scalar.properties.generalCategory)
        } || output.split(separator: "\n").contains("limiq: all is well")
    }

    private func write(_ script: String, to path: String) throws {
        try Data(script.utf8).write(to: URL(filePath: path))
    }

    /// A Lua expression that is the text.
    private var lua: String {
        "\"" + Self.hostile.utf8.map { "\\x" + hexadecimal([$0]) }.joined() + "\""
    }

    @Test func `is visible in errors, warnings and logs, and what a script prints is as it is`() async throws
    {
        try await LimiqCommand.with { limiq in
            try write(
                """
                local limiq = require "limiq"
                local text = \(lua)
                io.stdout:write(text)
                limiq.log.warn(text)
                limiq.fail { code = "x", message = text, hint = text, resource = text, cause = text }
                """, to: limiq.folder + "/a.lua")
            let result = try await limiq.run("run", "a.lua")
            #expect(result.status == 1 && result.output == Self.hostile)
            #expect(!steers(result.errors), "\(result.errors)")
            #expect(result.errors.contains("^[]0;TITLE^G^[[2J^Mover\\u{9b}31m\\u{202e}txt\\u{2028}^?^@\n"))
        }
    }

    @Test func `is visible where it is a name on the command line or of a file`() async throws {
        try await LimiqCommand.with { limiq in
            let name = Self.hostile.replacing("\0", with: "")
            try write("nonsense", to: limiq.folder + "/\(name).lua")
            for words in [
                ["run", "\(name).lua"], ["run", "\(name)-not-there.lua"], ["check", "\(name).lua"],
                ["show", name], ["rm", name], ["image", "add", "x", name], ["image", "pull", name],
                ["plan", "\(name).lua"], ["help", "\(name).lua"], ["report", name], ["test", name],
                ["run", "--\(name)", "a.lua"], [name], ["console", name], ["up", "\(name).json"],
            ] {
                let result = try await limiq.run(with: words)
                #expect(result.status != 0, "\(words)")
                #expect(!steers(result.errors), "\(words): \(result.errors)")
                #expect(!steers(result.output), "\(words): \(result.output)")
            }
        }
    }

    @Test func `is visible in what is said of user-data and of a document`() async throws {
        try await LimiqCommand.with { limiq in
            let text = Self.hostile
            let message = "Content-Type: multipart/mixed; boundary=B\nMIME-Version: 1.0\n\n--B\n"
            let documents = [
                text, "#cloud-config\n\(text): [", "#cloud-config\nruncmds\(text): a\n",
                "## template: \(text)\n",
                "## template: jinja\n{{ \(text) }}", "## template: jinja\n#cloud-config\n{{ '\(text)' }}: [",
                "## template: jinja\n{% \(text) %}", "#include\n\(text)\n",
                "#cloud-config-archive\n- type: '\(text)'\n",
                "#cloud-config-jsonp\n\(text)", "\(message)Content-Type: text/x\(text)\n\nx\n--B--\n",
                "\(message)Content-Type: text/cloud-config; name=\"\(text)\"\n\na: [\n--B--\n",
                "\(message)Content-Transfer-Encoding: \(text)\n\n\(text)\n--B--\n",
                message.replacing("=B", with: "=\(text)"),
            ]
            for (index, document) in documents.enumerated() {
                try write(document, to: "\(limiq.folder)/\(index).txt")
                try write(
                    "local limiq = require \"limiq\"\nlimiq.vm { name = \"web\", cloud_init = { user_data = limiq.file.read \"\(index).txt\" } }",
                    to: limiq.folder + "/a.lua")
                let result = try await limiq.run("check", "a.lua")
                #expect(!result.errors.isEmpty, "\(index)")
                #expect(!steers(result.errors) && result.output.isEmpty, "\(index): \(result)")
            }
            for (name, document) in [
                ("a.yaml", "name: \"\(text)\"\n"), ("b.yml", "\(text)"),
                ("c.json", "{\"name\": \"\(text)\"}"),
                ("d.yaml", "name: web\nspec: {\"\(text.replacing("\n", with: ""))\": 1}\n"),
            ] {
                try write(document, to: "\(limiq.folder)/\(name)")
                for verb in ["check", "up"] {
                    let result = try await limiq.run(verb, name)
                    #expect(result.status == 1 && !steers(result.errors), "\(verb) \(name): \(result)")
                }
            }
        }
    }

    @Test func `is visible in a machine's description, its plan and its JSON`() async throws {
        try await LimiqCommand.with { limiq in
            var spec = VMSpec(name: "web")
            spec.labels = [Self.hostile: Self.hostile]
            let record = MachineRecord(
                spec: spec, uuid: "c7a5fdbd-edaf-9455-926a-d65c16db1809", owner: Self.hostile,
                acceleration: .emulation, folder: "/vms/web")
            let element = try record.element().replacing(
                "<machine>", with: "<limiq:machine xmlns:limiq='\(LibvirtHypervisor.metadataNamespace)'>"
            ).replacing("</machine>", with: "</limiq:machine>")
            let node = """
                <node><domain type='test'><name>web</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
                <os><type>hvm</type></os><metadata>\(element)</metadata></domain></node>
                """
            try write(node, to: limiq.folder + "/node.xml")
            let uri = "test://\(limiq.folder)/node.xml"
            for words in [["list"], ["show", "web"], ["show", "--spec", "web"]] {
                let result = try await limiq.run(with: words + ["--connect", uri])
                #expect(result.status == 0 && result.output.contains("web"), "\(result.errors)")
                #expect(!steers(result.output), "\(result.output)")
            }
            let shown = try await limiq.run(with: ["show", "--spec", "web", "--connect", uri])
            #expect(
                try JSONReader.read(shown.output, source: "")["spec"]?["labels"]?[Self.hostile]?.string
                    == Self.hostile)

            try write(
                """
                require("limiq").vm { name = "new", memory = "64MiB", labels = { [\(lua)] = \(lua) } }:up()
                """, to: limiq.folder + "/a.lua")
            for words in [["plan", "a.lua"], ["plan", "--json", "a.lua"], ["run", "--json", "a.lua"]] {
                let result = try await limiq.run(with: words)
                #expect(!steers(result.output) && !steers(result.errors), "\(result)")
            }
        }
    }

    /// Where bytes go out that are not made visible: a live console, keys, the frame that is drawn; and who asks what
    /// standard output is.
    private static let raw = [
        "Commands/Console.swift", "Display/LiveDisplay.swift",
        "Terminal/Colours.swift", "Terminal/LineEditor.swift", "Terminal/StandardError.swift",
        "Terminal/StandardOutput.swift",
    ]

    @Test func `has no other way to the terminal than the one that makes it visible`() throws {
        let folder = repository + "/Sources/limiq"
        let sources = try filesBelow(folder, hidden: false).filter { $0.hasSuffix(".swift") }
        let writing = sources.filter { file in
            let text = fileText("\(folder)/\(file)")
            return text.contains("writeAll(") || text.contains("fputs(") || text.contains("STDOUT_FILENO")
        }
        #expect(writing.sorted() == Self.raw)
        #expect(sources.count > 30)
    }
}
