import Basics
import DiskImages
import HostFiles

/// The image a publisher offers now, by its list of checksums.
struct PublishedImage: Sendable, Equatable {
    var url: String
    var checksum: ImageChecksum
    /// An address at which this very image stays, as far as its name tells: one with a date in the place of `latest`.
    /// `nil` where the list has none.
    var lastingURL: String?
}

/// A publisher's list of checksums: what the files beside it hash to.
///
/// A line has one of two forms, by coreutils' sha256sum(1): `DIGEST  FILE` (`DIGEST *FILE` for one read as binary) and, with
/// `--tag`, `SHA256 (FILE) = DIGEST`, which OpenSSL writes as `SHA256(FILE)= DIGEST`. A file may have its folder before its
/// name. Signatures and other lines around them are passed over; a comment `# SHA512 HASH` says which digest follows.
struct ChecksumList {
    private struct Line {
        var file: String
        var checksum: ImageChecksum
    }

    private let text: String
    /// The address it was fetched from.
    private let address: String

    init(_ text: String, from address: String) {
        // The byte order mark that some editors put first.
        self.text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        self.address = address
    }

    /// The image of the catalogue that the list tells of; `nil` where it has none.
    func published(_ image: CatalogueImage) -> PublishedImage? {
        switch image.form {
        case .coreos: return coreos(image)
        case .oracle: return oracle(image)
        case .digest:
            let words = text.split(whereSeparator: \.isWhitespace)
            guard let url = image.url, words.count == 1,
                let sum = words.first.flatMap({ ImageChecksum(image.digest, $0) })
            else { return nil }
            return PublishedImage(url: url, checksum: sum)
        case .list:
            guard let url = image.url else { return nil }
            let (folder, lines) = (folder(of: url), lines(image.digest))
            for (name, packing) in listedNames(lastComponent(url)) {
                guard let line = newest(name, lines) else { continue }
                return PublishedImage(
                    url: folder + line.file + packing, checksum: line.checksum,
                    lastingURL: lasting(line, lines).map { folder + $0 + packing })
            }
            return nil
        }
    }

    /// The checksum of a file, by the longest digest that the list has; `nil` where it has none.
    func checksum(of file: String) -> ImageChecksum? {
        for digest in [ImageDigest.sha512, .sha256] {
            let lines = lines(digest)
            for (name, _) in listedNames(file) {
                if let line = line(of: name, lines) { return line.checksum }
            }
        }
        return nil
    }

    /// The checksum of a list of one line; `nil` for any other.
    var only: ImageChecksum? {
        let found = ImageDigest.allCases.flatMap(lines)
        return found.count == 1 ? found.first?.checksum : nil
    }

    /// The names under which a list may have a file: its own, and, as some list what is in the compressed file, that
    /// without the ending of a compression, which is given beside it.
    private func listedNames(_ file: String) -> [(name: String, packing: String)] {
        let ending = Packing.allCases.map(\.ending).first(where: file.hasSuffix)
        return [(file, "")] + (ending.map { [(String(file.dropLast($0.count)), $0)] } ?? [])
    }

    // MARK: - Lines

