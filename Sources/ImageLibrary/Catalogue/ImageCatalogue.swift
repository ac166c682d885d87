import Basics
import Glibc
import HostFiles

/// The images known by name: those of the file that comes with limiq, and a user's own, which count more.
public struct ImageCatalogue: Sendable {
    /// The images by name. No name or alias is there twice.
    public let images: [CatalogueImage]
    private let places: [String: Int]

    /// - Parameter own: the user's: another image of one of their names is not there any more, and no alias that is one.
    public init(_ shipped: [CatalogueImage], own: [CatalogueImage] = []) {
        let taken = Set(own.flatMap { [$0.name] + $0.aliases })
        let rest = shipped.filter { !taken.contains($0.name) }.map { image in
            var image = image
            image.aliases.removeAll(where: taken.contains)
            return image
        }
        images = (rest + own).sorted { comesBefore($0.name, $1.name) }
        places = Dictionary(
            images.enumerated().flatMap { place, image in
                ([image.name] + image.aliases).map { ($0, place) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The image of a name or an alias.
    public func image(_ name: String) -> CatalogueImage? { places[name].map { images[$0] } }

    /// Every name and alias.
    public var names: [String] { images.flatMap { [$0.name] + $0.aliases } }
}

/// The files of a catalogue, read when it is first asked for: a fault in a user's file is told by what needs it.
public struct CatalogueFiles: Sendable {
    private let loaded: Lazy<Result<ImageCatalogue, Failure>>

    /// - Parameters:
    ///   - shipped: the path of the file that comes with limiq.
    ///   - own: the path of the user's, if there is one.
    public init(shipped: String, own: String?) {
        loaded = Lazy {
            do throws(Failure) {
                let own = try own.map { path throws(Failure) in try CatalogueReader.images(in: path) }
                return .success(ImageCatalogue(try CatalogueReader.images(in: shipped), own: own ?? []))
            } catch { return .failure(error) }
        }
    }

    /// A catalogue that is in no file.
    public init(_ images: [CatalogueImage]) {
        loaded = Lazy { .success(ImageCatalogue(images)) }
    }

    /// - Throws: `Failure` with code `bad_yaml` or `bad_field` for a fault in a file, `not_found` or `io`.
    public func catalogue() throws(Failure) -> ImageCatalogue { try loaded.get().get() }

    /// Finds the user's own file: `LIMIQ_IMAGES`, else `limiq/images.yaml` of `XDG_CONFIG_HOME` (`~/.config`).
    ///
    /// - Returns: `nil` where there is none, and none is named.
    /// - Throws: `Failure` with code `bad_field` where the variable holds a relative path.
    public static func own(
        environment: (String) -> String? = { getenv($0).map { String(cString: $0) } }
    ) throws(Failure) -> String? {
        if let named = environment("LIMIQ_IMAGES"), !named.isEmpty {
            guard named.hasPrefix("/") else {
                throw Failure(.badField, "LIMIQ_IMAGES is \"\(named)\", not an absolute path")
            }
            return named
        }
        let folder: String
        if let configuration = environment("XDG_CONFIG_HOME"), configuration.hasPrefix("/") {
            folder = configuration
        } else if let home = environment("HOME"), home.hasPrefix("/") {
            folder = home + "/.config"
        } else {
            return nil
        }
        let path = folder + "/limiq/images.yaml"
        return fileExists(path) ? path : nil
    }
}
