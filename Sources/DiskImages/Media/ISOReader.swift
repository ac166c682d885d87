import Basics
import HostFiles

/// Reads ISO 9660 images: Rock Ridge names where there are some, else Joliet's, else ISO 9660's own.
///
/// An image is a stranger's: loops, places outside the file and sizes beyond reason are failures, and the work is
/// bounded.
public struct ISOReader: ~Copyable {
    public enum Kind: String, Sendable { case file, folder, link, other }

    public struct Entry: Sendable, Equatable {
        /// The path from the root, its folders divided by `/`. It is bytes, as an image may use any encoding.
        public let path: [UInt8]
        public let kind: Kind
        /// The size in bytes; 0 for what is no file.
        public let size: UInt64
        /// The permission bits, where the image says them.
        public let mode: UInt16?

        let extents: [Extent]
        let isCompressed: Bool
    }

    struct Extent: Equatable {
        let sector: UInt64
        let length: UInt64
    }

    enum Flavour {
        case rockRidge(skip: Int)
        case joliet, plain
    }

    let file: ReadableFile
    private let root: Extent
    let flavour: Flavour
    public let label: String

    /// The most a walk reads of folders and keeps of what is in them, in bytes; a real image stays far below.
    static let budget = 64 << 20
    /// The bytes that are kept of a file beside its name.
    private static let entrySize = 128
    /// The levels of folders, the root among them, that a walk goes down.
    static let deepest = 256
    /// The largest file read into memory, in bytes.
    static let largestRead = UInt64(ReadLimit.bytes)

    /// Opens an image.
    ///
    /// - Throws: `Failure` with code `not_found`, `io`, `bad_field` for what is no file, `bad_image` for no ISO 9660.
    public init(_ path: String) throws(Failure) {
        let file = try ReadableFile(path)
        var primary: [UInt8]?
        var joliet: [UInt8]?
        for sector in 16..<16 + 64 {
            let descriptor = try file.read(at: UInt64(sector) * 2048, count: 2048)
            guard descriptor.count == 2048, descriptor[1...5].elementsEqual("CD001".utf8) else { break }
            if descriptor[0] == 255 { break }
            if descriptor[0] == 1, primary == nil { primary = descriptor }
            // UCS-2 at level 1, 2 or 3.
            if descriptor[0] == 2, descriptor[88] == 0x25, descriptor[89] == 0x2F,
                [0x40, 0x43, 0x45].contains(descriptor[90])
            {
                joliet = descriptor
            }
        }
        guard let primary else {
            throw Failure(
                .badImage, "\(path) is no ISO 9660 image", hint: "images with UDF alone are not read either",
                resource: path)
        }
        guard primary.little32(128) & 0xFFFF == 2048 else {
            throw Failure(.badImage, "\(path) has blocks of another size than 2048 bytes", resource: path)
        }
        let plainRoot = Extent(
            sector: UInt64(primary.little32(158)), length: UInt64(primary.little32(166)))
        let record = try file.read(at: plainRoot.sector * 2048, count: 2048)
        if let skip = try ISOSystemUse.sharedSkip(inRoot: record, file) {
            flavour = .rockRidge(skip: skip)
            root = plainRoot
            label = Self.text(primary[40..<72], wide: false)
        } else if let joliet {
            flavour = .joliet
            root = Extent(sector: UInt64(joliet.little32(158)), length: UInt64(joliet.little32(166)))
            label = Self.text(joliet[40..<72], wide: true)
        } else {
            flavour = .plain
            root = plainRoot
            label = Self.text(primary[40..<72], wide: false)
        }
        self.file = file
    }

