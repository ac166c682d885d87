import Basics
import Foundation
import Support
import Testing

/// The pages a user reads, README.md and those of docs/, are held to the program.
@Suite struct `The documentation` {
    /// What the blocks of a page may use that begin in the middle of a script; it stands before their first line.
    static let middle = """
        local limiq = require "limiq"; local recipes = require "limiq.recipes"
        local vm = limiq.vm { name = "vm", disks = { { size = "1GiB" } } }
        local web = limiq.fleet { name = "web", count = 1, spec = function() return {} end }
        local hosts = limiq.hosts { "test:///default" }
        local names, balancer = { "a-01", "a-02" }, { drop = function(_) end }
        local lab = limiq.network { name = "other-lab", cidr = "10.250.0.0/24" }
        local function spec(name) return { name = name, disks = { { size = "1GiB" } } } end
        local function build(_) end local function watch(_) end local function install(_) end
        """.replacing("\n", with: " ")
    private static let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    /// Files that scripts of the pages read.
    static let files = [
        "user-data.yaml": "#cloud-config\n", "web.yaml": "a: 1\n", "web.json": "{}", "token.txt": "t",
        "motd.txt": "m", "company-ca.pem": certificate, "password.txt": "open 4 sesame",
        "site/index.html": "<p>",
    ]

    @Test func `leads to pages, files and headings that are there`() throws {
        let pages = try Page.all()
        let anchors = Dictionary(uniqueKeysWithValues: pages.map { ($0.path, $0.anchors) })
        var seen = 0
        for page in pages {
            for (line, target) in page.links where !target.contains("://") {
                seen += 1
                let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                let folder = URL(fileURLWithPath: "/" + page.path).deletingLastPathComponent()
                let file = folder.appendingPathComponent(String(parts[0])).standardizedFileURL.path
                let path = parts[0].isEmpty ? page.path : String(file.dropFirst())
                #expect(
                    FileManager.default.fileExists(atPath: "\(repository)/\(path)"),
                    "\(page.path):\(line): \(target)")
                if parts.count == 2 {
                    let isThere = anchors[path]?.contains(String(parts[1])) == true
                    #expect(isThere, "\(page.path):\(line): \(target)")
                }
            }
        }
        #expect(seen > 500)
    }

    @Test func `has no block of Lua that limiq check finds wrong`() async throws {
        let pages = try Page.all()
        try await LimiqCommand.with { limiq in
            for (name, text) in Self.files { try limiq.write(text, to: name) }
            var names: [String] = []
            for page in pages {
                // A spec is run by `limiq test`.
                for block in page.blocks where block.language == "lua" && page.path != "docs/howto/testing.md"
                {
                    let name = page.path.replacing("/", with: "-") + "-\(block.line).lua"
                    let isWhole = block.text.contains("require \"limiq")
                    try limiq.write((isWhole ? "" : Self.middle + " ") + block.text, to: name)
                    names.append(name)
                }
            }
            #expect(names.count > 100)
            let check = try await limiq.run(with: ["check"] + names)
            #expect(check.status == 0, "\(check.errors)")
        }
    }

    @Test func `shows what its scripts print, where they need no guest`() async throws {
        var shown = 0
        for page in try Page.all() {
            for (position, block) in page.blocks.enumerated() where block.isRun {
                let output = try #require(
                    page.blocks[(position + 1)...].first { $0.language == "text" },
                    "\(page.path):\(block.line)")
                shown += 1
                try await LimiqCommand.with { limiq in
                    try limiq.write(block.text, to: "block.lua")
                    let run = try await limiq.run("run", "block.lua")
                    #expect(run.output == output.text, "\(page.path):\(block.line): \(run)")
                }
            }
        }
        #expect(shown >= 4)
    }

    @Test func `calls the command by verbs and options that it has`() async throws {
        let dump = try await command(program, ["--experimental-dump-help"])
        let root = try JSONDecoder().decode(Help.self, from: Data(dump.output.utf8)).command
        var seen = 0
        for page in try Page.all() {
            for (line, words) in page.commands {
                seen += 1
                var verb = root
                var rest = words[...]
                while let word = rest.first,
                    let next = verb.subcommands?.first(where: { $0.commandName == word })
                {
                    verb = next
                    rest = rest.dropFirst()
                }
                let isRoot = verb.commandName == root.commandName
                #expect(!isRoot || rest.first?.hasPrefix("-") == true, "\(page.path):\(line): \(words)")
                for word in rest.prefix(while: { $0 != "--" }) where word.hasPrefix("-") {
                    let name = word.drop { $0 == "-" }.prefix { $0 != "=" }
                    #expect(
                        verb.options.contains(String(name)), "\(page.path):\(line): \(words) has no \(word)")
                }
            }
        }
        #expect(seen > 60)
    }

    @Test func `has the reference that the library and the command give`() async throws {
        try await LimiqCommand.with { limiq in
            try limiq.write(try await limiq.run("--experimental-dump-help").output, to: "help.json")
            try limiq.write("", to: "new/nothing")
            let run = try await limiq.run(
                "run", "\(repository)/docs/site/reference.lua", "--set", "help=\(limiq.folder)/help.json",
                "--set",
                "to=\(limiq.folder)/new")
            #expect(run.status == 0, "\(run)")
            let reference = "\(repository)/docs/reference"
            let pages = folderNames(reference).sorted()
            let new = folderNames(limiq.folder + "/new").filter { $0 != "nothing" }.sorted()
            #expect(pages.count > 10 && pages == new)
            for page in pages {
                let kept = try Data(contentsOf: URL(fileURLWithPath: "\(reference)/\(page)"))
                let written = try Data(contentsOf: URL(fileURLWithPath: "\(limiq.folder)/new/\(page)"))
                #expect(kept == written, "scripts/docs reference writes docs/reference/\(page) anew")
            }
        }
    }

    @Test func `has manual pages, of each verb, that mandoc takes`() async throws {
        try await LimiqCommand.with { limiq in
            try limiq.write(try await limiq.run("--experimental-dump-help").output, to: "help.json")
            try limiq.write("", to: "man/nothing")
            let run = try await limiq.run(
                "run", "\(repository)/docs/site/manual.lua", "--set", "help=\(limiq.folder)/help.json",
                "--set",
                "to=\(limiq.folder)/man", "--set", "date=May 1, 2026")
            #expect(run.status == 0, "\(run)")
            let pages = folderNames(limiq.folder + "/man").filter { $0 != "nothing" }.sorted()
            #expect(pages.contains("limiq.1") && pages.contains("limiq-run.1") && pages.count > 30)
            // There it finds the pages that they name.
            let lint = try await command("mandoc", ["-T", "lint"] + pages, folder: limiq.folder + "/man")
            #expect(lint.status == 0 && lint.output.isEmpty, "\(lint)")
        }
    }
}

