import Basics
import HostFiles

extension ISOReader {
    /// A directory record, with what Rock Ridge adds to it.
    struct DirectoryRecord {
        var name: [UInt8]
        var kind: Kind
        var mode: UInt16?
        var extents: [Extent]
        var isCompressed = false
    }

    /// The records of a folder, without itself and its parent.
    ///
    /// - Parameter spent: the bytes the walk has read so far.
    func records(_ folder: Extent, _ spent: inout Int) throws(Failure) -> [DirectoryRecord] {
        let start = folder.sector * 2048
        try spend(Int(folder.length), of: &spent)
        guard start <= file.length, folder.length <= file.length - start else {
            throw damaged("a folder lies beyond its end")
        }
        let bytes = try file.read(at: start, count: Int(folder.length))
        var result: [DirectoryRecord] = []
        var goesOn = false
        var at = 0
        while at < bytes.count {
            let length = Int(bytes[at])
            if length == 0 {
                // Records do not cross sectors: the rest of this one is empty.
                at = (at / 2048 + 1) * 2048
                continue
            }
            guard length >= 34, at + length <= bytes.count, 33 + Int(bytes[at + 32]) <= length else {
                throw damaged("a folder's records make no sense")
            }
            let record = Array(bytes[at..<at + length])
            at += length
            if record[32] == 1, record[33] <= 1 { continue }
            let flags = record[25]
            if flags & 4 != 0 { continue }
            guard let found = try interpreted(record, &spent) else { continue }
            if goesOn, let last = result.indices.last, result[last].kind == .file {
                // One more piece of a file of several extents.
                result[last].extents += found.extents
            } else {
                try requirePlain(found.name)
                result.append(found)
            }
            goesOn = flags & 0x80 != 0
        }
        return result
    }

    /// Reads a directory record; `nil` for a folder that is shown elsewhere.
    private func interpreted(_ record: [UInt8], _ spent: inout Int) throws(Failure) -> DirectoryRecord? {
        let identifier = record[33..<33 + Int(record[32])]
        let isFolder = record[25] & 2 != 0
        var found = DirectoryRecord(
            name: [], kind: isFolder ? .folder : .file, mode: nil,
            extents: [
                Extent(
                    sector: UInt64(record.little32(2)) + UInt64(record[1]),
                    length: UInt64(record.little32(10)))
            ])
        guard record[26] == 0 else { throw damaged("it has interleaved files") }
        switch flavour {
        case .joliet:
            found.name = Array(Self.wideText(identifier).utf8)
            found.name = Self.withoutVersion(found.name)
        case .plain:
            found.name = Self.withoutVersion(Array(identifier))
        case .rockRidge(let skip):
            let use = try ISOSystemUse(record, skip: skip, file)
            try spend(use.continued, of: &spent)
            if use.isRelocated { return nil }
            found.name = use.name ?? Self.withoutVersion(Array(identifier))
            found.isCompressed = use.isCompressed
            if let mode = use.mode {
                found.mode = mode & 0o7777
                if !isFolder { found.kind = Self.kind(mode) }
            }
            if let sector = use.childLink { found = try relocated(found, to: sector) }
        }
        return found
    }

    /// Finds a folder that lies elsewhere, as it is too deep for ISO 9660; its own first record says its size.
    private func relocated(_ record: DirectoryRecord, to sector: UInt64) throws(Failure) -> DirectoryRecord {
        let own = try file.read(at: sector * 2048, count: 34)
        guard own.count == 34, own[33] == 0 else { throw damaged("a moved folder is not where it should be") }
        var record = record
        record.kind = .folder
        record.extents = [Extent(sector: sector, length: UInt64(own.little32(10)))]
        return record
    }

    private static func kind(_ mode: UInt16) -> Kind {
        switch mode & 0o170000 {
        case 0o100000, 0: .file
        case 0o040000: .folder
        case 0o120000: .link
        default: .other
        }
    }

    /// The name without its version: `README.;1` is README.
    private static func withoutVersion(_ name: [UInt8]) -> [UInt8] {
        var name = name
        if let semicolon = name.lastIndex(of: UInt8(ascii: ";")), semicolon > 0,
            name[(semicolon + 1)...].allSatisfy({ (0x30...0x39).contains($0) })
        {
            name.removeSubrange(semicolon...)
        }
        if name.count > 1, name.last == UInt8(ascii: ".") { name.removeLast() }
        return name
    }

