import Basics
import DiskImages
import HostFiles
import Steps

extension ImageLibrary {
    /// The entry that the script's lock has for a name.
    ///
    /// - Returns: `nil` where it has none, and needs none.
    /// - Throws: `Failure` with code `not_locked` where only what is locked may be taken.
    public func locked(_ name: String) throws(Failure) -> ImageLock.Entry? {
        if let entry = lock?.entries[name] { return entry }
        guard requiresLock else { return nil }
        throw Failure(
            .notLocked, "\(ImageLock.fileName) has no entry for the image \(name)",
            hint: "limiq image lock SCRIPT writes one", resource: name)
    }

    /// The place of a locked image: its file, or where it would be put.
    ///
    /// - Throws: `Failure` with code `io` or `cancelled`.
    public func place(
        of name: String, _ entry: ImageLock.Entry, _ cancellation: Cancellation
    ) throws(Failure) -> (path: String, isHere: Bool) {
        if let path = try here(name, entry, cancellation) { return (path, true) }
        return (place(target(name, entry), "qcow2"), false)
    }

    /// The path of a locked image, which is fetched where it is not here. An image of the name that is another stays: the
    /// locked one gets a name of its own beside it.
    ///
    /// - Throws: `Failure` with code `image_changed` where its publisher has another by now; as `resolve`.
    func resolve(
        _ name: String, _ entry: ImageLock.Entry, _ cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        if let path = try here(name, entry, cancellation) { return try checked(path) }
        try gate.fetchImage(name)
        let target = target(name, entry)
        let news = ImageNews(name: target, progress: progress)
        return try alone(target, cancellation, news) { () throws(Failure) in
            if let path = try here(name, entry, cancellation) { return try checked(path) }
            let began = ContinuousClock.now
            let url = try address(of: name, entry, cancellation, news)
            let path: String
            do throws(Failure) {
                path = try fetch(
                    PublishedImage(url: url, checksum: entry.checksum), as: target, cancellation, news)
            } catch {
                guard [.badChecksum, .notFound].contains(error.code) else { throw error }
                throw changed(name, entry, cause: error.message)
            }
            news.tell(.finished(.image, began.duration(to: .now)))
            return path
        }
    }

    /// Downloads what a publisher has.
    ///
    /// - Parameter list: the address of the list its checksum was looked up in.
    func fetch(
        _ published: PublishedImage, as name: String, listedIn list: String? = nil,
        _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        let fetch = ImageFetch(
            name: name, url: published.url, folder: state.cloudImages, cancellation: cancellation, news: news)
        let origin = ImageOrigin(
            source: shownAddress(published.url), checksum: published.checksum.text, checksums: list)
        return try take(fetch, published.checksum, origin)
    }

    /// The entry that a lock gets for a name: the image its publisher offers now; where there is no publisher, or none that
    /// can be reached, the one that is here.
    ///
    /// - Throws: `Failure` as `resolve`.
    public func lockEntry(
        _ name: String, _ cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> ImageLock.Entry {
        guard let image = try catalogueFiles.catalogue().image(name) else {
            guard let path = local(name) else { throw unknown(name) }
            return try entry(of: path, cancellation)
        }
        let alias = image.name == name ? nil : image.name
        do throws(Failure) {
            let found = try published(image, cancellation, ImageNews(name: image.name, progress: progress))
            return ImageLock.Entry(
                image: alias, url: found.lastingURL ?? found.url, checksum: found.checksum)
        } catch {
            guard error.code == .unreachable, let path = local(image.name) else { throw error }
            var entry = try entry(of: path, cancellation)
            entry.image = alias
            return entry
        }
    }

    // MARK: -

    private func entry(of path: String, _ cancellation: Cancellation) throws(Failure) -> ImageLock.Entry {
        // What a file of this host was unpacked from is known to nobody else.
        if let origin = ImageOrigins(state: state).origin(of: path), isAddress(origin.source),
            let sum = origin.checksum.flatMap({ try? ImageChecksum(parsing: $0) })
        {
            return ImageLock.Entry(url: origin.source, checksum: sum)
        }
        let digest = try FileDigest(of: path, cancellation).value
        return ImageLock.Entry(checksum: try ImageChecksum(parsing: "sha256:\(digest)"))
    }

    /// The name of its own that a locked image has beside another.
    private func twin(_ name: String, _ entry: ImageLock.Entry) -> String {
        "\(entry.image ?? name)@\(entry.checksum.value.prefix(12))"
    }

    /// The name a locked image is fetched under.
    private func target(_ name: String, _ entry: ImageLock.Entry) -> String {
        let image = entry.image ?? name
        return local(image) == nil ? image : twin(name, entry)
    }

    /// The file of a locked image; `nil` where it is not here.
    private func here(
        _ name: String, _ entry: ImageLock.Entry, _ cancellation: Cancellation
    ) throws(Failure) -> String? {
        for candidate in [twin(name, entry), entry.image ?? name] {
            guard let path = local(candidate) else { continue }
            if ImageDigests(state: state).digest(of: path).map({ "sha256:\($0)" }) == entry.checksum.text {
                return path
            }
            let origins = ImageOrigins(state: state)
            let origin = origins.origin(of: path)
            // The entry of what somebody has put there is by its own digest.
            let isOfFile = origin.map { !isAddress($0.source) } ?? false
            if let sum = origin?.checksum {
                if sum == entry.checksum.text { return path }
                // Of another download. By another hash function it may be the same all the same.
                if !isOfFile, sum.hasPrefix("\(entry.checksum.digest.rawValue):") { continue }
            }
            guard try entry.checksum.matches(path, cancellation) else { continue }
            // Without it nothing is lost but the time to hash the image again.
            if !isOfFile {
                try? origins.remember(
                    ImageOrigin(
                        source: origin?.source ?? entry.url ?? path, checksum: entry.checksum.text,
                        checksums: origin?.checksums),
                    of: path)
            }
            return path
        }
        return nil
    }

    /// The address a locked image is fetched from.
    private func address(
        of name: String, _ entry: ImageLock.Entry, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        var offered: PublishedImage?
        if let image = try catalogueFiles.catalogue().image(entry.image ?? name) {
            do throws(Failure) { offered = try published(image, cancellation, news) } catch {
                // The lock's own address may be another host's.
                guard [.unreachable, .notFound, .program].contains(error.code), entry.url != nil else {
                    throw error
                }
            }
        }
        if let offered, offered.checksum == entry.checksum { return offered.url }
        guard let url = entry.url else {
            throw Failure(
                .notFound,
                "the image \(name) that \(ImageLock.fileName) says is not here, and has no address",
                hint: placeHint(name, entry), resource: name)
        }
        // Without a download of some hundred megabytes to learn it.
        if let offered, offered.url == url, offered.checksum.digest == entry.checksum.digest {
            throw changed(name, entry, cause: "it has \(offered.checksum.text.prefix(19))…")
        }
        return url
    }

    private func changed(_ name: String, _ entry: ImageLock.Entry, cause: String) -> Failure {
        Failure(
            .imageChanged,
            "\(name): its publisher has another image by now than \(ImageLock.fileName) says, "
                + "\(entry.checksum.text.prefix(19))…",
            hint: "limiq image lock SCRIPT takes the new one, or \(placeHint(name, entry))", resource: name,
            cause: cause)
    }

    private func placeHint(_ name: String, _ entry: ImageLock.Entry) -> String {
        "put the locked one into \(state.cloudImages) as \(target(name, entry)).qcow2"
    }
}
