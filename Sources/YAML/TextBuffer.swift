/// A text that is put together of many small parts: appending to a `String` costs more than all else of reading.
struct TextBuffer {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }
    var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }
    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(_ scalar: Unicode.Scalar) {
        if scalar.isASCII {
            bytes.append(UInt8(truncatingIfNeeded: scalar.value))
        } else {
            bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// Appends a byte of UTF-8.
    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ other: TextBuffer) { bytes.append(contentsOf: other.bytes) }
}
