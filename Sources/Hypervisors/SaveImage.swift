import Basics
import Glibc
import HostFiles

/// A file that libvirt has saved a guest's memory into: its description, and the stream QEMU reads.
///
/// The header (libvirt's `virQEMUSaveHeader`, src/qemu/qemu_saveimage.h) is `LibvirtQemudSave`, then little-endian
/// numbers of 32 bits: the version, 2; the length of what follows the header; whether the guest ran; the compression; the
/// cookie's place in what follows; and 14 that are not used. After it come the description with its NUL and the cookie,
/// padded with NULs to the length given, and then the stream.
///
/// libvirt refuses to restore such a file under another name or UUID than the file says. So each guest that goes on from it
/// gets the header of its own before the same stream.
package struct SaveImage {
    private static let magic = Array("LibvirtQemudSave".utf8)
    private static let headerLength = 92

    private let path: String
    private let header: [UInt8]
    /// The description of the guest that was saved: a domain's XML.
    package let xml: String
    private let cookie: [UInt8]
    /// The place of the stream in the file, in bytes.
    private let stream: UInt64

    /// - Throws: `Failure` with code `not_found`, `io`, or `bad_image` for what is no such file.
    package init(_ path: String) throws(Failure) {
        let file = try ReadableFile(path)
        let header = try file.read(at: 0, count: Self.headerLength)
        guard header.count == Self.headerLength, header.starts(with: Self.magic), header.little32(16) == 2,
            // QEMU reads the stream as it is, without a program that unpacks it in between.
            header.little32(28) == 0
        else { throw Self.bad(path) }
        let length = Int(header.little32(20))
        let place = Int(header.little32(32))
        guard length <= 16 << 20, place <= length else { throw Self.bad(path) }
        let text = try file.read(at: UInt64(Self.headerLength), count: length)
        guard text.count == length, let end = text.firstIndex(of: 0),
            let xml = String(validating: text[..<end], as: UTF8.self)
        else { throw Self.bad(path) }
        self.path = path
        self.header = header
        self.xml = xml
        cookie = place == 0 ? [] : Array(text[place...].prefix { $0 != 0 })
        stream = UInt64(Self.headerLength + length)
        guard file.length > stream else { throw Self.bad(path) }
    }

    private static func bad(_ path: String) -> Failure {
        Failure(.badImage, "\(path) is no memory that libvirt has saved", resource: path)
    }

    /// Writes the file anew, with another description, into a pipe or a file.
    ///
    /// - Throws: `Failure` with code `io`, or `cancelled`.
    package func write(xml: String, to descriptor: Int32, _ cancellation: Cancellation) throws(Failure) {
        var text = Array(xml.utf8) + [0]
        let place = cookie.isEmpty ? 0 : text.count
        text += cookie + (cookie.isEmpty ? [] : [0])
        var header = header
        for (offset, number) in [(20, text.count), (32, place)] {
            for byte in 0..<4 { header[offset + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
        }
        try write(header + text, to: descriptor)
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw Failure.system(errno, "cannot open \(path)", resource: path) }
        defer { close(file) }
        var offset = off_t(stream)
        while true {
            try cancellation.check()
            let count = sendfile(descriptor, file, &offset, 4 << 20)
            if count == 0 { return }
            guard count > 0 || errno == EINTR else {
                throw Failure.system(errno, "cannot pass on the memory in \(path)", resource: path)
            }
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            guard count > 0 || errno == EINTR else {
                throw Failure.system(errno, "cannot pass on the memory in \(path)", resource: path)
            }
            done += max(0, count)
        }
    }
}
