import ArgumentParser
import Basics
import DiskImages
import ImageLibrary
import Primitives
import Records

struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The image library: disks' images and ISO images.",
        subcommands: [
            ListImages.self, ShowImage.self, Pull.self, Add.self, Export.self, Prune.self, Bake.self,
            Lock.self,
            RemoveImage.self,
        ])

    struct ListImages: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the images that are here and those that can be pulled.")

        @Flag(
            help: "What can be pulled, with its other names, family, login user and the end of its updates.")
        var available = false

        @Flag(help: "The listing as a JSON document; sizes are in bytes.")
        var json = false

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: nil)
            if available { return try listAvailable(session) }
            var rows = [["NAME", "KIND", "SIZE", "MADE FROM", "USED BY", "FILE"]]
            let relation = try session.environment().standsOn()
            var values: [Value] = []
            func add(
                _ name: String, _ kind: String, _ size: UInt64?, _ path: String?, from: String? = nil,
                users: [String] = []
            ) {
                var map: Map = ["name": .string(name), "kind": .string(kind)]
                if let size { map.append("size", .int(Int64(clamping: size))) }
                if let path { map.append("path", .string(path)) }
                if let from { map.append("made_from", .string(from)) }
                map.append("used_by", .list(users.map(Value.string)))
                values.append(.map(map))
                let size = size.map { "\(ByteSize(bytes: $0))" } ?? "-"
                let by =
                    users.isEmpty
                    ? "-" : users.prefix(2).joined(separator: ", ") + (users.count > 2 ? ", …" : "")
                rows.append([name, kind, size, from ?? "-", by, path ?? "not here yet"])
            }
            for entry in try session.images().list() {
                add(
                    entry.name, entry.isWarm ? "warm" : "disk", entry.virtualSize, entry.path,
                    from: entry.bake?.from,
                    users: entry.path.map(relation.users) ?? [])
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
            try showingWork { cancellation, progress in
                try session.images().resolve(name, cancellation, progress: progress)
            }
        }
    }

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put an image into the library, from a file or an address; prints its path.",
            discussion: """
                It is unpacked where it is compressed (.xz, .gz, .zst, .bz2), and converted where it is VMDK, VDI, VHDX or VHD. Where \
                the library has it already nothing is done.
                """)

        @Argument(help: "Its name in the library.") var name: String
        @Argument(help: "The file, or an address: https://…", completion: .file()) var source: String

        @Option(help: "Its SHA-256 or SHA-512 in hexadecimal digits.")
        var checksum: String?

        @Option(help: "The address or file of a list in which its checksum stands.", completion: .file())
        var checksums: String?

        @Option(help: "What it is, qcow2 or raw; told by the file where left out.")
        var format: String?

        func validate() throws {
            if checksum != nil, checksums != nil {
                throw ValidationError("--checksum is the image's own, --checksums a list: give one of them")
            }
            if let format, kind(format) == nil {
                throw ValidationError("--format is qcow2 or raw, not \(format)")
            }
        }

        private func kind(_ format: String) -> DiskFormat? {
            ["qcow2": DiskFormat.qcow2, "raw": .raw][format]
        }

        func run() throws {
            let session = try Session(connect: nil)
            func place(_ text: String) -> String { text.contains("://") ? text : session.absolute(text) }
            let addition = ImageAddition(
                name: name, source: source.contains("://") ? .address(source) : .file(place(source)),
                checksum: try checksum.map { try ImageChecksum(parsing: $0) },
                checksums: checksums.map(place), format: format.flatMap(kind))
            try showingWork { cancellation, progress in
                try session.images().add(addition, cancellation, progress: progress)
            }
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an image, and all it stands on, into one file: qcow2, raw or VMDK.")

        @Argument(help: "The image, or a path with a slash.", completion: CompletionKind.image) var name:
            String
        @Argument(
            help: "The file to write; its ending says the format: .qcow2, .raw, .img or .vmdk.",
            completion: .file())
        var file: String

        func run() throws {
            let session = try Session(connect: nil)
            let format = try ExportFormat(ofFile: file)
            try showingWork { cancellation, progress in
                let image = try session.images().resolve(name, cancellation, progress: progress)
                try Disk.export(image, to: session.absolute(file), format, cancellation: cancellation)
                return nil
            }
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove the images that nothing stands on and that can be had again.")

        @Flag(help: "List them, and remove nothing.")
        var dryRun = false

        @Flag(help: "The listing as a JSON document, with --dry-run; sizes are in bytes.")
        var json = false

        func validate() throws {
            if json, !dryRun { throw ValidationError("--json is for --dry-run, which lists") }
        }

        func run() throws {
            Signals.unblock()
            let session = try Session(connect: nil)
            let images = try session.images()
            let relation = try session.environment().standsOn()
            let found = try images.prunable(unless: relation)
            if json { return StandardOutput.print(json: try jsonText(Self.value(of: found), pretty: true)) }
            for image in found {
                if let reason = image.kept {
                    StandardError.complain("left alone: \(image.path): \(reason)")
                } else {
                    if !dryRun { try images.remove(image.name, unless: relation) }
                    StandardOutput.print(TerminalText.visible(image.path))
                }
            }
            let gone = found.filter { $0.kept == nil }
            let size = ByteSize(bytes: (gone.reduce(0) { $0 + $1.size } >> 20) << 20)
            StandardError.complain(
                gone.isEmpty
                    ? "nothing is to be removed"
                    : dryRun
                        ? "\(gone.count) with \(size); limiq image prune removes them"
                        : "removed \(gone.count) with \(size)")
        }

        private static func value(of images: [ImageLibrary.Pruned]) -> Value {
            .list(
                images.map { image in
                    var map: Map = [
                        "name": .string(image.name), "path": .string(image.path),
                        "size": .int(Int64(clamping: image.size)),
                    ]
                    if let kept = image.kept { map.append("kept", .string(kept)) }
                    return .map(map)
                })
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
