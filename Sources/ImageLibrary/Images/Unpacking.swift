import Basics
import DiskImages
import Glibc
import HostFiles
import Synchronization

/// The unpacking of a file while it grows, by the program that has made its kind of file.
///
/// Nothing blocks where bytes come in: a thread of its own reads what is there of the file and feeds the program, whose
/// output comes back and is written without its zeros. What it unpacks to has a limit, the room that is free, and is refused as
/// soon as its beginning shows that it is no disk's image.
final class Unpacking: Sendable {
    private enum Message {
        /// The file has so many bytes by now.
        case grown(UInt64)
        case end
    }

    /// The bytes by which what it unpacks to is judged, more than any filesystem's mark is away from the start.
    private static let probe: UInt64 = 256 << 10

    private let packing: Packing
    private let image: String
    private let source: String
    private let target: SparseFile
    private let isNamedRaw: Bool
    private let limit: UInt64
    private let cancellation = Cancellation()
    private let messages = Mailbox<Message>()
    private let outcome = Mailbox<Failure?>()
    private let failure = Mutex<Failure?>(nil)

    /// - Parameters:
    ///   - source: the file that grows.
    ///   - target: where it is unpacked to.
    ///   - image: the name of the image it is for.
    ///   - isNamedRaw: what it unpacks to is raw, by what is said of it.
    /// - Throws: `Failure` with code `io`, or `host_not_able` without the program.
    init(
        _ packing: Packing, _ source: String, to target: String, image: String, isNamedRaw: Bool
    ) throws(Failure) {
        guard HostProgram.isThere(packing.rawValue) else {
            throw Failure(
                .hostNotAble, "\(packing.rawValue) is not installed, by which \(image) is unpacked",
                hint: "you can install it with: apt-get install \(packing.package)", resource: image)
        }
        self.packing = packing
        self.image = image
        self.source = source
        self.isNamedRaw = isNamedRaw
        limit = freeRoom(in: folder(of: target)) ?? .max
        self.target = try SparseFile(target)
        var ends: [Int32] = [-1, -1]
        // A socket and no pipe: writing to a program that has ended is an error, and no signal.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
        else {
            throw Failure.system(errno, "cannot make a socket for \(packing.rawValue)", resource: image)
        }
        let (feeding, fed) = (ends[0], ends[1])
        startThread { [self] in outcome.put(run(fed)) }
        startThread { [self] in feed(feeding) }
    }

    /// Tells that the file has so many bytes by now.
    ///
    /// - Throws: `Failure` where what came cannot be unpacked, as `finish`.
    func grown(to length: UInt64) throws(Failure) {
        if let failure = failure.withLock(\.self) { throw failure }
        messages.put(.grown(length))
    }

    /// Waits until all of the file is unpacked.
    ///
    /// - Throws: `Failure` with code `bad_image` for what is damaged or no image, `io` where there is no room, or `cancelled`.
    func finish(_ cancellation: Cancellation) throws(Failure) -> String {
        messages.put(.end)
        let own = self.cancellation
        if let failure = cancellation.withHandler({ own.cancel() }, { outcome.next() }) { throw failure }
        try target.finish()
        return target.path
    }

    /// Ends it and removes what it was unpacked to.
    func abandon() {
        cancellation.cancel()
        messages.put(.end)
        _ = outcome.next()
        target.close()
        unlink(target.path)
    }

    private func run(_ input: Int32) -> Failure? {
        defer { close(input) }
        var program = HostProgram([packing.rawValue, "--decompress", "--stdout"])
        program.environment = ["LC_ALL": "C"]
        program.inputDescriptor = input
        program.onOutput = { [self] in try take($0) }
        var found: Failure?
        do throws(Failure) {
            let result = try program.run(cancellation)
            // gzip(1): 2 is a warning, such as of what a publisher has put behind the end.
            if result.code != 0, !(packing == .gzip && result.code == 2) {
                let words = String(decoding: result.errors, as: UTF8.self).split(separator: "\n").first
                found = Failure(
                    .badImage, "\(image) cannot be unpacked", hint: "download it again", resource: image,
                    cause: words.map(String.init))
            }
        } catch {
            found =
                error.code == .cancelled
                ? Failure(.cancelled, "\(image): the unpacking was cancelled", resource: image) : error
        }
        failure.withLock { $0 = found }
        return found
    }

    private func take(_ bytes: [UInt8]) throws(Failure) {
        let length = try target.append(bytes)
        if length > limit {
            throw Failure(
                .io,
                "\(image) unpacks to more than the \(limit >> 20) MiB that are free in \(folder(of: target.path))",
                hint: PartialFile.roomHint, resource: image)
        }
        // Once, as the probe is reached: it stops what would go on for as long as there is room.
        if length >= Self.probe, length - UInt64(bytes.count) < Self.probe {
            try target.settle()
            let beginning = try ReadableFile(target.path)
            try FileKind.requireDisk(beginning, isNamedRaw: isNamedRaw, isWhole: false)
        }
    }

    /// Sends the file's bytes to the program, as far as they are there.
    private func feed(_ output: Int32) {
        defer { close(output) }
        let file = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return }
        defer { close(file) }
        var offset: UInt64 = 0
        while case .grown(let length) = messages.next() {
            while offset < length {
                var chunk = [UInt8](repeating: 0, count: Int(min(length - offset, 1 << 18)))
                let count = pread(file, &chunk, chunk.count, off_t(offset))
                guard count > 0, Self.send(chunk[..<count], to: output) else { return }
                offset += UInt64(count)
            }
        }
    }

    /// - Returns: whether the program still reads.
    private static func send(_ bytes: ArraySlice<UInt8>, to socket: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

extension Packing {
    /// Debian's package with the program.
    fileprivate var package: String {
        switch self {
        case .xz: "xz-utils"
        case .gzip: "gzip"
        case .zstd: "zstd"
        case .bzip2: "bzip2"
        }
    }
}
