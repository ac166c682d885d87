import Basics
import Glibc

/// The images of a state folder: what a user put into `cloud-images/`, what was downloaded, what was built.
public struct ImageLibrary: Sendable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        /// `nil` for one the catalogue offers that is not here yet.
        public var path: String?
        /// What the guest sees, in bytes; `nil` where the file is no image or not here.
        public var virtualSize: UInt64?
    }

    /// The endings of a file that counts as an image, the first tried first.
    static let endings = [".qcow2", ".img", ".raw"]

    private let state: StateFolder
    /// The folder of programs that build an image: `NAME OUTPUT.qcow2`.
    private let builders: String
    private let catalogue: [CatalogueImage]

    public init(state: StateFolder, builders: String, catalogue: [CatalogueImage] = imageCatalogue) {
        self.state = state
        self.builders = builders
        self.catalogue = catalogue
    }

    /// The absolute path of an image on this machine.
    ///
    /// A path is that file. A name is a file of the library, else the publisher's image, downloaded and checked, else,
    /// where the publisher cannot be reached, one built here. Two that want the same image at once fetch it once.
    ///
    /// - Throws: `Failure` with code `not_found`, `unreachable`, `bad_checksum`, `program` or `cancelled`.
    public func resolve(
        _ name: String, _ cancellation: Cancellation, progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        if name.contains("/") {
            _ = try DiskImage.inspect(name)
            return name
        }
        if let path = local(name) { return path }
        guard let image = catalogue.first(where: { $0.name == name }) else { throw unknown(name) }
        try makeFolders(state.cloudImages)
        return try FileLock.hold(
            "\(state.cloudImages)/.\(name).lock", for: name, cancellation,
            onWait: { _ in progress(Progress(name, "waiting", detail: "another limiq fetches it")) }
        ) { () throws(Failure) in
            if let path = local(name) { return path }
            return try fetch(image, cancellation, progress)
        }
    }

    /// Every image here and every one the catalogue offers, by name.
    public func list() throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        let files = fileExists(state.cloudImages) ? try filesBelow(state.cloudImages) : []
        for file in files where !file.hasPrefix(".") && !file.contains("/") {
            guard let ending = Self.endings.first(where: file.hasSuffix) else { continue }
            let path = "\(state.cloudImages)/\(file)"
            entries.append(
                Entry(
                    name: String(file.dropLast(ending.count)), path: path,
                    virtualSize: (try? DiskImage.inspect(path))?.first?.virtualSize))
        }
        for image in catalogue where !entries.contains(where: { $0.name == image.name }) {
            entries.append(Entry(name: image.name))
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// Takes a copy of a file into the library.
    ///
    /// - Throws: `Failure` with code `image_exists` where the name is taken, `bad_field` for a name that cannot be.
    public func add(_ name: String, from path: String, _ cancellation: Cancellation) throws(Failure) {
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/") else {
            throw Failure(.badField, "\"\(name)\" cannot be an image's name")
        }
        if local(name) != nil { throw Failure("image_exists", "the image \(name) is there already", resource: name) }
        let chain = try DiskImage.inspect(path)
        guard chain.count == 1 else {
            throw Failure(.badField, "\(path) is an overlay", hint: "add the image it is on, or flatten it with qemu-img convert")
        }
        try makeFolders(state.cloudImages)
        let target = "\(state.cloudImages)/\(name)\(chain[0].format == "raw" ? ".raw" : ".qcow2")"
        try AtomicFile.write(target, existing: .refuse("image_exists")) { descriptor, _ throws(Failure) in
            try copy(path, to: descriptor, cancellation)
            fchmod(descriptor, 0o644)
        }
    }

    /// Removes an image's file. One that a VM's disk is an overlay on stays.
    ///
    /// - Throws: `Failure` with code `not_found` or `in_use`.
    public func remove(_ name: String) throws(Failure) {
        guard let path = local(name) else { throw Failure(.notFound, "there is no image \(name) here", resource: name) }
        let disks = fileExists(state.machines) ? try filesBelow(state.machines) : []
        for disk in disks where disk.hasSuffix(".qcow2") {
            guard let chain = try? DiskImage.inspect("\(state.machines)/\(disk)") else { continue }
            if chain.dropFirst().contains(where: { $0.path == path }) {
                throw Failure(
                    "in_use", "the image \(name) is in use: \(disk) is an overlay on it",
                    hint: "remove that machine first", resource: name)
            }
        }
        guard unlink(path) == 0 else { throw Failure.system(errno, "cannot remove \(path)", resource: path) }
    }

    private func local(_ name: String) -> String? {
        Self.endings.map { "\(state.cloudImages)/\(name)\($0)" }.first(where: fileExists)
    }

    private func unknown(_ name: String) -> Failure {
        let known = ((try? list()) ?? []).map(\.name)
        return Failure(
            .notFound, "there is no image \(name)",
            hint: nearestName(to: name, in: known).map { "did you mean \($0)?" }
                ?? "put it into \(state.cloudImages) as \(name).qcow2, or take one of \(known.joined(separator: ", "))",
            resource: name)
    }

    private func fetch(
        _ image: CatalogueImage, _ cancellation: Cancellation, _ progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) -> String {
        let began = ContinuousClock.now
        let target = "\(state.cloudImages)/\(image.name).qcow2"
        do throws(Failure) {
            let part = try ImageFetch(
                image: image, folder: state.cloudImages, cancellation: cancellation, progress: progress
            ).run()
            chmod(part, 0o644)
            guard rename(part, target) == 0 else { throw Failure.system(errno, "cannot write \(target)", resource: target) }
        } catch {
            guard error.code == ImageFetch.unreachable, access("\(builders)/\(image.name)", X_OK) == 0 else { throw error }
            try build(image.name, target, cancellation, progress)
        }
        progress(Progress(image.name, "image", took: began.duration(to: .now), isLast: true))
        return target
    }

    private func build(
        _ name: String, _ target: String, _ cancellation: Cancellation, _ progress: @escaping @Sendable (Progress) -> Void
    ) throws(Failure) {
        progress(Progress(name, "build", detail: "its publisher cannot be reached; building it from packages takes minutes"))
        let result = try HostProgram(["\(builders)/\(name)", target]).run(cancellation)
        guard result.code == 0 else {
            let words = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").suffix(3)
            throw Failure(
                .program, "\(name) cannot be built", hint: "put the image into \(state.cloudImages) as \(name).qcow2",
                resource: name, cause: words.joined(separator: "; "))
        }
        chmod(target, 0o644)
    }

    private func copy(_ path: String, to descriptor: Int32, _ cancellation: Cancellation) throws(Failure) {
        let file = try ReadableFile(path)
        var offset: UInt64 = 0
        while offset < file.length {
            try cancellation.check()
            let bytes = try file.read(at: offset, count: 4 << 20)
            if bytes.isEmpty { break }
            try AtomicFile.write(bytes, to: descriptor, at: Int(offset), path)
            offset += UInt64(bytes.count)
        }
    }
}
