import ArgumentParser
import Basics
import HostFiles
import Primitives

struct Stubs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the library's definition file for editors (LuaLS).",
        discussion: "limiq stubs recipes prints that of its recipes, limiq stubs page the page about them.",
        shouldDisplay: false)

    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case library, recipes, page
    }

    @Argument(help: "What of: library, recipes, page.")
    var subject = Subject.library

    func run() throws {
        Signals.unblock()
        guard subject == .library else {
            return StandardOutput.write(try LibraryHelp.text(of: subject.rawValue).utf8)
        }
        let session = try Session(connect: nil, script: nil)
        let folder = try Installation.library()
        let sources = try ["runtime", "limiq"].flatMap { part in
            try filesBelow("\(folder)/\(part)").filter(Self.isSource).map { "\(folder)/\(part)/\($0)" }
        }
        let text = try libraryReference(
            try session.definitions(PlainDisplay()),
            sources: sources.map {
                String(decoding: try fileBytes($0, atMost: ReadLimit.document), as: UTF8.self)
            })
        StandardOutput.write(text.utf8)
    }

    /// Whether a file is a source: not in a folder of its own, and not what this command itself has written.
    private static func isSource(_ name: String) -> Bool {
        name.hasSuffix(".lua") && !name.contains("/") && name != "library.lua"
    }
}
