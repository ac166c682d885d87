/// The permission bits of a file. In a configuration they are a decimal number.
struct FileMode {
    let bits: Int64

    private static let all: ClosedRange<Int64> = 0...0o7777
    private static let special: Int64 = 0o7000
    /// The permissions that people give.
    private static let usual: Set<Int64> = [
        0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o710,
        0o711,
        0o744, 0o750, 0o751, 0o754, 0o755, 0o770, 0o771, 0o774, 0o775, 0o777,
    ]

    /// The mode that a text such as `0644` stands for; `nil` for one that is no usual mode.
    init?(octal: String) {
        guard let bits = Int64(octal, radix: 8), Self.all.contains(bits), Self(bits: bits).isUsual
        else { return nil }
        self.bits = bits
    }

    private init(bits: Int64) { self.bits = bits }

    private var isUsual: Bool { Self.usual.contains(bits & ~Self.special) }
    private var octal: String { "0" + String(bits, radix: 8) }

    var hint: String { "\(octal) is \(bits), as neither JSON nor Lua has octal numbers" }

    /// The complaint about a number that is no mode, or surely another than was meant: 644 for 0644.
    static func complaint(_ number: Int64, _ version: IgnitionVersion) -> IgnitionComplaint? {
        let meant = Self(octal: String(number))
        guard all.contains(number) else {
            return .error("is no mode: \(number), and they go to \(all.upperBound), 07777", hint: meant?.hint)
        }
        let mode = Self(bits: number)
        if let meant, !mode.isUsual {
            return .warning("is \(number), which is the mode \(mode.octal)", hint: meant.hint)
        }
        guard number & special != 0, version.minor < 6 else { return nil }
        return .warning(
            "is \(mode.octal), of which setuid, setgid and sticky bit get lost before version 3.6.0")
    }
}