    /// Everything in the image, each folder before what it holds, in the image's order.
    ///
    /// - Throws: `Failure` with code `bad_image` for a damaged one.
    public func entries() throws(Failure) -> [Entry] {
        struct Pending {
            let extent: Extent
            let path: [UInt8]
            let depth: Int
        }
        var result: [Entry] = []
        var seen: Set<UInt64> = []
        var spent = 0
        var pending = [Pending(extent: root, path: [], depth: 0)]
        while let folder = pending.popLast() {
            guard seen.insert(folder.extent.sector).inserted else {
                throw damaged("a folder is inside itself")
            }
            guard folder.depth < Self.deepest else { throw damaged("its folders are too deep") }
            var inside: [Pending] = []
            for record in try records(folder.extent, &spent) {
                let path = folder.path.isEmpty ? record.name : folder.path + [UInt8(ascii: "/")] + record.name
                try spend(path.count + Self.entrySize, of: &spent)
                result.append(
                    Entry(
                        path: path, kind: record.kind,
                        size: record.kind == .file ? record.extents.reduce(0) { $0 + $1.length } : 0,
                        mode: record.mode, extents: record.extents, isCompressed: record.isCompressed))
                if record.kind == .folder, let extent = record.extents.first {
                    inside.append(Pending(extent: extent, path: path, depth: folder.depth + 1))
                }
            }
            pending += inside.reversed()
        }
        return result
    }

    /// The contents of a file.
    ///
    /// - Parameter name: as `entries` gives it: `scripts/setup.sh`.
    /// - Throws: `Failure` with code `not_found`, `bad_field` for what is no file, `bad_image`.
    public func read(_ name: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        let all = try entries()
        guard let entry = all.first(where: { $0.path.elementsEqual(name) }) else {
            let text = String(decoding: name, as: UTF8.self)
            let nearest = nearestName(to: text, in: all.lazy.map { String(decoding: $0.path, as: UTF8.self) })
            throw Failure(
                .notFound, "\(file.path) has no file \"\(text)\"",
                hint: nearest.map { "did you mean \"\($0)\"?" },
                resource: file.path)
        }
        return try read(entry)
    }

    public func read(_ entry: Entry) throws(Failure) -> [UInt8] {
        let name = String(decoding: entry.path, as: UTF8.self)
        guard entry.kind == .file else {
            throw Failure(
                .badField, "\"\(name)\" in \(file.path) is a \(entry.kind.rawValue), not a file",
                resource: file.path)
        }
        guard !entry.isCompressed else {
            throw Failure(
                .badImage, "\"\(name)\" in \(file.path) is compressed, which limiq does not read",
                resource: file.path)
        }
        for extent in entry.extents where extent.length > 0 {
            let start = extent.sector * 2048
            guard start <= file.length, extent.length <= file.length - start else {
                throw damaged("\"\(name)\" lies beyond its end")
            }
        }
        guard entry.size <= Self.largestRead else {
            throw Failure(
                .badField,
                "\"\(name)\" in \(file.path) is \(ByteSize(bytes: entry.size)), more than fits in memory",
                hint: "mount the image, or read it with bsdtar", resource: file.path)
        }
        var bytes: [UInt8] = []
        for extent in entry.extents {
            bytes += try file.read(at: extent.sector * 2048, count: Int(extent.length))
        }
        return bytes
    }

    /// - Throws: `Failure` with code `bad_image` where a walk has read too much.
    func spend(_ bytes: Int, of spent: inout Int) throws(Failure) {
        spent += bytes
        guard spent <= Self.budget else { throw damaged("its folders are too large") }
    }

    func damaged(_ why: String) -> Failure {
        Failure(.badImage, "\(file.path) is damaged: \(why)", hint: "fetch it again", resource: file.path)
    }

    private static func text(_ bytes: ArraySlice<UInt8>, wide: Bool) -> String {
        let text = wide ? wideText(bytes) : String(decoding: bytes, as: UTF8.self)
        return String(text.prefix { $0 != "\0" }.reversed().drop { $0 == " " }.reversed())
    }

    /// The text of UTF-16, big-endian.
    static func wideText(_ bytes: ArraySlice<UInt8>) -> String {
        let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
        return String(decoding: units, as: UTF16.self)
    }
}
