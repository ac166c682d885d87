import Basics
import DiskImages
import Glibc
import HostFiles

/// An ISO image its publisher offers without a list of checksums: limiq says how to get it, and does not download what
/// it cannot check.
public struct CatalogueISO: Sendable, Equatable {
    public var name: String
    public var url: String
    /// Whether the address is a page, with a form or a choice of languages before the file.
    public var isPage: Bool

    public init(name: String, url: String, isPage: Bool = false) {
        self.name = name
        self.url = url
        self.isPage = isPage
    }
}

/// The ISO images limiq knows by name: the official addresses of their publishers. Windows' are evaluation copies.
public let isoCatalogue =
    [
        CatalogueISO(
            name: "virtio-win",
            url:
                "https://fedorapeople.org/groups/virt/virtio-win/direct-downloads/stable-virtio/virtio-win.iso"
        )
    ]
    + [
        ("windows-10", "windows-10-enterprise"), ("windows-11", "windows-11-enterprise"),
        ("windows-server-2019", "windows-server-2019"), ("windows-server-2022", "windows-server-2022"),
        ("windows-server-2025", "windows-server-2025"),
    ].map { name, page in
        CatalogueISO(
            name: name, url: "https://www.microsoft.com/evalcenter/download-\(page)", isPage: true)
    }

/// The ISO images a user put into `isos/` of a state folder: `NAME.iso`.
public struct ISOLibrary: Sendable {
    public struct Entry: Sendable, Equatable {
        public var name: String
        /// The path of the file; `nil` for one the catalogue knows that is not here.
        public var path: String?
        /// The size of the file, in bytes; `nil` where it is not here.
        public var size: UInt64?
    }

    private static let ending = ".iso"

    private let state: StateFolder
    private let catalogue: [CatalogueISO]

    public init(state: StateFolder, catalogue: [CatalogueISO] = isoCatalogue) {
        self.state = state
        self.catalogue = catalogue
    }

    /// The path of an ISO image on this host, as absolute as what it is asked for.
    ///
    /// - Parameter name: in the library, or the path of a file: what has a slash.
    /// - Throws: `Failure` with code `not_found`, `bad_field` for what is no file, or `bad_image`.
    public func resolve(_ name: String) throws(Failure) -> String {
        if name.utf8.contains(UInt8(ascii: "/")) { return try checked(name) }
        guard isImageName(name), fileExists(path(name)) else { throw missing(name) }
        return try checked(path(name))
    }

    /// Every ISO image here and every one the catalogue knows, by name.
    ///
    /// - Throws: `Failure` with code `io` where the folder cannot be listed.
    public func list() throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        for file in fileExists(state.isos) ? try filesBelow(state.isos) : []
        where file.hasSuffix(Self.ending) && isImageName(file) {
            let path = "\(state.isos)/\(file)"
            entries.append(
                Entry(
                    name: String(file.dropLast(Self.ending.count)), path: path,
                    size: (try? ReadableFile(path))?.length))
        }
        for iso in catalogue where !entries.contains(where: { $0.name == iso.name }) {
            entries.append(Entry(name: iso.name))
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// The failure of a name that is not here: the folder, the nearest name, and how to get it.
    func missing(_ name: String) -> Failure {
        let known = ((try? list()) ?? []).map(\.name)
        let hint: String
        if let iso = catalogue.first(where: { $0.name == name }) {
            hint = howToGet(iso)
        } else if let nearest = nearestName(to: name, in: known) {
            hint = "did you mean \(nearest)?"
        } else {
            hint =
                "put it there as \(isImageName(name) ? name : "NAME").iso, or take one of \(known.joined(separator: ", "))"
        }
        return Failure(
            .notFound, "there is no ISO image \(name.isEmpty ? "\"\"" : name) in \(state.isos)", hint: hint,
            resource: name.isEmpty ? nil : name)
    }

    /// The words that say how to get an image. For a file they are a shell's command: it has its name only once it is
    /// whole, and one that broke off is continued.
    private func howToGet(_ iso: CatalogueISO) -> String {
        let folder = shellWord(state.isos)
        let file = shellWord(path(iso.name))
        if iso.isPage { return "get it from \(iso.url) and put it there as \(iso.name).iso" }
        let part = shellWord(path(iso.name) + ".part")
        return
            "download it with: mkdir -p \(folder) && curl --fail --location --continue-at - --output \(part)"
            + " \(shellWord(iso.url)) && mv \(part) \(file)"
    }

    private func path(_ name: String) -> String { "\(state.isos)/\(name)\(Self.ending)" }

    private func checked(_ path: String) throws(Failure) -> String {
        try FileKind.requireMedium(path)
        return path
    }
}

/// The word as a POSIX shell reads it.
private func shellWord(_ text: String) -> String {
    let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:"
    if text.unicodeScalars.allSatisfy(plain.unicodeScalars.contains) { return text }
    return "'" + text.replacing("'", with: "'\\''") + "'"
}
