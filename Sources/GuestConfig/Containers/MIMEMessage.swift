import Basics

/// A MIME message (RFC 2045, 2046), read as Python's `email` package reads it, by which cloud-init does: it passes over what
/// is wrong in one where it can.
struct MIMEMessage {
    /// A part that is no container of others.
    struct Part {
        /// The type in lower case; `text/plain` where none is given, or none that can be read.
        var type: String
        /// The name of the file it is to be, as the message has it.
        var filename: String?
        /// The bytes behind the transfer encoding.
        var payload: [UInt8]
        var encoding = TransferEncoding.none
        /// Whether text beyond ASCII stands in it as it is. Python spoils that.
        var isEightBit = false
    }

    enum TransferEncoding: Equatable {
        case none, quotedPrintable, base64, unknown(String)
        /// The text is no base64, and stays as it is.
        case badBase64
    }

    enum Problem: Equatable {
        /// A multipart message that names no boundary, at this line.
        case noBoundary
        /// The boundary that is nowhere in the message.
        case boundaryNotFound(String)
        case tooDeep
    }

    private static let depthLimit = 100

    private(set) var parts: [Part] = []
    /// The problems of the message and of those in it: where parts could not be told apart.
    private(set) var problems: [Problem] = []
    /// Whether the message has no headers: it is its body, by Python's leniency.
    private(set) var isBare = false

    init(_ text: String) {
        read(Self.lines(Array(text.utf8))[...], default: "text/plain", depth: 0)
    }

    // MARK: - Parts

    private typealias Line = ArraySlice<UInt8>

    /// The lines with what ends them: `\n`, `\r\n` or `\r`.
    private static func lines(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            defer { index += 1 }
            guard bytes[index] == 0x0A || bytes[index] == 0x0D else { continue }
            if bytes[index] == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
            lines.append(bytes[start...index])
            start = index + 1
        }
        if start < bytes.count { lines.append(bytes[start...]) }
        return lines
    }

    private mutating func read(
        _ lines: ArraySlice<Line>, default type: String, depth: Int, isWithin: Bool = false
    ) {
        guard depth < Self.depthLimit else { return problems.append(.tooDeep) }
        var rest = lines
        let headers = Headers(&rest)
        if depth == 0 { isBare = headers.isEmpty }
        let content = headers["content-type"].map(HeaderValue.init)
        let type = content?.type ?? type
        if type.hasPrefix("multipart/") {
            guard let boundary = content?["boundary"] else { return problems.append(.noBoundary) }
            let inner = type == "multipart/digest" ? "message/rfc822" : "text/plain"
            readMultipart(rest, Array(boundary.utf8), inner, depth)
        } else if type.hasPrefix("message/") {
            read(rest, default: "text/plain", depth: depth + 1, isWithin: isWithin)
        } else {
            var body = Array(rest.joined())
            // The line end before a boundary belongs to that.
            if isWithin { Self.dropLineEnd(&body) }
            let disposition = headers["content-disposition"].map(HeaderValue.init)
            let encoding = headers["content-transfer-encoding"] ?? ""
            parts.append(
                Self.part(type, disposition?["filename"] ?? content?["name"], body, encoding.trimmed()))
        }
    }

    private mutating func readMultipart(
        _ lines: ArraySlice<Line>, _ boundary: [UInt8], _ type: String, _ depth: Int
    ) {
        var part: ArraySlice<Line>?
        var hasBegun = false
        for index in lines.indices {
            switch Self.boundary(lines[index], boundary) {
            case nil:
                if hasBegun {
                    let start = part?.startIndex ?? index
                    part = lines[start...index]
                }
            // A further one right behind a boundary means nothing.
            case .some(let isEnd):
                if let whole = part { read(whole, default: type, depth: depth + 1, isWithin: true) }
                if isEnd, part != nil || !hasBegun { return requireBegun(hasBegun, boundary) }
                part = nil
                hasBegun = true
            }
        }
        requireBegun(hasBegun, boundary)
        if let part { read(part, default: type, depth: depth + 1, isWithin: true) }
    }

    private mutating func requireBegun(_ hasBegun: Bool, _ boundary: [UInt8]) {
        if !hasBegun { problems.append(.boundaryNotFound(String(decoding: boundary, as: UTF8.self))) }
    }

    /// Whether a line is a boundary, and the last one.
    private static func boundary(_ line: Line, _ boundary: [UInt8]) -> Bool? {
        guard line.starts(with: "--".utf8) else { return nil }
        var rest = line.dropFirst(2)
        guard rest.starts(with: boundary) else { return nil }
        rest = rest.dropFirst(boundary.count)
        let isEnd = rest.starts(with: "--".utf8)
        if isEnd { rest = rest.dropFirst(2) }
        rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
        return rest.allSatisfy { $0 == 0x0A || $0 == 0x0D } ? isEnd : nil
    }

    private static func dropLineEnd(_ body: inout [UInt8]) {
        if body.last == 0x0A {
            body.removeLast()
            if body.last == 0x0D { body.removeLast() }
        } else if body.last == 0x0D {
            body.removeLast()
        }
    }

    // MARK: - Transfer encodings

    private static func part(
        _ type: String, _ filename: String?, _ body: [UInt8], _ encoding: String
    ) -> Part {
        var part = Part(type: type, filename: filename, payload: body)
        part.isEightBit = body.contains { $0 >= 0x80 }
        if part.isEightBit { part.payload = rawUnicodeEscape(body) }
        switch encoding.lowercased() {
        case "", "7bit", "8bit", "binary": break
        case "quoted-printable":
            part.encoding = .quotedPrintable
            part.payload = quotedPrintable(part.payload)
        case "base64":
            if let bytes = base64(part.payload) {
                (part.payload, part.encoding) = (bytes, .base64)
            } else {
                part.encoding = .badBase64
                // Python has put its lines together by then.
                part.payload.removeAll { $0 == 0x0A || $0 == 0x0D }
            }
        default: part.encoding = .unknown(encoding)
        }
        return part
    }

    /// The bytes of Python's codec `raw-unicode-escape`, to which `email` puts a text: a character of Latin-1 is one byte, one
    /// beyond stands as `\uXXXX`.
    private static func rawUnicodeEscape(_ body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for scalar in String(decoding: body, as: UTF8.self).unicodeScalars {
            if let byte = UInt8(exactly: scalar.value) {
                result.append(byte)
            } else {
                let digits = String(scalar.value, radix: 16)
                let width = scalar.value < 0x10000 ? 4 : 8
                result += (width == 4 ? "\\u" : "\\U").utf8
                result += (String(repeating: "0", count: width - digits.count) + digits).utf8
            }
        }
        return result
    }

    /// The bytes of base64 up to its padding, whatever else is between its digits; `nil` where their number fits no bytes.
    private static func base64(_ text: [UInt8]) -> [UInt8]? {
        var digits: [UInt8] = []
        var padding = 0
        for byte in text {
            if Base64.value(of: byte) != nil {
                digits.append(byte)
                padding = 0
            } else if byte == UInt8(ascii: "="), digits.count % 4 >= 2 {
                padding += 1
                if digits.count % 4 + padding >= 4 { break }
            }
        }
        guard digits.count % 4 != 1 else { return nil }
        digits += [UInt8](repeating: UInt8(ascii: "="), count: (4 - digits.count % 4) % 4)
        return Base64.decode(String(decoding: digits, as: UTF8.self))
    }

    /// The bytes of quoted-printable (RFC 2045, 6.7), read as leniently as `quopri` does.
    private static func quotedPrintable(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for line in lines(text) {
            var index = line.startIndex
            let content = line.prefix { $0 != 0x0A && $0 != 0x0D }
            while index < line.endIndex {
                guard line[index] == UInt8(ascii: "=") else {
                    result.append(line[index])
                    index += 1
                    continue
                }
                if content[(index + 1)...].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { break }
                if index + 2 < line.endIndex, let high = hexDigit(line[index + 1]),
                    let low = hexDigit(line[index + 2])
                {
                    result.append(high << 4 | low)
                    index += 3
                } else {
                    result.append(line[index])
                    index += 1
                }
            }
        }
        return result
    }
}

