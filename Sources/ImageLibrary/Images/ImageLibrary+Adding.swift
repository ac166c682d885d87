import Basics
import DiskImages
import Glibc
import HostFiles
import Steps

/// An image that is to be in the library.
public struct ImageAddition: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        /// A file of this host, by its absolute path.
        case file(String)
        /// An address, `https://` or `http://`.
        case address(String)
    }

    public var name: String
    public var source: Source
    /// The checksum of the source's bytes as they are, or of what they unpack to.
    public var checksum: ImageChecksum?
    /// A list in which the source's checksum stands: an address, or the path of a file.
    public var checksums: String?
    /// What the image is said to be, `qcow2` or `raw`; `nil` lets it be told by the file.
    public var format: DiskFormat?

    public init(
        name: String, source: Source, checksum: ImageChecksum? = nil, checksums: String? = nil,
        format: DiskFormat? = nil
    ) {
        self.name = name
        self.source = source
        self.checksum = checksum
        self.checksums = checksums
        self.format = format
    }

    fileprivate var formatName: String? {
        format.map { $0 == .raw ? DiskFormatName.raw : DiskFormatName.qcow2 }
    }

    fileprivate var place: String {
        switch source {
        case .file(let path): path
        case .address(let url): shownAddress(url)
        }
    }
}

extension ImageLibrary {
    /// Puts an image into the library, from a file or an address: unpacked where it is compressed, converted where it is
    /// VMDK, VDI, VHDX or VHD. One that is there already and came of the same stays as it is.
    ///
    /// - Returns: its path.
    /// - Throws: `Failure` with code `image_exists` where the name has another, `bad_field` for a name or an address that
    ///   cannot be and for an overlay, `bad_image`, `bad_checksum`, `not_found`, `unreachable`, `io`, `program`, `host_not_able`
    ///   or `cancelled`.
    public func add(
        _ addition: ImageAddition, _ cancellation: Cancellation,
        progress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) throws(Failure) -> String {
        if let path = try present(addition, cancellation) { return path }
        // What cannot be is told before anything is fetched.
        _ = try place(ofAdded: addition)
        let (name, news) = (addition.name, ImageNews(name: addition.name, progress: progress))
        return try alone(name, cancellation, news) { () throws(Failure) in
            if let path = try present(addition, cancellation) { return path }
            let began = ContinuousClock.now
            let path =
                switch addition.source {
                case .file(let file): try copy(file, addition, cancellation, news)
                case .address(let url): try download(url, addition, cancellation, news)
                }
            if case .address = addition.source { news.tell(.finished(.image, began.duration(to: .now))) }
            return path
        }
    }

    /// The image that is there already where it came of the same.
    ///
    /// - Returns: its path; `nil` where nothing has the name.
    /// - Throws: `Failure` with code `image_exists` where another image has it, `bad_field` where none can.
    public func present(_ addition: ImageAddition, _ cancellation: Cancellation) throws(Failure) -> String? {
        guard let path = local(addition.name) else {
            try requireFree(addition.name)
            return nil
        }
        guard try isMade(path, of: addition, cancellation) else { throw taken(addition.name, path) }
        return path
    }

    private func isMade(
        _ path: String, of addition: ImageAddition, _ cancellation: Cancellation
    ) throws(Failure) -> Bool {
        let origin = ImageOrigins(state: state).origin(of: path)
        switch addition.source {
        case .file(let file):
            // What it is a copy of may have done its service.
            if !fileExists(file), origin?.source == file { return true }
            let digest = try FileDigest(of: file, cancellation)
            if let checksum = addition.checksum, !(try checksum.matches(file, cancellation)),
                !(try checksum.matches(path, cancellation))
            {
                return false
            }
            if origin?.checksum == "sha256:\(digest.value)" { return true }
            return try FileDigest(of: path, cancellation).value == digest.value
        case .address:
            if let checksum = addition.checksum {
                if origin?.checksum == checksum.text { return true }
                return try checksum.matches(path, cancellation)
            }
            return origin?.source == addition.place && origin?.checksums == addition.checksums
        }
    }

