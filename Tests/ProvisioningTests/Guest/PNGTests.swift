import Glibc
import HostFiles
import Support
import Testing

@testable import Provisioning

@Suite struct `Pictures of a screen` {
    /// Reads the PNG by Python's zlib and struct: checks each chunk's CRC, then prints size and pixels.
    private static let reader = """
        import struct, sys, zlib
        data = open(sys.argv[1], 'rb').read()
        assert data[:8] == b'\\x89PNG\\r\\n\\x1a\\n'
        at, image = 8, b''
        while at < len(data):
            length, kind = struct.unpack('>I4s', data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            crc, = struct.unpack('>I', data[at + 8 + length:at + 12 + length])
            assert crc == zlib.crc32(kind + body)
            if kind == b'IHDR': print(*struct.unpack('>IIBBBBB', body))
            if kind == b'IDAT': image += body
            at += 12 + length
        print(zlib.crc32(zlib.decompress(image)), kind.decode())
        """

    @Test func `a pixmap becomes a PNG that others can read, also one that needs several blocks`()
        async throws
    {
        try await ScratchFolder.with { folder in
            let (width, height) = (321, 123)
            let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let ppm = Array("P6\n# by hand\n\(width) \(height)\n255\n".utf8) + pixels
            let picture = try #require(Picture(ppm: ppm))
            try writeBytes(picture.png(), to: folder + "/a.png")
            var rows: [UInt8] = []
            for row in 0..<height { rows += [0] + pixels[row * width * 3..<(row + 1) * width * 3] }
            try writeBytes(rows, to: folder + "/rows")
            let sum = try await command(
                "python3",
                [
                    "-c", "import sys, zlib; print(zlib.crc32(open(sys.argv[1], 'rb').read()))",
                    folder + "/rows",
                ])
            let read = try await command("python3", ["-c", Self.reader, folder + "/a.png"])
            #expect(read.output == "321 123 8 2 0 0 0\n\(sum.output.filter(\.isNumber)) IEND\n")
            #expect(read.errors == "")
        }
    }

    @Test func `what is no pixmap is none`() {
        for text in [
            "", "P6", "P5\n1 1\n255\nxxx", "P6\n2 2\n255\nxxx", "P6\n0 1\n255\n", "P6\n1 1\n65535\nxxxxxx",
        ] {
            #expect(Picture(ppm: Array(text.utf8)) == nil)
        }
    }
}
