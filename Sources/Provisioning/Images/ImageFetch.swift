import Basics
import Glibc

/// Downloads an image beside its place in the library, and checks it.
///
/// What came of an interrupted download is kept as `.NAME.CHECKSUM.part`: the name holds the checksum, so that the half
/// of an image that has been replaced since is never continued with the other.
struct ImageFetch {
    let name: String
    let url: String
    /// `cloud-images/`.
    let folder: String
    let cancellation: Cancellation
    let progress: @Sendable (Progress) -> Void

    private var curl: Curl { Curl(subject: name, cancellation: cancellation) }

    /// The publisher's checksum of the image.
    ///
    /// - Throws: `Failure` with code `unreachable`, also for a network's login page in place of the list; `not_found`.
    func checksum(in list: String, _ digest: ImageDigest) throws(Failure) -> ImageChecksum {
        progress(Progress(name, "download", detail: "asking for its checksum"))
        let text = try curl.text(list)
        if let found = ImageChecksum.find(lastComponent(url), in: text, digest) { return found }
        if isWebPage(text.utf8.prefix(512)) {
            throw Failure(
                Curl.unreachable, "\(name) cannot be downloaded: a web page answers in place of \(list)",
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
        let part = "\(folder)/.\(name).\(checksum.map { String($0.value.prefix(16)) } ?? "any").part"
        removeOthers(than: part)
        guard let checksum else {
            unlink(part)
            do throws(Failure) { try download(to: part, try curl.length(url)) } catch {
                unlink(part)
                throw error
            }
            return part
        }
        let total = try curl.length(url)
        if size(part) > 0, size(part) == total, try checksum.matches(part, cancellation) { return part }
        try download(to: part, total)
        progress(Progress(name, "verify"))
        guard try checksum.matches(part, cancellation) else {
            unlink(part)
            throw Failure(
                "bad_checksum",
                "the download of \(name) is not what its publisher's checksum says, and was thrown away",
                hint: "try again: a proxy may have kept an older file", resource: name)
        }
        return part
    }

    private func download(to part: String, _ total: UInt64?) throws(Failure) {
        try requireRoom(total.map { $0 - min($0, size(part)) })
        let ended = Mailbox<Void>()
        let watched = Mailbox<Void>()
        startThread { [name, progress] in
            // There is no event for a file that another process writes to.
            var told: UInt64?
            repeat {
                let bytes = size(part)
                // For a person who watches, and not a line a second for a log.
                let step = total.map { bytes * 20 / max($0, 1) } ?? bytes >> 26
                if step != told { progress(Progress(name, "download", detail: amount(bytes, of: total))) }
                told = step
            } while ended.next(before: .now + .milliseconds(500)) == nil
            watched.put(())
        }
        defer {
            ended.put(())
            watched.next()
        }
        try curl.download(url, to: part)
    }

    /// - Parameter bytes: still to come.
    private func requireRoom(_ bytes: UInt64?) throws(Failure) {
        var volume = statvfs()
        guard let bytes, statvfs(folder, &volume) == 0 else { return }
        let free = UInt64(volume.f_bavail) * UInt64(volume.f_frsize)
        guard free < bytes else { return }
        throw Failure(
            .io,
            "there is no room for \(name) in \(folder): \(bytes >> 20) MiB to come, \(free >> 20) MiB free",
            hint: "free some space, or keep limiq's state elsewhere with LIMIQ_HOME", resource: name)
    }

    /// Halves of versions that nobody offers any more.
    private func removeOthers(than part: String) {
        for file in (try? filesBelow(folder)) ?? []
        where file.hasPrefix(".\(name).") && file.hasSuffix(".part") {
            if "\(folder)/\(file)" != part { unlink("\(folder)/\(file)") }
        }
    }
}

/// `312 of 638 MiB (48 %)`.
private func amount(_ bytes: UInt64, of total: UInt64?) -> String {
    guard let total, total > 0 else { return "\(bytes >> 20) MiB" }
    return "\(bytes >> 20) of \(total >> 20) MiB (\(min(100, bytes * 100 / total)) %)"
}

/// In bytes; 0 for a file that is not there.
private func size(_ path: String) -> UInt64 {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
}

/// The beginning of an HTML page, as a network's login page or a server's error is.
func isWebPage(_ bytes: some Collection<UInt8>) -> Bool {
    let text = String(
        decoding: bytes.drop { $0 <= 0x20 || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }, as: UTF8.self)
    return ["<!doctype", "<html", "<head"].contains { text.lowercased().hasPrefix($0) }
}
