import Basics
import DiskImages
import HostFiles
import Steps

extension ImageLibrary {
    /// Asks an image's publisher what it offers now.
    ///
    /// - Throws: `Failure` with code `unreachable`, also for a network's login page in place of the list; `not_found`,
    ///   `program` or `cancelled`.
    func published(
        _ image: CatalogueImage, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> PublishedImage {
        try news.telling(.download, "asking for its checksum") { () throws(Failure) in
            let text = try Curl(subject: image.name, cancellation: cancellation).text(image.checksums)
            if let found = ChecksumList(text, from: image.checksums).published(image) { return found }
            let file = image.url.map(lastComponent) ?? "an image for \(image.architecture)"
            throw unlisted(file, in: image.checksums, text, for: image.name)
        }
    }

    /// The checksum that a list has of a file.
    ///
    /// - Parameter list: its address, or the path of a file.
    /// - Throws: as `published`.
    func checksum(
        of file: String, in list: String, for name: String, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> ImageChecksum {
        try news.telling(.download, "asking for its checksum") { () throws(Failure) in
            let text =
                isAddress(list)
                ? try Curl(subject: name, cancellation: cancellation).text(list)
                : String(decoding: try fileBytes(list, atMost: ReadLimit.document), as: UTF8.self)
            if let found = ChecksumList(text, from: list).checksum(of: file) { return found }
            throw unlisted(file, in: list, text, for: name)
        }
    }

    /// The failure of a list without a file.
    private func unlisted(_ file: String, in list: String, _ text: String, for name: String) -> Failure {
        if TextFile(Array(text.utf8.prefix(FileKind.headLength)))?.isWebPage == true {
            return Failure(
                .unreachable,
                "\(name) cannot be downloaded: a web page answers in place of \(shownAddress(list))",
                hint: "does this network want a login?", resource: name)
        }
        return Failure(.notFound, "\(shownAddress(list)) has no checksum of \(file)", resource: name)
    }
}
