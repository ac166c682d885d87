import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
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
        /// The image of this name that the catalogue has.
        public var catalogued: CatalogueImage?
        /// Whether the catalogue has an image of this name.
        public var isCatalogued: Bool { catalogued != nil }
        /// The note of what it was baked from; `nil` for any other.
        public var bake: BakedImage?
        /// Whether a guest's memory belongs to it, which machines go on from.
        public var isWarm = false
    }

    /// The endings of a file that counts as an image, the first tried first.
    static let endings = [".qcow2", ".img", ".raw"]

    let state: StateFolder
    /// The folder of programs that build an image: `NAME OUTPUT.qcow2`.
    private let builders: String
    let catalogueFiles: CatalogueFiles
    let gate: Gate
    /// The lock beside the script that asks for images; `nil` for no script.
    public var lock: ImageLock?
    /// Whether an image by a name that the lock does not have is refused.
    public var requiresLock = false
    /// Whether a blank disk stands in for an image of the catalogue that is not here, for guests that are simulated.
    public var hasStandIns = false

    /// - Parameter gate: of the script that asks for images.
    public init(state: StateFolder, builders: String, catalogue: CatalogueFiles, gate: Gate = .open) {
        self.gate = gate
        self.state = state
        self.builders = builders
        catalogueFiles = catalogue
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
        try Self.requireNoAddress(name)
        if name.contains("/") { return try checked(absolute(name)) }
        if let entry = try locked(name) {
            return try resolve(name, entry, cancellation, progress: progress)
        }
        let known = try? catalogueFiles.catalogue().image(name)
        if let known { tellEnd(of: known, ImageNews(name: known.name, progress: progress)) }
        if let path = local(name) { return try checked(path) }
        guard let image = try catalogueFiles.catalogue().image(name) else { throw unknown(name) }
        if let path = local(image.name) { return try checked(path) }
        try gate.fetchImage(name)
        let news = ImageNews(name: image.name, progress: progress)
        return try alone(image.name, cancellation, news) { () throws(Failure) in
            if let path = local(image.name) { return try checked(path) }
            if hasStandIns {
                let path = place(image.name, DiskFormatName.qcow2)
                try Disk.create(path, size: ByteSize(bytes: 2 << 30))
                return path
            }
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
            guard let name = Self.name(ofFile: file) else { continue }
            // Of two files with one name the first ending counts.
            guard let path = local(name), path == "\(state.cloudImages)/\(file)" else { continue }
            entries.append(entry(name, at: path, like: path))
        }
        let here = Set(entries.map(\.name))
        for image in try catalogueFiles.catalogue().images where !here.contains(image.name) {
            entries.append(Entry(name: image.name, catalogued: image))
        }
        return entries.sorted { comesBefore($0.name, $1.name) }
    }

    /// The entry that is told of an image.
    ///
    /// - Parameter file: what the image's file holds, or will hold.
    public func entry(_ name: String, at path: String, like file: String) -> Entry {
        let image = (try? DiskImage.inspect(file))?.first
        return Entry(
            name: name, path: path, format: image?.format, virtualSize: image?.virtualSize,
            catalogued: try? catalogueFiles.catalogue().image(name),
            bake: BakedImages(state: state).note(of: name),
            isWarm: fileExists(BakedImages(state: state).warmFolder(of: name)))
    }

    /// The file of an image; of one that is not here, where what most publishers offer would be.
    public func place(of name: String) -> String {
        let name = canonical(name)
        return local(name) ?? place(name, DiskFormatName.qcow2)
    }

    /// The file of an image that is here; by the name that a script gave a bake, that of its newest image.
    func local(_ name: String) -> String? {
        guard isImageName(name) else { return nil }
        if let file = file(of: name) { return file }
        return BakedImages(state: state).all().lazy.filter { $0.name == name }.compactMap {
            file(of: $0.image)
        }.first
    }

    private func file(of name: String) -> String? {
        Self.endings.map { "\(state.cloudImages)/\(name)\($0)" }.first(where: fileExists)
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

    /// The place where an image of a format lies.
    func place(_ name: String, _ format: String) -> String {
        "\(state.cloudImages)/\(name)\(format == DiskFormatName.raw ? ".raw" : ".qcow2")"
    }

    private func fetch(
        _ image: CatalogueImage, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        do throws(Failure) {
            return try fetch(
                try published(image, cancellation, news), as: image.name, listedIn: image.checksums,
                cancellation, news)
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
        return try take(part, as: name, ImageOrigin(source: builder.program), cancellation, news)
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

    /// - Throws: `Failure` for what is not there, no file, damaged, cut short, or no image.
    func checked(_ path: String, isNamedRaw: Bool? = nil) throws(Failure) -> String {
        try FileKind.requireDisk(ReadableFile(path), isNamedRaw: isNamedRaw)
        var isTop = true
        _ = try DiskImage.chain(path, format: nil, gate) { (file, _, header) throws(Failure) in
            defer { isTop = false }
            guard isTop, let header else { return }
            try header.requireUsable(file.path, isRepaired: true)
            try header.requireComplete(file)
        }
        return path
    }

    /// The failure of a name that no image has.
    public func unknown(_ name: String) -> Failure {
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
        if let nearest = nearest(name) {
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