    private func lines(_ digest: ImageDigest) -> [Line] {
        var section: Substring.UTF8View?
        return text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }).compactMap { bytes in
            let words = bytes.split(whereSeparator: { $0 == 32 || $0 == 9 })
            if words.count == 3, words[0].elementsEqual("#".utf8), words[2].elementsEqual("HASH".utf8) {
                section = words[1]
            }
            if let tagged = tagged(bytes, digest) { return tagged }
            guard words.count == 2, section.map({ isName($0, of: digest) }) ?? true,
                let sum = ImageChecksum(digest, String(Substring(words[0])))
            else { return nil }
            // How it was read.
            let file = words[1].first == UInt8(ascii: "*") ? words[1].dropFirst() : words[1]
            return Line(file: String(Substring(file)), checksum: sum)
        }
    }

    /// `SHA256 (FILE) = DIGEST`, with or without its spaces.
    private func tagged(_ line: Substring.UTF8View, _ digest: ImageDigest) -> Line? {
        guard let open = line.firstIndex(of: UInt8(ascii: "(")),
            let close = line.lastIndex(of: UInt8(ascii: ")")), open < close,
            let equals = line[close...].firstIndex(of: UInt8(ascii: "=")),
            line[line.index(after: close)..<equals].allSatisfy({ $0 == 32 }),
            isName(trimmed(line[..<open]), of: digest),
            let sum = ImageChecksum(
                digest, String(Substring(trimmed(line[line.index(after: equals)...]))))
        else { return nil }
        return Line(file: String(Substring(line[line.index(after: open)..<close])), checksum: sum)
    }

    /// Whether a word is a digest's name: `SHA256`, OpenSSL's `SHA2-256`.
    private func isName(_ word: Substring.UTF8View, of digest: ImageDigest) -> Bool {
        let name = String(Substring(word)).lowercased()
        return name == digest.rawValue || name == digest.rawValue.replacing("sha", with: "sha2-")
    }

    private func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        let start = text.drop(while: { $0 == 32 || $0 == 9 })
        guard let last = start.lastIndex(where: { $0 != 32 && $0 != 9 }) else { return start.prefix(0) }
        return start[...last]
    }

    /// The line of a file. A name with its folder counts where no line has it bare, and where all that do agree.
    private func line(of name: String, _ lines: [Line]) -> Line? {
        if let exact = lines.first(where: { $0.file.utf8.elementsEqual(name.utf8) }) { return exact }
        let found = bare(lines).filter { $0.file.utf8.elementsEqual(name.utf8) }
        return found.allSatisfy { $0.checksum == found.first?.checksum } ? found.first : nil
    }

    /// The lines with their files' names alone.
    private func bare(_ lines: [Line]) -> [Line] {
        lines.map { Line(file: lastComponent($0.file), checksum: $0.checksum) }
    }

    /// The line of a file; where its name has a `*`, that of the newest version that is like it.
    private func newest(_ name: String, _ lines: [Line]) -> Line? {
        let parts = name.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return line(of: name, lines) }
        let (start, end) = (parts[0].utf8, parts[1].utf8)
        return bare(lines).filter { line in
            let file = line.file.utf8
            return file.count >= start.count + end.count && file.starts(with: start)
                && file.suffix(end.count).elementsEqual(end)
        }.max { comesBefore($0.file, $1.file) }
    }

    /// The name of the same bytes that another version will not take.
    private func lasting(_ line: Line, _ lines: [Line]) -> String? {
        guard line.file.contains("latest") else { return nil }
        return lines.first {
            $0.checksum == line.checksum && !$0.file.contains("latest") && !$0.file.contains("/")
        }?
        .file
    }

    // MARK: - Documents

    private func document() -> Value? { try? JSONReader.read(text, source: address) }

    private func coreos(_ image: CatalogueImage) -> PublishedImage? {
        let formats = document()?["architectures"]?[image.architecture]?["artifacts"]?["qemu"]?["formats"]
        for format in ["qcow2.xz", "qcow2.gz", "qcow2"] {
            guard let disk = formats?[format]?["disk"], let url = disk["location"]?.string else { continue }
            return published(url, disk["sha256"]?.string)
        }
        return nil
    }

    private func oracle(_ image: CatalogueImage) -> PublishedImage? {
        let document = document()
        let template = document?["kvm"]
        guard let folder = document?["base_url"]?.string, folder.hasPrefix("/"),
            let file = template?["image"]?.string, !file.contains("/")
        else { return nil }
        // The host of the document is that of the image.
        let host = address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
        return published("\(host.joined(separator: "/"))\(folder)/\(file)", template?["sha256"]?.string)
    }

    private func published(_ url: String, _ sum: String?) -> PublishedImage? {
        guard isAddress(url), let sum = sum.flatMap({ ImageChecksum(.sha256, $0) }) else { return nil }
        return PublishedImage(url: url, checksum: sum, lastingURL: url)
    }
}
