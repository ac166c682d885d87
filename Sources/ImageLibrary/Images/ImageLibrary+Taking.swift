import Basics
import DiskImages
import Glibc
import HostFiles
import Hypervisors
import Steps

/// The ways in which a file becomes an image of the library.
extension ImageLibrary {
    /// Downloads an image, and gives it its name.
    func take(_ fetch: ImageFetch, _ checksum: ImageChecksum?, _ origin: ImageOrigin) throws(Failure)
        -> String
    {
        let part: String
        do throws(Failure) { part = try fetch.run(checksum) } catch {
            guard error.code == .badImage else { throw error }
            throw refused(error, fetch.name, origin)
        }
        return try take(
            part, as: fetch.name, origin, format: fetch.format,
            isNamedRaw: isNamedRaw(fetch.format, file: addressFile(fetch.url)), fetch.cancellation, fetch.news
        )
    }

    /// Gives what was downloaded, unpacked, or made its name, or throws it away: another try would not make an image of
    /// it.
    ///
    /// - Parameters:
    ///   - format: what is said of its format; `nil` where nothing is.
    ///   - isPublic: everybody may read it. Else it is for its owner, and for QEMU's account where that is another.
    func take(
        _ part: String, as name: String, _ origin: ImageOrigin, format: String? = nil,
        isNamedRaw: Bool = false,
        isPublic: Bool = true, _ cancellation: Cancellation, _ news: ImageNews?
    ) throws(Failure) -> String {
        do throws(Failure) {
            let whole = try converted(part, for: name, cancellation, news) ?? part
            if whole != part { unlink(part) }
            do throws(Failure) {
                return try publish(
                    whole, as: name, origin, format: whole == part ? format : nil, isNamedRaw: isNamedRaw,
                    isPublic: isPublic)
            } catch {
                unlink(whole)
                throw error
            }
        } catch {
            unlink(part)
            let isAboutFile = [.badImage, .badField, .imageExists].contains(error.code)
            throw isAboutFile ? refused(error, name, origin) : error
        }
    }

    /// The failure of what came and cannot be an image of the library, told by where it came from.
    func refused(_ failure: Failure, _ name: String, _ origin: ImageOrigin) -> Failure {
        // The file has a name that nobody has given it.
        let hidden = failure.resource.flatMap { lastComponent($0).hasPrefix(".") ? $0 : nil }
        let words = hidden.map { failure.message.replacing($0, with: "it") } ?? failure.message
        return Failure(
            failure.code, "what \(origin.source) gives cannot be the image \(name)", hint: failure.hint,
            resource: name, cause: failure.cause.map { "\(words): \($0)" } ?? words)
    }

    /// A qcow2 image of one of another maker's format.
    ///
    /// - Returns: the path of another file; `nil` for what needs no conversion.
    func converted(
        _ path: String, for name: String, _ cancellation: Cancellation, _ news: ImageNews?
    ) throws(Failure) -> String? {
        guard case .image(let format) = try FileKind(of: ReadableFile(path)),
            Disk.convertible.contains(format)
        else { return nil }
        let target = ImageFetch.part(of: name, in: state.cloudImages, "converted")
        try SparseFile(target).finish()
        func convert() throws(Failure) {
            try Disk.convert(path, format: format, to: target, cancellation: cancellation)
        }
        do throws(Failure) {
            if let news { try news.telling(.convert, "\(format) to qcow2", convert) } else { try convert() }
        } catch {
            unlink(target)
            throw error
        }
        return target
    }

    /// Gives a finished file its name in the library.
    ///
    /// - Parameters:
    ///   - origin: what it is made of; `nil` for what has a note of its own.
    ///   - isPublic: whether everybody may read it, and not its owner and QEMU alone.
    func publish(
        _ part: String, as name: String, _ origin: ImageOrigin?, format: String? = nil,
        isNamedRaw: Bool = false, isPublic: Bool
    ) throws(Failure) -> String {
        let format = try requireWhole(part, format: format, isNamedRaw: isNamedRaw)
        let target = place(name, format)
        // It has its name only once it is on the disk.
        let file = open(part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw Failure.system(errno, "cannot open \(part)", resource: part) }
        defer { close(file) }
        guard fchmod(file, isPublic ? 0o644 : 0o600) == 0 else {
            throw Failure.system(errno, "cannot write \(target)", resource: target)
        }
        if !isPublic { try PrivateDaemons.reader.map { FileUser($0, .read) }?.grant(file, target) }
        guard fsync(file) == 0 else {
            throw Failure.system(errno, "cannot write \(target)", resource: target)
        }
        // Somebody may have put a file there meanwhile, and a disk may stand on it by now.
        try AtomicFile.rename(part, to: target, existing: .refuse(.imageExists))
        // Overlays will stand on it: it must not be another file after a power failure.
        try syncFolder(state.cloudImages)
        // So that a copy of it can be told from another image, and the same is not fetched again. Without them nothing
        // else is lost.
        try? ImageDigests(state: state).remember(target, Cancellation())
        if let origin { try? ImageOrigins(state: state).remember(origin, of: target) }
        return target
    }

    /// Refuses what would take other files of this host with it: a downloaded overlay could name any of them as its
    /// base, and the guest would read it.
    ///
    /// - Parameter format: what the file is said to be.
    /// - Returns: the format's name, `qcow2` or `raw`.
    /// - Throws: `Failure` with code `bad_field` for an overlay, `bad_image` for another format and for a qcow2 file that
    ///   keeps its data elsewhere or could not be used, and as `checked`.
    func requireWhole(
        _ path: String, format said: String? = nil, isNamedRaw: Bool = false
    ) throws(Failure) -> String {
        let format = DiskFormatName.detect(
            try ReadableFile(path).read(at: 0, count: DiskFormatName.probeLength))
        let isTaken = format == DiskFormatName.qcow2 || format == DiskFormatName.raw
        guard isTaken, said == nil || said == format else {
            throw Failure(
                .badImage,
                "\(path) is \(format), "
                    + (said.map { "not \($0)" }
                        ?? "and the library takes qcow2 and raw, VMDK, VDI, VHDX and VHD"),
                hint: isTaken
                    ? "leave format out to have it read from the file"
                    : "convert it first: qemu-img convert -O qcow2 \(path) \(path).qcow2", resource: path)
        }
        var header: QCOW2Header?
        let chain = try DiskImage.chain(path, format: format) { (_, _, found) throws(Failure) in
            header = header ?? found
        }
        if let base = chain.first?.backingFile {
            throw Failure(
                .badField, "\(path) is an overlay on \(base)",
                hint: "make one file of the two with: qemu-img convert -O qcow2", resource: path)
        }
        try header?.requireUsable(path)
        _ = try checked(path, isNamedRaw: isNamedRaw)
        return format
    }
}
