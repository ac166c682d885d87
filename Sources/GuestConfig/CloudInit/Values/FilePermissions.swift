import Basics
import YAML

/// The permissions of a file, as `decode_perms` of cloud-init reads them.
enum FilePermissions: Equatable {
    case mode(Int64)
    /// The value is none that is judged.
    case none
    /// The text is no octal number: the file gets 0644.
    case unreadable
    /// The number was meant as octal, but is not written so: it makes this mode, in octal digits.
    case decimal(String)
    /// The mode is 0, which cloud-init takes for nothing to do.
    case unset
    /// The number has bits that no mode has.
    case outside

    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar(.int(let number), let text): self = Self.number(number, text)
        case .scalar(.string(let text), _): self = Self.octal(text).map(Self.judged) ?? .unreadable
        default: self = .none
        }
    }

    private static func judged(_ number: Int64) -> FilePermissions {
        if number == 0 { return .unset }
        // The kernel takes no more of it than the mode; git writes a file's kind before it.
        let isMode = (0...0o7777).contains(number) || (0o100000...0o107777).contains(number)
        return isMode ? .mode(number & 0o7777) : .outside
    }

    /// A number without quotes: YAML's `0644` is 420, and right; `644` is 01204.
    private static func number(_ number: Int64, _ text: String) -> FilePermissions {
        let isDecimal = text.first != "0" && text.utf8.allSatisfy { (48...57).contains($0) }
        guard isDecimal, let meant = Int64(text, radix: 8), isSensible(meant), meant != number,
            !isSensible(number) || meant & 0o77 == 0
        else { return judged(number) }
        let digits = String(number & 0o7777, radix: 8)
        return .decimal(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
    }

    /// Whether a mode is one that people write: the owner may what the group may, and the group what all may.
    private static func isSensible(_ mode: Int64) -> Bool {
        let (owner, group, others) = (mode >> 6 & 7, mode >> 3 & 7, mode & 7)
        return (0o100...0o7777).contains(mode) && owner & group == group && group & others == others
    }

    /// Python's `int(text, 8)`.
    private static func octal(_ text: String) -> Int64? {
        var rest = text.trimmed()[...]
        var sign: Int64 = 1
        if rest.hasPrefix("-") { sign = -1 }
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest = rest.dropFirst() }
        if rest.lowercased().hasPrefix("0o") {
            rest = rest.dropFirst(2)
            // An underscore may follow the base.
            if rest.hasPrefix("_") { rest = rest.dropFirst() }
        }
        let parts = rest.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...55).contains($0) } }) else {
            return nil
        }
        // More than any mode has.
        guard let number = Int64(parts.joined(), radix: 8) else { return .max }
        return sign * number
    }
}
