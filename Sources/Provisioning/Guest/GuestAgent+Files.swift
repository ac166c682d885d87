import Basics
import FoundationEssentials

/// The limits for a guest's file: how much of it is taken, and how long that may take, by whatever way.
enum GuestFiles {
    static let sizeLimit = 256 << 20
    static let timeLimit = Duration.seconds(600)

    static func tooLarge(_ path: String, in name: String, _ limit: Int) -> Failure {
        Failure(
            .guest, "\(path) in \(name) is larger than the \(ByteSize(bytes: UInt64(limit))) that are taken",
            hint: "take it in parts, or have the guest send it", resource: name)
    }

    /// The words of a shell that make a file where there is none, with nobody's eyes on what is still to be written.
    ///
    /// A file that is there keeps its permissions unless others are asked for. A new one is 0644: the agent itself
    /// would make it writable for everyone.
    ///
    /// - Parameter mode: octal digits; `$1` is the file.
    static func preparation(mode: String?) -> String {
        let umask = mode == nil ? "022" : "077"
        let make = "{ [ -e \"$1\" ] || (umask \(umask) && : >\"$1\"); }"
        return mode.map { "\(make) && chmod \($0) -- \"$1\"" } ?? make
    }
}

extension GuestAgent {
    private struct OpenArguments: Encodable {
        var path: String
        var mode: String
    }

    private struct Handle: Encodable { var handle: Int64 }

    private struct ReadArguments: Encodable {
        var handle: Int64
        var count: Int
    }

    private struct ReadPiece: Decodable {
        var count: Int
        var buffer: String
        var eof: Bool
        enum CodingKeys: String, CodingKey {
            case count, eof
            case buffer = "buf-b64"
        }
    }

    private struct WritePiece: Encodable {
        var handle: Int64
        var buffer: String
        enum CodingKeys: String, CodingKey {
            case handle
            case buffer = "buf-b64"
        }
    }

    private struct Written: Decodable { var count: Int }

    /// A file's bytes, read in pieces.
    ///
    /// - Parameter limit: the most bytes it may have.
    /// - Throws: `Failure` with code `guest`, `timeout`, `cancelled` or `libvirt`.
    func read(
        _ path: String, limit: Int = GuestFiles.sizeLimit, cancellation: Cancellation = Cancellation()
    ) throws(Failure) -> [UInt8] {
        try withFile(path, mode: "r") { (handle) throws(Failure) in
            try rest(of: handle, path, limit: limit, cancellation: cancellation)
        }
    }

    /// The bytes of an open file from where it was read last up to its end, as it is now.
    func rest(
        of handle: Int64, _ path: String, limit: Int = GuestFiles.sizeLimit, cancellation: Cancellation
    ) throws(Failure) -> [UInt8] {
        let end = ContinuousClock.Instant.present + GuestFiles.timeLimit
        let reply = AgentCall(guest: name, command: "guest-file-read")
        let most = 256 << 10
        var bytes: [UInt8] = []
        while true {
            try check(path, end, cancellation)
            let piece: ReadPiece = try call(
                reply.command, ReadArguments(handle: handle, count: most), before: end)
            let part = try reply.bytes(piece.buffer, "buf-b64")
            try reply.number(piece.count, "count", in: 0...most)
            guard part.count == piece.count else {
                throw reply.nonsense("with a count of \(piece.count) for \(part.count) bytes")
            }
            guard part.count <= limit - bytes.count else {
                throw GuestFiles.tooLarge(path, in: name, limit)
            }
            bytes += part
            if piece.eof { return bytes }
            guard !part.isEmpty else { throw reply.nonsense("with nothing, and no end of the file") }
        }
    }

    /// Whether there is a file of this name.
    ///
    /// - Throws: where the agent says neither.
    func has(_ path: String) throws(Failure) -> Bool {
        do throws(Failure) {
            try withFile(path, mode: "r") { (_) throws(Failure) in }
            return true
        } catch {
            // Of Linux, and of Windows.
            if error.message.contains("No such file") || error.message.contains("cannot find") {
                return false
            }
            throw error
        }
    }

    /// Writes a file in pieces, in the place of one that is there.
    ///
    /// - Parameter mode: its permissions in octal digits, set before the first byte; `nil`: a new one's are 0644.
    /// - Throws: `Failure` with code `guest`, `timeout`, `cancelled` or `libvirt`.
    func write(
        _ path: String, _ bytes: [UInt8], mode: String?, cancellation: Cancellation = Cancellation()
    ) throws(Failure) {
        let end = ContinuousClock.Instant.present + GuestFiles.timeLimit
        let reply = AgentCall(guest: name, command: "guest-file-write")
        try prepare(path, mode: mode, cancellation)
        try withFile(path, mode: "w") { (handle) throws(Failure) in
            var rest = bytes[...]
            while !rest.isEmpty {
                try check(path, end, cancellation)
                let piece = rest.prefix(48 << 10)
                let written: Written = try call(
                    reply.command,
                    WritePiece(handle: handle, buffer: Data(piece).base64EncodedString()), before: end)
                rest = rest.dropFirst(try reply.number(written.count, "count", in: 1...piece.count))
            }
        }
    }

    /// Sees to a file's permissions, where the guest has such.
    private func prepare(_ path: String, mode: String?, _ cancellation: Cancellation) throws(Failure) {
        let result: ExecResult
        do throws(Failure) {
            result = try exec(
                ["sh", "-c", GuestFiles.preparation(mode: mode), "sh", path], timeout: .seconds(60),
                cancellation: cancellation)
        } catch {
            if mode == nil, error.code == .guest, isWindows() { return }
            throw error
        }
        guard result.code != 0 else { return }
        let complaint = outsideText(String(decoding: result.stderr.prefix(2000), as: UTF8.self).trimmed())
        throw Failure(.guest, "cannot write \(path) in \(name)", resource: name, cause: complaint)
    }

    private func check(
        _ path: String, _ end: ContinuousClock.Instant, _ cancellation: Cancellation
    ) throws(Failure) {
        try cancellation.check()
        guard ContinuousClock.Instant.present < end else {
            throw Failure(
                .timeout, "\(path) in \(name) is not through after \(GuestFiles.timeLimit.short)",
                resource: name)
        }
    }

    func withFile<Result>(
        _ path: String, mode: String, _ body: (Int64) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let handle: Int64 = try call("guest-file-open", OpenArguments(path: path, mode: mode))
        try AgentCall(guest: name, command: "guest-file-open").number(handle, "handle", in: 0...Int64.max)
        let result: Result
        do { result = try body(handle) } catch {
            let _: NothingSaid? = try? call("guest-file-close", Handle(handle: handle))
            throw error
        }
        let _: NothingSaid = try call("guest-file-close", Handle(handle: handle))
        return result
    }
}