extension LimiqCommand {
    /// Writes a file below the state folder, with the folders that it lies in.
    fileprivate func write(_ text: String, to name: String) throws {
        let file = URL(fileURLWithPath: "\(folder)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
}

/// What `--experimental-dump-help` says.
private struct Help: Decodable {
    struct Verb: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable { var name: String }
            var names: [Name]?
        }
        var commandName: String
        var arguments: [Argument]?
        var subcommands: [Verb]?
        var options: Set<String> { Set((arguments ?? []).flatMap { ($0.names ?? []).map(\.name) }) }
    }
    var command: Verb
}

/// A page in Markdown.
private struct Page {
    struct Block {
        var language: String
        var line: Int
        var text = ""
        /// Whether a comment before it says that it is run.
        var isRun = false
    }

    var path: String
    /// The fenced blocks.
    var blocks: [Block] = []
    /// The lines outside of fenced blocks, by their numbers.
    var prose: [(Int, String)] = []

    static func all() throws -> [Page] {
        let files = try #require(FileManager.default.enumerator(atPath: "\(repository)/docs"))
        let pages = files.compactMap { $0 as? String }.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        return try (["README.md"] + pages.sorted()).map(Page.init)
    }

    init(_ path: String) throws {
        self.path = path
        let text = try String(contentsOfFile: "\(repository)/\(path)", encoding: .utf8)
        var open: Block?
        var isRun = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let bare = line.drop { $0 == " " }
            if var block = open {
                if bare == "```" {
                    blocks.append(block)
                    open = nil
                } else {
                    block.text += line + "\n"
                    open = block
                }
            } else if bare.hasPrefix("```") {
                open = Block(language: String(bare.dropFirst(3)), line: index + 1, isRun: isRun)
                isRun = false
            } else {
                if !bare.isEmpty { isRun = bare == "<!-- run -->" }
                prose.append((index + 1, String(line)))
            }
        }
        #expect(open == nil, "\(path): a block is not closed")
    }

    /// The targets of links, by their lines.
    var links: [(Int, String)] {
        prose.flatMap { number, line in line.matches(of: /\]\(([^)\s]+)\)/).map { (number, String($0.1)) } }
    }

    /// The anchors of the headings, as GitHub and the site make them.
    var anchors: Set<String> {
        var anchors: Set<String> = []
        for (_, line) in prose {
            guard let heading = line.wholeMatch(of: /#+ (.*)/)?.1 else { continue }
            let words = heading.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.1 }.lowercased()
            let kept = words.filter { $0.isLetter || $0.isNumber || "_- ".contains($0) }
            anchors.insert(kept.replacing(" ", with: "-"))
        }
        return anchors
    }

    /// The words behind `limiq` on lines that call it: in blocks of commands, and in prose between backticks.
    var commands: [(Int, [String])] {
        var lines: [(Int, String)] = []
        for block in blocks where block.language == "console" {
            for (index, line) in block.text.split(separator: "\n").enumerated() where line.hasPrefix("$ ") {
                lines.append((block.line + index + 1, String(line.dropFirst(2))))
            }
        }
        for (number, line) in prose {
            if line.hasPrefix("    $ ") {
                lines += line.dropFirst(6).split(separator: " · ").map { (number, String($0)) }
            }
            lines += line.matches(of: /`(limiq [^`]*)`/).map { (number, String($0.1)) }
        }
        return lines.compactMap { number, line in
            let words = line.prefix { !"|>#…".contains($0) }.split(separator: " ").map(String.init)
            guard let program = words.first, program == "limiq" || program == "scripts/limiq", words.count > 1
            else {
                return nil
            }
            return (number, Array(words.dropFirst()))
        }
    }
}
