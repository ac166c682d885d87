import Basics
import DiskImages
import Glibc
import HostFiles
import Steps

/// Downloads an image beside its place in the library, unpacks it meanwhile where it is compressed, and checks it.
///
/// What came of an interrupted download is kept as `.NAME.CHECKSUM.part`: the name holds the checksum, so that the half
/// of an image that has been replaced since is never continued with the other.
struct ImageFetch {
    let name: String
    let url: String
    /// The folder of the library, `cloud-images/`.
    let folder: String
    let cancellation: Cancellation
    let news: ImageNews
    /// What is said of the image's format; `nil` where nothing is.
    var format: String?

    private var curl: Curl { Curl(subject: name, cancellation: cancellation) }

    /// Downloads the image.
    ///
    /// - Parameter checksum: of the bytes as they are published, or of what they unpack to; `nil` takes what comes, from the
    ///   start.
    /// - Returns: the path of the unpacked file under its temporary name.
    /// - Throws: `Failure` with code `bad_checksum`, `bad_image` for what is no image, `not_found`, `io`, `program`,
    ///   `host_not_able` or `cancelled`. What came stays for the next try, but for a file with the wrong checksum or with none
    ///   to know it by, and for what is no image.
    func run(_ checksum: ImageChecksum?) throws(Failure) -> String {
        let path = Self.part(of: name, in: folder, checksum.map { String($0.value.prefix(16)) } ?? "any")
        let arrival = Arrival(
            path, unpackedTo: Self.part(of: name, in: folder, "unpacked"), image: name,
            isNamedRaw: isNamedRaw(format, file: addressFile(url)))
        do throws(Failure) {
            let wasWhole = try news.telling(.download) { () throws(Failure) in
                try download(to: path, checksum, arrival)
            }
            let unpacked = unpacked(path, arrival)
            if let refusal = arrival.refusal { throw refusal }
            if let checksum, !wasWhole { try verify(path, unpacked, checksum) }
            guard let unpacked = try unpacked.get() else { return path }
            unlink(path)
            return unpacked
        } catch {
            arrival.restart()
            if error.code == .badImage || checksum == nil { unlink(path) }
            throw error
        }
    }

    /// What the download unpacks to: `nil` for one that is not compressed.
    private func unpacked(_ path: String, _ arrival: Arrival) -> Result<String?, Failure> {
        do throws(Failure) {
            return .success(try arrival.finish(try ReadableFile(path).length, cancellation))
        } catch { return .failure(error) }
    }

    private func verify(
        _ path: String, _ unpacked: Result<String?, Failure>, _ checksum: ImageChecksum
    ) throws(Failure) {
        try news.telling(.verify) { () throws(Failure) in
            if try checksum.matches(path, cancellation) { return }
            if case .success(let unpacked?) = unpacked {
                if try checksum.matches(unpacked, cancellation) { return }
                unlink(unpacked)
            }
            unlink(path)
            throw Failure(
                .badChecksum,
                "the download of \(name) is not what its publisher's checksum says, and was thrown away",
                hint: "try again: a proxy may have kept an older file", resource: name)
        }
    }

    /// - Returns: the file was there, whole and of this checksum.
    private func download(
        to path: String, _ checksum: ImageChecksum?, _ arrival: Arrival
    ) throws(Failure) -> Bool {
        removeOthers(than: path)
        let total = try curl.length(url)
        let part = try PartialFile(path, of: name, total: total, news)
        defer { part.close() }
        do throws(Failure) {
            if let checksum, part.length > 0, part.length == total,
                try checksum.matches(path, cancellation)
            {
                return true
            }
            // Without a checksum nobody knows what it is a part of.
            if checksum == nil || part.length >= total ?? .max { try part.empty() }
            if part.length > 0 { try arrival.grown(to: part.length) }
            try download(to: part, arrival, continuing: checksum != nil)
        } catch {
            if checksum == nil || part.length == 0 || error.code == .badImage {
                unlink(path)
                throw error
            }
            var failure = error
            failure.hint =
                (failure.hint.map { $0 + "; " } ?? "") + "what came is kept, and the next try continues it"
            throw failure
        }
        return false
    }

    /// The path of an unfinished file. Its mark has no dot, so that what belongs to `ubuntu-24` and what to
    /// `ubuntu-24.04` can be told apart.
    static func part(of name: String, in folder: String, _ mark: String) -> String {
        "\(folder)/.\(name).\(mark).part"
    }

    /// - Parameter continuing: whether a connection that broke may be taken up where it did.
    private func download(
        to part: PartialFile, _ arrival: Arrival, continuing: Bool
    ) throws(Failure) {
        func startAnew() throws(Failure) {
            arrival.restart()
            try part.empty()
        }

        try requireRoom(part.missing)
        var tries = 4
        while true {
            let end = try curl.download(url, from: part.length) {
                try part.append($0)
                try arrival.grown(to: part.length)
            }
            switch end {
            case .complete: return
            case .cannotContinue: try startAnew()
            case .brokenOff(let failure):
                tries -= 1
                guard tries > 0 else { throw failure }
                if !continuing { try startAnew() }
                news.tell(
                    .detail(Step(.download), "the connection broke at \(part.length >> 20) MiB"))
                _ = cancellation.pause(.seconds(1))
                try cancellation.check()
            }
        }
    }

    /// - Parameter bytes: the number still to come.
    private func requireRoom(_ bytes: UInt64?) throws(Failure) {
        guard let bytes, let free = freeRoom(in: folder), free < bytes else { return }
        throw Failure(
            .io,
            "there is no room for \(name) in \(folder): \(bytes >> 20) MiB to come, \(free >> 20) MiB free",
            hint: PartialFile.roomHint, resource: name)
    }

    /// Removes the halves of versions that nobody offers any more.
    private func removeOthers(than part: String) {
        let prefix = ".\(name)."
        for file in (try? filesBelow(folder)) ?? [] where file.hasPrefix(prefix) && file.hasSuffix(".part") {
            let mark = file.utf8.dropFirst(prefix.utf8.count).dropLast(".part".utf8.count)
            if !mark.contains(UInt8(ascii: ".")), "\(folder)/\(file)" != part {
                unlink("\(folder)/\(file)")
            }
        }
    }
}

/// The name of the file that an address leads to, without what is asked of it.
func addressFile(_ url: String) -> String {
    lastComponent(String(url.prefix { $0 != "?" && $0 != "#" }))
}

/// Whether a file is said to be raw: by whoever gives it, or by its name, less that of a compression.
func isNamedRaw(_ format: String?, file: String) -> Bool {
    let packing = Packing.allCases.first { file.hasSuffix($0.ending) }
    return format.map { $0 == DiskFormatName.raw }
        ?? file.dropLast(packing?.ending.count ?? 0).hasSuffix(".raw")
}
