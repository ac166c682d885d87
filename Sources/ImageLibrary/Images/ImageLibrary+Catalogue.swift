import Basics
import DiskImages
import HostFiles
import Steps
import Synchronization

extension ImageLibrary {
    /// The name an image is kept under: of an alias the catalogue's own, where no file has the alias for its name.
    public func canonical(_ name: String) -> String {
        guard local(name) == nil, let image = try? catalogueFiles.catalogue().image(name) else { return name }
        return image.name
    }

    /// The catalogue's image of a name, an alias or a file: of one in the library by its name, of any other by the images
    /// it stands on; of a baked one that of the image it was made from.
    ///
    /// - Returns: `nil` where the catalogue has none.
    /// - Throws: `Failure` for a fault in a catalogue's file.
    public func describe(_ name: String) throws(Failure) -> CatalogueImage? {
        let catalogue = try catalogueFiles.catalogue()
        var name = name
        // More than anybody bakes one on the other: what a note says may lead in a circle.
        for _ in 0..<32 {
            var from: String?
            for image in names(of: name) {
                // A bake may have the name of an image of the catalogue.
                from = BakedImages(state: state).note(of: image)?.from
                if from != nil { break }
                // Without the mark of a lock.
                let plain = image.split(separator: "@", maxSplits: 1).first.map(String.init)
                if let found = plain.flatMap(catalogue.image) { return found }
            }
            guard let from else { return nil }
            name = from
        }
        return nil
    }

    /// The names in the library of an image and of those it stands on, the nearest first.
    private func names(of image: String) -> [String] {
        guard let path = image.contains("/") ? image : local(image) else { return [image] }
        let below = ((try? DiskImage.inspect(path, gate)) ?? []).dropFirst().map(\.path)
        return ([path] + below).compactMap(name(of:))
    }

    /// Whether a name is that of an image that is here, or that can be fetched.
    public func isKnown(_ name: String) throws(Failure) -> Bool {
        if name.contains("/") || local(name) != nil { return true }
        return try catalogueFiles.catalogue().image(name) != nil
    }

    /// The name a person most likely meant, of the images that are here or can be fetched.
    public func nearest(_ name: String) -> String? {
        let known = ((try? list()) ?? []).map(\.name) + ((try? catalogueFiles.catalogue().names) ?? [])
        return nearestName(to: name, in: known)
    }

    /// Warns once in a process of an image that gets no updates any more.
    func tellEnd(of image: CatalogueImage, _ news: ImageNews) {
        guard let complaint = image.complaint(), told.withLock({ $0.insert(image.name).inserted }) else {
            return
        }
        news.tell(.warning(complaint))
    }
}

/// The names of the images whose ends were told.
private let told = Mutex<Set<String>>([])
