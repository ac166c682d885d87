import Basics
import Crypto
import Glibc

/// Downloads a catalogue image beside its place in the library, and checks it.
struct ImageFetch {
    /// The publisher cannot be reached from here.
    static let unreachable: Failure.Code = "unreachable"

    let image: CatalogueImage
    let folder: String
    let cancellation: Cancellation
    let progress: @Sendable (Progress) -> Void

    /// - Returns: the checked file, under a temporary name.
    /// - Throws: `Failure` with code `unreachable`, `program`, `bad_checksum` or `cancelled`. What was downloaded stays for the
    ///   next try, but for a file with the wrong checksum.
    func run() throws(Failure) -> String {
        let wanted = try checksum()
        // The name holds the checksum: the half of an image that has since been replaced is never continued.
        let part = "\(folder)/.\(image.name).\(wanted.prefix(16)).part"
        if !(fileExists(part) && (try? digest(of: part)) == wanted) { try download(to: part) }
        progress(Progress(image.name, "verify"))
        let found = try digest(of: part)
        guard found == wanted else {
            unlink(part)
            throw Failure(
                "bad_checksum", "the download of \(image.name) has the wrong checksum, and was thrown away",
                hint: "try again", cause: "\(found.prefix(16))… instead of \(wanted.prefix(16))…")
        }
        return part
    }

    private func checksum() throws(Failure) -> String {
        let text = String(decoding: try curl([image.checksums], timeout: .seconds(60)), as: UTF8.self)
        let file = lastComponent(image.url)
        for line in text.split(separator: "\n") {
            // `DIGEST  FILE`, or `DIGEST *FILE` for one read as binary.
            let words = line.split { $0 == " " || $0 == "*" }
            if words.count == 2, words[1] == file { return words[0].lowercased() }
        }
        throw Failure(.notFound, "\(image.checksums) has no checksum of \(file)")
    }

    private func download(to part: String) throws(Failure) {
        let done = Mailbox<Void>()
        let name = image.name
        startThread { [progress] in
            repeat {
                var status = stat()
                let bytes = stat(part, &status) == 0 ? status.st_size : 0
                progress(Progress(name, "download", detail: "\(bytes >> 20) MiB"))
            } while done.next(before: .now + .seconds(1)) == nil
        }
        defer { done.put(()) }
        _ = try curl(["--continue-at", "-", "--output", part, image.url], timeout: nil)
    }

    private func curl(_ arguments: [String], timeout: Duration?) throws(Failure) -> [UInt8] {
        var program = HostProgram(
            ["curl", "--fail", "--silent", "--show-error", "--location", "--connect-timeout", "5", "--retry", "2"]
                + arguments)
        program.timeout = timeout
        let result = try program.run(cancellation)
        if result.code == 0 { return result.output }
        let words = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").last.map(String.init)
        // curl(1), EXIT CODES: names and connections that fail, a proxy's refusal, time that ran out.
        let isUnreachable = [5, 6, 7, 28, 35, 56, 97].contains(result.code)
        throw Failure(
            isUnreachable ? Self.unreachable : .program, "\(image.name) cannot be downloaded",
            hint: "put the image into \(folder) as \(image.name).qcow2", resource: image.name, cause: words)
    }

    private func digest(of path: String) throws(Failure) -> String {
        switch image.digest {
        case .sha256: try digest(SHA256(), of: path)
        case .sha512: try digest(SHA512(), of: path)
        }
    }

    private func digest<Hash: HashFunction>(_ start: Hash, of path: String) throws(Failure) -> String {
        var hash = start
        let file = try ReadableFile(path)
        var offset: UInt64 = 0
        while offset < file.length {
            try cancellation.check()
            let bytes = try file.read(at: offset, count: 4 << 20)
            if bytes.isEmpty { break }
            hash.update(data: bytes)
            offset += UInt64(bytes.count)
        }
        return hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
