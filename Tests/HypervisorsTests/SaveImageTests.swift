import Basics
import Foundation
import HostFiles
import Hypervisors
import Support
import Testing

@Suite struct `Memory that libvirt has saved` {
    private static let xml = "<domain><name>old</name></domain>"

    /// A file as libvirt writes it: the header, the description padded to 64 KiB more than it needs, and the stream.
    private func file(_ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        let cookie = Array("<cookie/>".utf8)
        let text = Array(Self.xml.utf8) + [0] + cookie
        let padded = text + [UInt8](repeating: 0, count: 65536)
        var bytes = Array("LibvirtQemudSave".utf8)
        for number in [2, padded.count, 1, 0, Self.xml.utf8.count + 1] + [Int](repeating: 0, count: 14) {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        bytes += padded + Array("QEVM the stream".utf8)
        change(&bytes)
        return bytes
    }

    @Test func `goes on under another description, with the same stream and libvirt's own note`() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path + "/memory"
        try writeBytes(file(), to: path)
        let image = try SaveImage(path)
        #expect(image.xml == Self.xml)

        let other = "<domain><name>a much longer name than before</name></domain>"
        let target = folder.path + "/other"
        let descriptor = open(target, O_WRONLY | O_CREAT, 0o600)
        try image.write(xml: other, to: descriptor, Cancellation())
        close(descriptor)
        let again = try SaveImage(target)
        #expect(again.xml == other)
        let bytes = try #require(FileManager.default.contents(atPath: target))
        #expect(String(decoding: bytes.suffix(15), as: UTF8.self) == "QEVM the stream")
        #expect(bytes.range(of: Data("<cookie/>\0".utf8)) != nil)
    }

    @Test(arguments: [0, 16, 20, 28, 32])
    func `is refused where its header is none`(place: Int) throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path + "/memory"
        try writeBytes(file { $0.replaceSubrange(place..<place + 4, with: [255, 255, 255, 127]) }, to: path)
        #expect { try SaveImage(path) } throws: { ($0 as? Failure)?.code == .badImage }
    }

    @Test func `is refused where it was cut short`() throws {
        let folder = try ScratchFolder()
        defer { folder.remove() }
        let path = folder.path + "/memory"
        for count in [0, 91, 200, file().count - 15] {
            try writeBytes(file().prefix(count), to: path)
            #expect { try SaveImage(path) } throws: { ($0 as? Failure)?.code == .badImage }
        }
    }
}