/// The headers of a message, by their names in lower case.
private struct Headers {
    private var values: [(name: String, value: String)] = []

    /// Takes the headers and the empty line behind them.
    init(_ lines: inout ArraySlice<ArraySlice<UInt8>>) {
        var isFirst = true
        while let line = lines.first {
            let text = String(decoding: line, as: UTF8.self)
            if line.first == 0x20 || line.first == 0x09 {
                if !values.isEmpty { values[values.count - 1].value += text }
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
            {
                let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
                values.append((name, String(decoding: line[(colon + 1)...], as: UTF8.self)))
            } else if !(isFirst && text.hasPrefix("From ")) {
                // Whatever else ends them; an empty line is not of the body.
                if line.allSatisfy({ $0 == 0x0A || $0 == 0x0D }) { lines = lines.dropFirst() }
                return
            }
            lines = lines.dropFirst()
            isFirst = false
        }
    }

    var isEmpty: Bool { values.isEmpty }

    subscript(name: String) -> String? { values.first { $0.name == name }?.value }
}

/// The value of a header with parameters: `multipart/mixed; boundary="x"`.
private struct HeaderValue {
    let type: String
    private var parameters: [String: String] = [:]

    init(_ text: String) {
        var pieces = Self.pieces(text)
        let first = pieces.removeFirst().lowercased()
        type = first.filter { $0 == "/" }.count == 1 ? first : "text/plain"
        for piece in pieces {
            guard let equals = piece.firstIndex(of: "=") else { continue }
            var name = piece[..<equals].trimmed().lowercased()
            var value = Self.unquoted(piece[piece.index(after: equals)...].trimmed())
            // RFC 2231: `filename*=utf-8''a%20b`
            if name.hasSuffix("*") {
                name.removeLast()
                let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
                value = Self.percentDecoded(String(parts.last ?? ""))
            }
            if parameters[name] == nil { parameters[name] = value }
        }
    }

    subscript(name: String) -> String? { parameters[name] }

    /// The pieces between semicolons that stand in no quotes.
    private static func pieces(_ text: String) -> [String] {
        var pieces = [""]
        var isQuoted = false
        var isEscaped = false
        for character in text {
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
            if character == ";", !isQuoted {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        return pieces.map { $0.trimmed() }
    }

    private static func unquoted(_ text: String) -> String {
        guard text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast()).replacing("\\\\", with: "\\").replacing("\\\"", with: "\"")
    }

    private static func percentDecoded(_ text: String) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = Array(rest.prefix(2))
            if byte == UInt8(ascii: "%"), digits.count == 2, let high = hexDigit(digits[0]),
                let low = hexDigit(digits[1])
            {
                result.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// The value of a hexadecimal digit.
private func hexDigit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.flatMap { UInt8(exactly: $0) }
}