    /// Refuses a name that leads out of its folder: it is a trap for whoever unpacks the image.
    private func requirePlain(_ name: [UInt8]) throws(Failure) {
        guard !name.isEmpty, !name.contains(0), !name.contains(UInt8(ascii: "/")),
            !name.elementsEqual(".".utf8),
            !name.elementsEqual("..".utf8)
        else {
            throw damaged(
                "a name in it is \"\(String(decoding: name, as: UTF8.self).replacing("\0", with: "\\0"))\"")
        }
    }
}

/// The system use fields of a directory record: SUSP and RRIP 1.09.
struct ISOSystemUse {
    private(set) var name: [UInt8]?
    private(set) var mode: UInt16?
    /// The sector where a folder lies that stands here.
    private(set) var childLink: UInt64?
    /// Whether the folder is shown where its child link is.
    private(set) var isRelocated = false
    /// Whether the file is compressed by zisofs.
    private(set) var isCompressed = false
    private var isRockRidge = false
    /// The number of bytes that were read of other places.
    private(set) var continued = 0

    /// - Parameter skip: bytes at the beginning of each area that are not ours, as the root's SP field says.
    init(_ record: [UInt8], skip: Int, _ file: borrowing ReadableFile) throws(Failure) {
        let identifier = Int(record[32])
        let start = 33 + identifier + (identifier % 2 == 0 ? 1 : 0) + skip
        var area = start < record.count ? Array(record[start...]) : []
        // A chain of continuations that never ends is cut off.
        for _ in 0..<32 {
            guard let next = take(area) else { return }
            area = try file.read(at: next.offset, count: next.length)
            continued += area.count
        }
        throw Failure(.badImage, "\(file.path) is damaged: a record has no end", resource: file.path)
    }

    /// The number of bytes at the beginning of each area that are not ours, from the root's first record; `nil` where
    /// the image does not use Rock Ridge.
    static func sharedSkip(inRoot root: [UInt8], _ file: borrowing ReadableFile) throws(Failure) -> Int? {
        // The root's own record has a one-byte identifier: its fields begin at 34. CD-ROM XA puts 14 bytes before.
        for start in [34, 48]
        where root.count >= start + 7 && Int(root[0]) >= start + 7
            && root[start...start + 1].elementsEqual("SP".utf8)
            && root[start + 4] == 0xBE && root[start + 5] == 0xEF
        {
            let record = Array(root.prefix(Int(root[0])))
            let use = try ISOSystemUse(record, skip: start - 34, file)
            return use.isRockRidge ? Int(root[start + 6]) : nil
        }
        return nil
    }

    /// Takes the fields of one area; returns where they go on.
    private mutating func take(_ area: [UInt8]) -> (offset: UInt64, length: Int)? {
        var next: (UInt64, Int)?
        var at = 0
        while at + 4 <= area.count {
            let length = Int(area[at + 2])
            guard length >= 4, at + length <= area.count else { break }
            let field = Array(area[at..<at + length])
            at += length
            switch (field[0], field[1]) {
            case (0x43, 0x45) where length >= 28:  // CE
                next = (
                    UInt64(field.little32(4)) * 2048 + UInt64(field.little32(12)),
                    min(Int(field.little32(20)), 65536)
                )
            case (0x53, 0x54): return next  // ST
            case (0x45, 0x52), (0x52, 0x52): isRockRidge = true  // ER, RR
            case (0x50, 0x58) where length >= 12:  // PX
                isRockRidge = true
                mode = UInt16(truncatingIfNeeded: field.little32(4))
            case (0x4E, 0x4D) where length >= 5 && field[4] & 6 == 0: name = (name ?? []) + field[5...]  // NM
            case (0x43, 0x4C) where length >= 12: childLink = UInt64(field.little32(4))  // CL
            case (0x52, 0x45): isRelocated = true  // RE
            case (0x5A, 0x46): isCompressed = true  // ZF
            default: break
            }
        }
        return next
    }
}
