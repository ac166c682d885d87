import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import Steps

extension ImageLibrary {
    /// Takes a copy of a file into the library.
    ///
    /// - Parameter checksum: what the file must hash to, if it is known.
    /// - Throws: `Failure` with code `image_exists` where the name is taken, `bad_field` for a name that cannot be and for
    ///   an overlay, `bad_image`, `bad_checksum`, `not_found`, `io` or `cancelled`.
    public func add(
        _ name: String, from path: String, checksum: ImageChecksum? = nil, _ cancellation: Cancellation
    ) throws(Failure) {
        try requireFree(name)
        let target = try place(ofAdded: name, from: path)
        if let checksum, try !checksum.matches(path, cancellation) {
            throw Failure(.badChecksum, "\(path) is not what its checksum says", resource: path)
        }
        try alone(name, cancellation, nil) { () throws(Failure) in
            try requireFree(name)
            // Who may not read the file may not read the copy; QEMU's account must.
            let isPublic = try ReadableFile(path).isPublic
            let reader = isPublic ? nil : PrivateDaemons.reader
            try AtomicFile.write(
                target, existing: .refuse(.imageExists), user: reader.map { FileUser($0, .read) }
            ) { descriptor, _ throws(Failure) in
                try copy(path, to: descriptor, target, cancellation)
                if isPublic { fchmod(descriptor, 0o644) }
            }
            try? ImageDigests(state: state).remember(target, cancellation)
        }
    }

    /// The place where `add` would put a copy of a file.
    ///
    /// - Throws: `Failure` where it would not take the file.
    public func place(ofAdded name: String, from path: String) throws(Failure) -> String {
        place(name, try requireWhole(path))
    }

    /// The place where `add` would put what it downloads, if that is what most offer: its format is known when it is
    /// here.
    ///
    /// - Throws: `Failure` with code `bad_field` for what is no address.
    public func place(ofAdded name: String, url: String) throws(Failure) -> String {
        guard ["https://", "http://"].contains(where: url.lowercased().hasPrefix) else {
            throw Failure(
                .badField, "url is \"\(url)\", not an address",
                hint: "it begins with https:// or http://; a file is a path")
        }
        return place(name, DiskFormatName.qcow2)
    }

    /// Downloads an image into the library.
    ///
    /// - Parameter checksum: what the file must hash to. With it, an interrupted download is continued the next time.
    /// - Throws: `Failure` as the other `add`, or with code `program`.
    public func add(
        _ name: String, url: String, checksum: ImageChecksum?, _ cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) {
        try requireFree(name)
        _ = try place(ofAdded: name, url: url)
        let news = ImageNews(name: name, progress: progress)
        try alone(name, cancellation, news) { () throws(Failure) in
            try requireFree(name)
            let began = ContinuousClock.now
            let part = try ImageFetch(
                name: name, url: url, folder: state.cloudImages, cancellation: cancellation,
                news: news
            ).run(checksum)
            _ = try take(part, as: name, from: url)
            news.tell(.finished(.image, began.duration(to: .now)))
        }
    }

    /// Removes an image's file. One that a machine's disk is an overlay on stays, and one that QEMU has open: a disk
    /// elsewhere may stand on it.
    ///
    /// - Parameter relation: what stands on images.
    /// - Throws: `Failure` with code `not_found` or `in_use`.
    public func remove(_ name: String, unless relation: StandsOn) throws(Failure) {
        let path = try removable(name, unless: relation)
        guard unlink(path) == 0 else { throw Failure.system(errno, "cannot remove \(path)", resource: path) }
        ImageDigests(state: state).forget(path)
    }

    /// The file that `remove` would take away.
    ///
    /// - Throws: as `remove`, where it would not.
    public func removable(_ name: String, unless relation: StandsOn) throws(Failure) -> String {
        guard let path = local(name) else {
            throw Failure(
                .notFound, "there is no image \(name) here",
                hint: nearestName(to: name, in: ((try? list()) ?? []).filter { $0.path != nil }.map(\.name))
                    .map { "did you mean \($0)?" }, resource: name)
        }
        try relation.requireNothing(on: [path], "the image \(name)", .remove)
        // What cannot be read nobody can tell of.
        if let file = try? ReadableFile(path), DiskLock.isUsed(file) {
            throw Failure(
                .inUse, "the image \(name) is in use: a running VM or a program has it open",
                hint: "end what uses it first: fuser \(path)", resource: name)
        }
        return path
    }

    /// - Throws: `Failure` where no image can get this name.
    public func requireFree(_ name: String) throws(Failure) {
        guard isImageName(name) else {
            throw Failure(
                .badField, "\"\(name)\" cannot be an image's name",
                hint: "a name has no slash, begins with no dot and is at most 200 bytes long: my-image")
        }
        if let path = local(name) { throw taken(name, path) }
    }

    /// The failure of a name that an image has already.
    public func taken(_ name: String, _ path: String) -> Failure {
        Failure(
            .imageExists, "there is an image \(name) already",
            hint: "remove \(path) first, or choose another name",
            resource: name)
    }

    private func copy(
        _ path: String, to descriptor: Int32, _ target: String, _ cancellation: Cancellation
    ) throws(Failure) {
        let file = try ReadableFile(path)
        guard ftruncate(descriptor, off_t(file.length)) == 0 else {
            throw Failure.system(errno, "cannot write \(target)", resource: target)
        }
        var offset: UInt64 = 0
        while offset < file.length {
            try cancellation.check()
            let bytes = try file.read(at: offset, count: 1 << 20)
            if bytes.isEmpty { break }
            // Blocks of zeros stay holes.
            if bytes.contains(where: { $0 != 0 }) {
                try AtomicFile.write(bytes, to: descriptor, at: Int(offset), target)
            }
            offset += UInt64(bytes.count)
        }
    }
}
