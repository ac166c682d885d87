import Basics
import DiskImages
import Glibc
import HostFiles
import Steps

/// The images of a state folder: those a user put into `cloud-images/`, those that were downloaded or built.
public struct ImageLibrary: Sendable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        /// The path of the file; `nil` for one the catalogue offers that is not here yet.
        public var path: String?
        /// The format as QEMU names it; `nil` where the file is no image or not here.
        public var format: String?
        /// The size the guest sees, in bytes; `nil` where the file is no image or not here.
        public var virtualSize: UInt64?
        /// Whether the catalogue has an image of this name.
        public var isCatalogued: Bool
    }

    /// The endings of a file that counts as an image, the first tried first.
    static let endings = [".qcow2", ".img", ".raw"]

    let state: StateFolder
    /// The folder of programs that build an image: `NAME OUTPUT.qcow2`.
    private let builders: String
    private let catalogue: [CatalogueImage]
    private let gate: Gate

    /// - Parameter gate: of the script that asks for images.
    public init(
        state: StateFolder, builders: String, catalogue: [CatalogueImage] = imageCatalogue, gate: Gate = .open
    ) {
        self.gate = gate
        self.state = state
        self.builders = builders
        self.catalogue = catalogue
    }

    /// The absolute path of an image on this host.
    ///
    /// A name that has a slash is the path of a file. Any other is a file of the library, else the publisher's image,
    /// downloaded and checked, else, where the publisher cannot be reached, one built here. Two that want the same
    /// image at once fetch it once.
    ///
    /// - Throws: `Failure` with code `not_found`, `bad_image`, `unreachable`, `bad_checksum`, `io`, `program` or `cancelled`.
    public func resolve(
        _ name: String, _ cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        if name.contains("/") { return try checked(absolute(name)) }
        if let path = local(name) { return try checked(path) }
        guard let image = catalogue.first(where: { $0.name == name }) else { throw unknown(name) }
        try gate.fetchImage(name)
        let news = ImageNews(name: image.name, progress: progress)
        return try alone(image.name, cancellation, news) { () throws(Failure) in
            if let path = local(name) { return try checked(path) }
            let began = ContinuousClock.now
            let path = try fetch(image, cancellation, news)
            news.tell(.finished(.image, began.duration(to: .now)))
            return path
        }
    }

    /// The list of every image here and every one the catalogue offers, by name.
    public func list() throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        let files = fileExists(state.cloudImages) ? try filesBelow(state.cloudImages) : []
        for file in files where !file.hasPrefix(".") && !file.contains("/") {
            guard let ending = Self.endings.first(where: file.hasSuffix) else { continue }
            let name = String(file.dropLast(ending.count))
            // Of two files with one name the first ending counts.
            guard let path = local(name), path == "\(state.cloudImages)/\(file)" else { continue }
            entries.append(entry(name, at: path, like: path))
        }
        for image in catalogue where !entries.contains(where: { $0.name == image.name }) {
            entries.append(Entry(name: image.name, isCatalogued: true))
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// The entry that is told of an image.
    ///
    /// - Parameter file: what the image's file holds, or will hold.
    public func entry(_ name: String, at path: String, like file: String) -> Entry {
        let image = (try? DiskImage.inspect(file))?.first
        return Entry(
            name: name, path: path, format: image?.format, virtualSize: image?.virtualSize,
            isCatalogued: catalogue.contains { $0.name == name })
    }

    /// The file of an image; of one that is not here, where what most publishers offer would be.
    public func place(of name: String) -> String { local(name) ?? place(name, DiskFormatName.qcow2) }

    /// The file of an image that is here.
    func local(_ name: String) -> String? {
        guard isImageName(name) else { return nil }
        return Self.endings.map { "\(state.cloudImages)/\(name)\($0)" }.first(where: fileExists)
    }

    /// Runs `body` while no other process fetches or adds an image of this name.
    func alone<Result>(
        _ name: String, _ cancellation: Cancellation, _ news: ImageNews?,
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if !fileExists(state.cloudImages) {
            try makeFolders(state.cloudImages)
            // Whatever the caller's umask: QEMU may run as another user.
            chmod(state.cloudImages, 0o755)
        }
        return try FileLock.hold(
            Self.lock(name, in: state), for: "the image \(name)", cancellation,
            waiting: { holder, wait throws(Failure) in
                guard let news else { return try wait() }
                let who = holder.map { "process \($0)" } ?? "another process"
                return try news.telling(.waiting, "\(who) fetches it already", wait)
            }, body)
    }

    package static func lock(_ name: String, in state: StateFolder) -> String {
        "\(state.cloudImages)/.\(name).lock"
    }

    /// The image that an unfinished file in the library was to be; `nil` for any other file.
    package static func image(ofUnfinished file: String) -> String? {
        // A builder's own, `..NAME.build.part.RANDOM`, and then the download's or the build's, `.NAME.MARK.part`.
        if file.hasPrefix(".."), let end = file.firstRange(of: ".build.part.") {
            return String(file[file.index(file.startIndex, offsetBy: 2)..<end.lowerBound])
        }
        guard file.hasPrefix("."), file.hasSuffix(".part") else { return nil }
        let name = file.dropFirst().dropLast(".part".count)
        return name.lastIndex(of: ".").map { String(name[..<$0]) }
    }

    /// Gives a finished file its name in the library.
    func publish(_ part: String, as name: String) throws(Failure) -> String {
        let format = try requireWhole(part)
        let target = place(name, format)
        // It has its name only once it is on the disk.
        let file = open(part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw Failure.system(errno, "cannot open \(part)", resource: part) }
        defer { close(file) }
        guard fchmod(file, 0o644) == 0, fsync(file) == 0 else {
            throw Failure.system(errno, "cannot write \(target)", resource: target)
        }
        // Somebody may have put a file there meanwhile, and a disk may stand on it by now.
        try AtomicFile.rename(part, to: target, existing: .refuse(.imageExists))
        // Overlays will stand on it: it must not be another file after a power failure.
        try syncFolder(state.cloudImages)
        // So that a copy of it can be told from another image. Without it nothing else is lost.
        try? ImageDigests(state: state).remember(target, Cancellation())
        return target
    }

    /// Gives what was downloaded or built its name, or throws it away: another try would not make an image of it.
    func take(_ part: String, as name: String, from origin: String) throws(Failure) -> String {
        do { return try publish(part, as: name) } catch {
            unlink(part)
            throw Failure(
                error.code, "what \(origin) gives cannot be the image \(name)", hint: error.hint,
                resource: name, cause: error.message)
        }
    }

    /// Refuses what would take other files of this host with it: a downloaded overlay could name any of them as its
    /// base, a VMDK's descriptor any as its data, and the guest would read it. Formats of other makers are told by
    /// their first bytes, before a program of QEMU's opens what they refer to.
    ///
    /// - Returns: the format's name, `qcow2` or `raw`.
    /// - Throws: `Failure` with code `bad_field` for an overlay, `bad_image` for another format and for a qcow2 file that
    ///   keeps its data elsewhere or could not be used, and as `checked`.
    func requireWhole(_ path: String) throws(Failure) -> String {
        let format = DiskFormatName.detect(
            try ReadableFile(path).read(at: 0, count: DiskFormatName.probeLength))
        guard format == DiskFormatName.qcow2 || format == DiskFormatName.raw else {
            throw Failure(
                .badImage, "\(path) is \(format), and the library takes qcow2 and raw",
                hint: "convert it first: qemu-img convert -O qcow2 \(path) \(path).qcow2", resource: path)
        }
        var header: QCOW2Header?
        let chain = try DiskImage.chain(try checked(path), format: format) { (_, _, found) throws(Failure) in
            header = header ?? found
        }
        if let base = chain.first?.backingFile {
            throw Failure(
                .badField, "\(path) is an overlay on \(base)",
                hint: "make one file of the two with: qemu-img convert -O qcow2", resource: path)
        }
        try header?.requireUsable(path)
        return format
    }

    /// The place where an image of a format lies.
    func place(_ name: String, _ format: String) -> String {
        "\(state.cloudImages)/\(name)\(format == DiskFormatName.raw ? ".raw" : ".qcow2")"
    }

    private func fetch(
        _ image: CatalogueImage, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        let fetch = ImageFetch(
            name: image.name, url: image.url, folder: state.cloudImages, cancellation: cancellation,
            news: news)
        do throws(Failure) {
            let checksum = try fetch.checksum(in: image.checksums, image.digest)
            return try take(try fetch.run(checksum), as: image.name, from: image.url)
        } catch {
            guard error.code == .unreachable else { throw error }
            return try build(image.name, error, cancellation, news)
        }
    }

    private func build(
        _ name: String, _ unreachable: Failure, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        guard let builder = ImageBuilder(name, in: builders) else {
            throw withFileHint(unreachable, name)
        }
        let part = ImageFetch.part(of: name, in: state.cloudImages, "build")
        removeBuilds(part)
        let why = "its publisher cannot be reached; building it from packages"
        do throws(Failure) {
            try news.telling(.build, why) { () throws(Failure) in
                try builder.build(part, cancellation, news)
            }
        } catch {
            removeBuilds(part)
            var failure = error
            if failure.code == .program {
                failure.message = "\(name) can be neither downloaded nor built here"
                failure = withFileHint(failure, name)
            }
            throw failure
        }
        return try take(part, as: name, from: builder.program)
    }

    /// Adds to a failure the way out that is always there.
    private func withFileHint(_ failure: Failure, _ name: String) -> Failure {
        let file = "put the image into \(state.cloudImages) as \(name).qcow2"
        var failure = failure
        failure.hint =
            failure.hint.map { $0.hasSuffix("?") ? "\($0) or \(file)" : "\($0), or \(file)" } ?? file
        return failure
    }

    /// Removes what a builder that was killed has left, its own unfinished files included.
    private func removeBuilds(_ part: String) {
        let name = lastComponent(part)
        for file in (try? filesBelow(state.cloudImages)) ?? []
        where file == name || file.hasPrefix(".\(name).") {
            unlink("\(state.cloudImages)/\(file)")
        }
    }

    private func absolute(_ path: String) throws(Failure) -> String {
        path.hasPrefix("/") ? path : try resolved(".") + "/" + path
    }

    /// - Throws: `Failure` for what is not there, no file, damaged, empty, or packed.
    func checked(_ path: String) throws(Failure) -> String {
        let image = try DiskImage.inspect(path, gate).first
        if image?.format == "raw",
            let complaint = notAnImage(try ReadableFile(path).read(at: 0, count: 512))
        {
            throw Failure(.badImage, "\(path) is \(complaint.what)", hint: complaint.hint, resource: path)
        }
        return path
    }

    private func unknown(_ name: String) -> Failure {
        let known = ((try? list()) ?? []).map(\.name)
        guard !name.isEmpty else {
            return Failure(
                .badField, "the image's name is empty", hint: "take one of \(known.joined(separator: ", "))")
        }
        // Only as a disk's image: as another it may be here, or known.
        let isos = ISOLibrary(state: state)
        if let iso = ((try? isos.list()) ?? []).first(where: { $0.name == name }) {
            guard iso.path != nil else { return isos.missing(name) }
            return Failure(
                .notFound, "\(name) is an ISO image, not a disk's",
                hint: "limiq.image.iso \"\(name)\" gives its path", resource: name)
        }
        let hint: String
        if let nearest = nearestName(to: name, in: known) {
            hint = "did you mean \(nearest)?"
        } else if Self.endings.contains(where: name.hasSuffix) {
            hint = "a file is named with a slash: ./\(name)"
        } else {
            hint =
                "take one of \(known.joined(separator: ", ")), or put it into \(state.cloudImages) as \(name).qcow2"
        }
        return Failure(.notFound, "there is no image \(name)", hint: hint, resource: name)
    }
}
