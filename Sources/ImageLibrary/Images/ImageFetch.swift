import Basics
import Glibc
import HostFiles
import Steps

/// Downloads an image beside its place in the library, and checks it.
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

    private var curl: Curl { Curl(subject: name, cancellation: cancellation) }

    /// The publisher's checksum of the image.
    ///
    /// - Throws: `Failure` with code `unreachable`, also for a network's login page in place of the list; `not_found`.
    func checksum(in list: String, _ digest: ImageDigest) throws(Failure) -> ImageChecksum {
        try news.telling(.download, "asking for its checksum") { () throws(Failure) in
            try listed(in: list, digest)
        }
    }

    private func listed(in list: String, _ digest: ImageDigest) throws(Failure) -> ImageChecksum {
        let text = try curl.text(list)
        if let found = ImageChecksum.find(lastComponent(url), in: text, digest) { return found }
        if isWebPage(text.utf8.prefix(512)) {
            throw Failure(
                .unreachable, "\(name) cannot be downloaded: a web page answers in place of \(list)",
                hint: "does this network want a login?", resource: name)
        }
        throw Failure(.notFound, "\(list) has no checksum of \(lastComponent(url))", resource: name)
    }

    /// Downloads the image.
    ///
    /// - Parameter checksum: `nil` takes what comes, from the start.
    /// - Returns: the path of the file under its temporary name.
    /// - Throws: `Failure` with code `bad_checksum`, `not_found`, `io`, `program` or `cancelled`. What came stays for the next
    ///   try, but for a file with the wrong checksum or with none to know it by.
    func run(_ checksum: ImageChecksum?) throws(Failure) -> String {
        let path = Self.part(of: name, in: folder, checksum.map { String($0.value.prefix(16)) } ?? "any")
        let wasWhole = try news.telling(.download) { () throws(Failure) in
            try download(to: path, checksum)
        }
        guard let checksum, !wasWhole else { return path }
        try news.telling(.verify) { () throws(Failure) in
            guard try checksum.matches(path, cancellation) else {
                unlink(path)
                throw Failure(
                    .badChecksum,
                    "the download of \(name) is not what its publisher's checksum says, and was thrown away",
                    hint: "try again: a proxy may have kept an older file", resource: name)
            }
        }
        return path
    }

    /// - Returns: the file was there, whole and of this checksum.
    private func download(to path: String, _ checksum: ImageChecksum?) throws(Failure) -> Bool {
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
            try download(to: part, continuing: checksum != nil)
        } catch {
            if checksum == nil || part.length == 0 {
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
    private func download(to part: PartialFile, continuing: Bool) throws(Failure) {
        try requireRoom(part.missing)
        var tries = 4
        while true {
            let end = try curl.download(url, from: part.length) { try part.append($0) }
            switch end {
            case .complete: return
            case .cannotContinue: try part.empty()
            case .brokenOff(let failure):
                tries -= 1
                guard tries > 0 else { throw failure }
                if !continuing { try part.empty() }
                news.tell(
                    .detail(Step(.download), "the connection broke at \(part.length >> 20) MiB"))
                _ = cancellation.pause(.seconds(1))
                try cancellation.check()
            }
        }
    }

    /// - Parameter bytes: the number still to come.
    private func requireRoom(_ bytes: UInt64?) throws(Failure) {
        var volume = statvfs()
        guard let bytes, statvfs(folder, &volume) == 0 else { return }
        let free = UInt64(volume.f_bavail) * UInt64(volume.f_frsize)
        guard free < bytes else { return }
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
