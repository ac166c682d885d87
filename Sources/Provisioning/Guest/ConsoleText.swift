/// A guest's serial console as a person reads it: whole lines, without terminal control sequences.
struct ConsoleText: Sendable {
    private var pending: [UInt8] = []

    init() {}

    /// The lines that became whole by these bytes.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(Self.plain(pending))
                pending.removeAll(keepingCapacity: true)
            } else if pending.count < 4096 {
                pending.append(byte)
            }
        }
        return lines
    }

    /// The line that is not whole yet.
    var rest: String { Self.plain(pending) }

    /// All lines of a text, the last one even where it is not whole.
    static func lines(_ bytes: [UInt8]) -> [String] {
        var text = ConsoleText()
        var lines = text.take(bytes)
        if !text.rest.isEmpty { lines.append(text.rest) }
        return lines
    }

    /// Takes out escape sequences (ECMA-48, sections 5.3 and 5.4: `ESC [ … letter`, `ESC ] … BEL` or `ESC \`, `ESC` and one
    /// character) and every control character but the tab; what a carriage return wrote over is gone.
    static func plain(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x1B:
                guard index < bytes.count else { break }
                let kind = bytes[index]
                index += 1
                if kind == UInt8(ascii: "[") {
                    while index < bytes.count, !(0x40...0x7E).contains(bytes[index]) { index += 1 }
                    index += 1
                } else if kind == UInt8(ascii: "]") {
                    while index < bytes.count, bytes[index] != 0x07, bytes[index] != 0x1B { index += 1 }
                    if index < bytes.count, bytes[index] == 0x1B { index += 1 }
                    index += 1
                } else {
                    while index < bytes.count, (0x20...0x2F).contains(bytes[index - 1]) { index += 1 }
                }
            case 0x0D:
                let overwritten = bytes[index...].contains { $0 != 0x0D }
                if overwritten { output.removeAll() }
            case 0x09: output.append(byte)
            case 0..<0x20, 0x7F: break
            default: output.append(byte)
            }
        }
        while output.last == UInt8(ascii: " ") { output.removeLast() }
        return String(decoding: output, as: UTF8.self)
    }
}
