import ArgumentParser
import Basics
import ImageLibrary
import Primitives
import Records

struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The image library: disks' images and ISO images.",
        subcommands: [ListImages.self, Pull.self, Add.self, RemoveImage.self])

    struct ListImages: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the images that are here and those that can be pulled.")

        @Flag(help: "The listing as a JSON document; sizes are in bytes.")
        var json = false

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: nil)
            var rows = [["NAME", "KIND", "SIZE", "FILE"]]
            var values: [Value] = []
            func add(_ name: String, _ kind: String, _ size: UInt64?, _ path: String?) {
                var map: Map = ["name": .string(name), "kind": .string(kind)]
                if let size { map.append("size", .int(Int64(clamping: size))) }
                if let path { map.append("path", .string(path)) }
                values.append(.map(map))
                let size = size.map { "\(ByteSize(bytes: $0))" } ?? "-"
                rows.append([name, kind, size, path ?? "not here yet"])
            }
            for entry in try session.images().list() {
                add(entry.name, "disk", entry.virtualSize, entry.path)
            }
            for entry in try ISOLibrary(state: session.state).list() {
                // Whole MiB: the exact length of a file is a long number.
                add(entry.name, "iso", entry.size.map { json ? $0 : ($0 + 0xFFFFF) & ~0xFFFFF }, entry.path)
            }
            if json { return StandardOutput.print(json: try jsonText(.list(values), pretty: true)) }
            StandardOutput.print(table(rows))
        }
    }

    struct Pull: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Fetch an image from its publisher, or build it where that cannot be; prints its path.")

        @Argument(help: "The image.", completion: CompletionKind.image) var name: String

        func run() throws {
            let session = try Session(connect: nil)
            let cancellation = Cancellation()
            try Signals.forward { _ in cancellation.cancel() }
            let display = makeDisplay(json: false, RunRecorder()) { _ in nil }
            defer { display.finish() }
            let path = try session.images().resolve(name, cancellation) { display.progress($0) }
            display.output(.standard, Array("\(path)\n".utf8))
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Copy an image file into the library.")

        @Argument(help: "Its name in the library.") var name: String
        @Argument(help: "The file.", completion: .file()) var path: String

        func run() throws {
            let session = try Session(connect: nil)
            let cancellation = Cancellation()
            try Signals.forward { _ in cancellation.cancel() }
            try session.images().add(name, from: session.absolute(path), cancellation)
        }
    }

    struct RemoveImage: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Remove an image.")

        @Argument(help: "The image.", completion: CompletionKind.image) var name: String

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: nil)
            try session.images().remove(name, unless: try session.environment().standsOn())
        }
    }
}
