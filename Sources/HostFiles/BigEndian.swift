/// The numbers of disk formats as these write them.
extension [UInt8] {
    func big16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }
    package func big32(_ offset: Int) -> UInt32 { UInt32(big16(offset)) << 16 | UInt32(big16(offset + 2)) }
    package func big64(_ offset: Int) -> UInt64 { UInt64(big32(offset)) << 32 | UInt64(big32(offset + 4)) }
    package func little32(_ offset: Int) -> UInt32 { big32(offset).byteSwapped }
    package func little64(_ offset: Int) -> UInt64 { big64(offset).byteSwapped }

    package mutating func putBig(_ value: some FixedWidthInteger, at offset: Int) {
        Swift.withUnsafeBytes(of: value.bigEndian) { replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
}
