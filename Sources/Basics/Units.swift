/// A size in bytes, written with a binary unit: `512MiB`, `20GiB`, `1TiB`.
public struct ByteSize: Sendable, Hashable {
    public var bytes: UInt64

    public init(bytes: UInt64) { self.bytes = bytes }
    public init(mib: UInt64) { bytes = mib << 20 }
    public init(gib: UInt64) { bytes = gib << 30 }

    private static let units: [(name: String, shift: UInt64)] = [
        ("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("PiB", 50),
    ]

    /// - Throws: `Failure` with code `bad_field`, its message without the field's name.
    public init(parsing text: String) throws(Failure) {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Double(digits), number >= 0 else {
            throw Failure(
                .badField, "\"\(text)\" is not a size", hint: "write a number and a unit, as in \"20GiB\"")
        }
        guard let shift = Self.units.first(where: { $0.name == unit })?.shift else {
            let binary = Self.units.first { $0.name.first == unit.first?.uppercased().first }?.name
            throw Failure(
                .badField, "\"\(text)\" has no unit limiq knows",
                hint: binary.map { "write \"\(digits)\($0)\": sizes are in powers of 1024" }
                    ?? "units are MiB, GiB and TiB")
        }
        let value = number * Double(UInt64(1) << shift)
        guard value < Double(Int64.max) else { throw Failure(.badField, "\"\(text)\" is too large") }
        bytes = UInt64(value)
    }
}

extension ByteSize: CustomStringConvertible {
    /// The shortest exact form: `20 GiB`, `1536 MiB`, `100 bytes`.
    public var description: String {
        for unit in Self.units.reversed() where bytes != 0 && bytes % (1 << unit.shift) == 0 {
            return "\(bytes >> unit.shift) \(unit.name)"
        }
        return "\(bytes) bytes"
    }
}

extension Duration {
    /// Reads a span written as `500ms`, `5s`, `10m`, `2h`, or several of these in a row (`1m30s`).
    ///
    /// - Throws: `Failure` with code `bad_field`, its message without the field's name.
    public init(parsing text: String) throws(Failure) {
        let complaint = Failure(
            .badField, "\"\(text)\" is not a duration",
            hint: "write a number of seconds or a text such as \"500ms\", \"5s\", \"10m\", \"2h\"")
        var rest = Substring(text)
        var seconds = 0.0
        guard !rest.isEmpty else { throw complaint }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let scale: Double? = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400][String(unit)]
            guard let number = Double(digits), let scale else { throw complaint }
            seconds += number * scale
        }
        guard seconds < 1e9 else { throw complaint }
        self = .seconds(seconds)
    }
}
