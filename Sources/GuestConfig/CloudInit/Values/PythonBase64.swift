import Basics

/// Python's `base64.b64decode`, which passes over what is not of the alphabet (`binascii.a2b_base64`).
enum PythonBase64: Equatable {
    case bytes([UInt8])
    /// The text can be decoded, but for characters that mean nothing: what comes of it is not what was encoded.
    case skipping
    case unreadable

    static func decode(_ text: [UInt8]) -> PythonBase64 {
        guard text.allSatisfy({ $0 < 0x80 }) else { return .unreadable }
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var position = 0
        var pads = 0
        var skips = false
        for digit in text {
            if digit == UInt8(ascii: "=") {
                pads += 1
                if position >= 2, position + pads >= 4 {
                    return skips ? .skipping : .bytes(result)
                }
                continue
            }
            guard let value = Base64.value(of: digit) else {
                if !" \t\r\n".utf8.contains(digit) { skips = true }
                continue
            }
            pads = 0
            bits = bits << 6 | value
            if position > 0 { result.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * position))) }
            position = (position + 1) % 4
        }
        if position != 0 { return .unreadable }
        return skips ? .skipping : .bytes(result)
    }
}
