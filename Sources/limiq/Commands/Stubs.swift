import ArgumentParser
import Basics
import HostFiles
import Primitives

struct Stubs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the library's definition file for editors (LuaLS).", shouldDisplay: false)

    func run() throws {
        Signals.unblock()
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
