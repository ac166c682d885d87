import Basics

/// A picture of red, green and blue, a byte each, row by row.
struct Picture: Equatable {
    var width: Int
    var height: Int
    var pixels: [UInt8]

    /// Reads a portable pixmap (<https://netpbm.sourceforge.net/doc/ppm.html>) of 8 bits a colour, as QEMU writes it.
    ///
    /// - Returns: `nil` for anything else.
    init?(ppm bytes: [UInt8]) {
        var rest = bytes[...]
        /// The next word of the header. A comment lasts to the end of its line.
        func word() -> String {
            while let byte = rest.first, byte <= 0x20 || byte == UInt8(ascii: "#") {
                rest = byte <= 0x20 ? rest.dropFirst() : rest.drop { $0 != 0x0A }
            }
            let word = rest.prefix { $0 > 0x20 }
            rest = rest.dropFirst(word.count)
            return String(decoding: word, as: UTF8.self)
        }
        guard word() == "P6", let width = Int(word()), let height = Int(word()), word() == "255",
            (1...65535).contains(width), (1...65535).contains(height)
        else { return nil }
        // One white space after the header.
        rest = rest.dropFirst()
        guard rest.count >= width * height * 3 else { return nil }
        self.width = width
        self.height = height
        pixels = Array(rest.prefix(width * height * 3))
    }

    /// The picture as PNG (RFC 2083), its data stored, not compressed: a screen takes two megabytes that way, and no
    /// library.
    func png() -> [UInt8] {
        var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // 8 bits a sample, true colour, the only methods there are, no interlace.
        bytes += Self.chunk("IHDR", Self.big(width) + Self.big(height) + [8, 2, 0, 0, 0])
        var rows: [UInt8] = []
        rows.reserveCapacity((width * 3 + 1) * height)
        for row in 0..<height {
            // Filter 0: the bytes as they are.
            rows.append(0)
            rows += pixels[row * width * 3..<(row + 1) * width * 3]
        }
        bytes += Self.chunk("IDAT", Self.stored(rows))
        return bytes + Self.chunk("IEND", [])
    }

    private static func big(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
    }

    private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return big(data.count) + body + big(Int(crc(body)))
    }

    /// A zlib stream (RFC 1950) of stored blocks (RFC 1951, section 3.2.4).
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x78, 0x01]
        var offset = 0
        repeat {
            let count = min(65535, data.count - offset)
            let isLast: UInt8 = offset + count == data.count ? 1 : 0
            let length = UInt16(count)
            bytes += [isLast, UInt8(length & 0xFF), UInt8(length >> 8)]
            bytes += [UInt8(~length & 0xFF), UInt8(~length >> 8)]
            bytes += data[offset..<offset + count]
            offset += count
        } while offset < data.count
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in data {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return bytes + big(Int(high << 16 | low))
    }

    /// The table of the CRC of RFC 2083, section 15.
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
    }
}
