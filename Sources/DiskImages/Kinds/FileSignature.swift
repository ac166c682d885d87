/// The first bytes of files that are taken for images by mistake: archives, documents, programs.
///
/// Sources: the `magic` files of file(1), and the formats' own specifications.
enum FileSignature {
    static func find(in head: [UInt8]) -> FileKind? {
        for (what, offset, mark) in archives
        where head.count >= offset + mark.count && head[offset..<offset + mark.count].elementsEqual(mark) {
            return .other(what: "\(what), not an image", hint: "take the image out of it first")
        }
        for (what, mark) in others where head.starts(with: mark) {
            return .other(what: "\(what), not an image", hint: "look what was downloaded or copied")
        }
        return nil
    }

    private static let archives: [(what: String, offset: Int, mark: [UInt8])] = [
        ("a zip archive", 0, [0x50, 0x4B, 0x03, 0x04]),
        ("a zip archive", 0, [0x50, 0x4B, 0x05, 0x06]),
        ("a 7z archive", 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        ("a RAR archive", 0, Array("Rar!\u{1A}\u{7}".utf8)),
        // An OVA is one as well.
        ("a tar archive", 257, Array("ustar".utf8)),
        ("a cpio archive", 0, Array("070701".utf8)),
        ("a cpio archive", 0, Array("070702".utf8)),
        ("a cpio archive", 0, Array("070707".utf8)),
        ("an ar archive", 0, Array("!<arch>\n".utf8)),
        ("an RPM package", 0, [0xED, 0xAB, 0xEE, 0xDB]),
        ("a xar archive", 0, Array("xar!".utf8)),
        ("a cabinet", 0, Array("MSCF".utf8)),
        ("a Windows image (WIM)", 0, Array("MSWIM\0\0\0".utf8)),
        ("compressed by lz4", 0, [0x04, 0x22, 0x4D, 0x18]),
        ("compressed by lzip", 0, Array("LZIP".utf8)),
        ("compressed by lzop", 0, [0x89, 0x4C, 0x5A, 0x4F, 0x00, 0x0D, 0x0A, 0x1A, 0x0A]),
        ("compressed by compress", 0, [0x1F, 0x9D]),
        // lzma(1) has no magic: its usual properties, a dictionary of 8 MiB, and a size that is not known.
        (
            "compressed by lzma", 0,
            [0x5D, 0x00, 0x00, 0x80, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        ),
    ]

    private static let others: [(what: String, mark: [UInt8])] = [
        ("a program", [0x7F] + Array("ELF".utf8)),
        ("a PDF document", Array("%PDF-".utf8)),
        ("a PNG picture", [0x89] + Array("PNG\r\n".utf8)),
        ("a JPEG picture", [0xFF, 0xD8, 0xFF]),
        ("a GIF picture", Array("GIF8".utf8)),
        ("an SQLite database", Array("SQLite format 3\0".utf8)),
        ("an OpenPGP signature", [0x89, 0x02, 0x33, 0x04]),
    ]
}

/// A file that is a text: what a server answers in the place of an image, or what stands for it in a repository.
package struct TextFile {
    /// The text's beginning.
    private let text: Substring

    /// - Parameter head: the first bytes of the file.
    /// - Returns: `nil` for what is no text.
    package init?(_ head: [UInt8]) {
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            text = ""
            return
        }
        // Control characters but for tabulators, ends of lines and pages, and ESC: no raw disk of a guest is without.
        guard head.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) || $0 == 0x1B }) else {
            return nil
        }
        // Of a text in an older encoding most is ASCII still; one in UTF-8 may be cut within a character.
        let whole = head.dropLast(head.count < FileKind.headLength ? 0 : 3)
        guard
            head.count(where: { $0 >= 0x80 }) * 4 <= head.count
                || String(validating: whole, as: UTF8.self) != nil
        else { return nil }
        let isByteOrderMark = head.starts(with: [0xEF, 0xBB, 0xBF])
        text = String(decoding: head.dropFirst(isByteOrderMark ? 3 : 0), as: UTF8.self)[...]
            .drop(while: \.isWhitespace)
    }

    /// Whether it is the beginning of an HTML page, as a network's login page or a server's error is.
    package var isWebPage: Bool {
        var rest = text
        // A comment or XML's own line may stand before.
        while let end = rest.hasPrefix("<!--") ? "-->" : rest.hasPrefix("<?") ? "?>" : nil,
            let comment = rest.firstRange(of: end)
        {
            rest = rest[comment.upperBound...].drop(while: \.isWhitespace)
        }
        let start = rest.prefix(16).lowercased()
        return ["<!doctype html", "<html", "<head", "<body", "<script", "<meta"].contains(
            where: start.hasPrefix)
    }

    var kind: FileKind {
        // https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md, "The Pointer"
        if text.hasPrefix("version https://git-lfs.github.com/spec/")
            || text.hasPrefix("version https://hawser.github.com/spec/")
        {
            return .other(
                what: "a git-LFS pointer, not the image itself",
                hint: "git lfs pull in its repository brings the image")
        }
        if text.hasPrefix("/annex/objects/") || text.hasPrefix("../.git/annex/") {
            return .other(
                what: "a git-annex pointer, not the image itself",
                hint: "git annex get in its repository brings the image")
        }
        if isWebPage {
            return .other(what: "a web page, not an image", hint: "download it again")
        }
        // Without what it says: it may be a secret of whoever has given the wrong path.
        return .other(
            what: "a text, not an image",
            hint: "look whether the address or the path is the image's own")
    }
}
