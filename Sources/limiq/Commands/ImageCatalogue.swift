import ArgumentParser
import Basics
import ImageLibrary
import Primitives
import Records

extension Image.ListImages {
    /// Lists the catalogue.
    func listAvailable(_ session: Session) throws {
        let entries = try session.images().list().compactMap { entry in
            entry.catalogued.map { (image: $0, path: entry.path) }
        }
        if json {
            let values = entries.map { image, path -> Value in
                guard case .map(var map) = value(of: image) else { return .null }
                if let path { map.append("path", .string(path)) }
                return .map(map)
            }
            return StandardOutput.print(json: try jsonText(.list(values), pretty: true))
        }
        var rows = [["NAME", "FAMILY", "USER", "UPDATES UNTIL", "HERE", "ALSO"]]
        for (image, path) in entries {
            rows.append([
                image.name, image.family.rawValue, image.user, end(of: image), path == nil ? "-" : "yes",
                image.aliases.joined(separator: " "),
            ])
        }
        StandardOutput.print(table(rows))
    }
}

/// The last day of an image's updates, and whether it has passed.
private func end(of image: CatalogueImage) -> String {
    guard let day = image.endOfLife else { return "-" }
    return "\(day)" + (image.complaint() == nil ? "" : " (past)")
}

extension Image {
    struct ShowImage: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Tell what is known of an image.")

        @Argument(help: "The image.", completion: CompletionKind.image) var name: String

        @Flag(help: "All of it as a JSON document.")
        var json = false

        func run() throws {
            Signals.unblock()
            let images = try Session(connect: nil).images()
            let image = try images.describe(name)
            let name = images.canonical(name)
            let here = try images.list().first { $0.name == name && $0.path != nil }
            guard image != nil || here != nil else { throw images.unknown(name) }
            if json {
                var map = image.map { value(of: $0) }?.map ?? ["name": .string(name)]
                if let here { map.append("path", .string(here.path ?? "")) }
                if let size = here?.virtualSize { map.append("size", .int(Int64(clamping: size))) }
                return StandardOutput.print(json: try jsonText(.map(map), pretty: true))
            }
            var rows = [["name", name]]
            if let image {
                if !image.aliases.isEmpty { rows.append(["also", image.aliases.joined(separator: " ")]) }
                rows += [
                    ["family", image.family.rawValue], ["user", image.user], ["seed", image.seed.rawValue],
                    ["cloud-init", image.cloudInit?.description ?? "-"],
                    ["architecture", image.architecture], ["updates until", end(of: image)],
                    ["address", image.url ?? "by its list"],
                    ["checksums", "\(image.checksums) (\(image.form.rawValue), \(image.digest.rawValue))"],
                ]
            }
            rows.append(["file", here?.path ?? "not here yet"])
            if let size = here?.virtualSize { rows.append(["size", "\(ByteSize(bytes: size))"]) }
            StandardOutput.print(table(rows))
        }
    }
}