    /// The place where `add` would put an image, if it is in the format most are in where that is known only when it is here.
    ///
    /// - Throws: `Failure` where it would not take the file, or for what is no address.
    public func place(ofAdded addition: ImageAddition) throws(Failure) -> String {
        let (name, said) = (addition.name, addition.formatName)
        switch addition.source {
        case .file(let path):
            let file = try ReadableFile(path)
            switch try FileKind(of: file) {
            case .packed: return place(name, said ?? DiskFormatName.qcow2)
            case .image(let format) where Disk.convertible.contains(format):
                try FileKind.requireDisk(file)
                return place(name, DiskFormatName.qcow2)
            default:
                return place(
                    name, try requireWhole(path, format: said, isNamedRaw: isNamedRaw(said, file: path)))
            }
        case .address(let url):
            guard isAddress(url) else {
                throw Failure(
                    .badField, "url is \"\(url)\", not an address",
                    hint: "it begins with https:// or http://; a file is a path")
            }
            return place(name, said ?? DiskFormatName.qcow2)
        }
    }

    private func copy(
        _ path: String, _ addition: ImageAddition, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        let name = addition.name
        let checksum = try checksum(of: addition, file: lastComponent(path), cancellation, news)
        // Who may not read the file may not read the copy; QEMU's account must.
        let source = try ReadableFile(path)
        let origin = ImageOrigin(
            source: path, checksum: "sha256:\(try FileDigest(of: path, cancellation).value)")
        let isRaw = isNamedRaw(addition.formatName, file: path)
        let part = ImageFetch.part(of: name, in: state.cloudImages, "unpacked")
        let arrival = Arrival(path, unpackedTo: part, image: name, isNamedRaw: isRaw)
        do throws(Failure) {
            if try arrival.finish(source.length, cancellation) == nil,
                try converted(path, to: part, for: name, cancellation, news) == false
            {
                try copy(source, to: part, cancellation)
            }
            // Of what the file unpacks to, where it is not the file's own.
            if let checksum, !(try checksum.matches(path, cancellation)),
                !(try checksum.matches(part, cancellation))
            {
                throw Failure(.badChecksum, "\(path) is not what its checksum says", resource: path)
            }
        } catch {
            unlink(part)
            throw error.resource == part ? refused(error, name, origin) : error
        }
        return try take(
            part, as: name, origin, format: addition.formatName, isNamedRaw: isRaw, isPublic: source.isPublic,
            cancellation, news)
    }

    /// - Returns: whether the file was one to convert.
    private func converted(
        _ path: String, to part: String, for name: String, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> Bool {
        guard let target = try converted(path, for: name, cancellation, news) else { return false }
        try AtomicFile.rename(target, to: part, existing: .replace)
        return true
    }

    private func copy(
        _ source: borrowing ReadableFile, to part: String, _ cancellation: Cancellation
    ) throws(Failure) {
        let target = try SparseFile(part)
        var offset: UInt64 = 0
        while offset < source.length {
            try cancellation.check()
            let bytes = try source.read(at: offset, count: 1 << 20)
            if bytes.isEmpty { break }
            offset = try target.append(bytes)
        }
        try target.finish()
    }

    private func download(
        _ url: String, _ addition: ImageAddition, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> String {
        let checksum = try checksum(of: addition, file: addressFile(url), cancellation, news)
        let fetch = ImageFetch(
            name: addition.name, url: url, folder: state.cloudImages, cancellation: cancellation, news: news,
            format: addition.formatName)
        let origin = ImageOrigin(
            source: addition.place, checksum: checksum?.text, checksums: addition.checksums)
        return try take(fetch, checksum, origin)
    }

    /// The checksum that is given, or stands in the list that is.
    private func checksum(
        of addition: ImageAddition, file: String, _ cancellation: Cancellation, _ news: ImageNews
    ) throws(Failure) -> ImageChecksum? {
        guard let list = addition.checksums else { return addition.checksum }
        return try self.checksum(of: file, in: list, for: addition.name, cancellation, news)
    }

    /// Refuses an address where a name is wanted, and says what to do with one.
    ///
    /// - Throws: `Failure` with code `bad_field`.
    public static func requireNoAddress(_ name: String) throws(Failure) {
        guard let scheme = name.firstRange(of: "://"), !name[..<scheme.lowerBound].contains("/") else {
            return
        }
        let shown = shownAddress(name)
        throw Failure(
            .badField, "\(shown) is an address, not the name of an image",
            hint: isAddress(name)
                ? "limiq.image.add { name = \"NAME\", url = \"\(shown)\", checksum = … } brings it into the library, once; limiq.image \"NAME\" is then its path (limiq image add NAME \(shown) does the same)"
                : "images come from https:// and http:// addresses, and from files")
    }
}

/// An address without the name and the password in it.
func shownAddress(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let host = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = host.lastIndex(of: "@") else { return url }
    return String(url[..<scheme.upperBound]) + rest[rest.index(after: at)...]
}
