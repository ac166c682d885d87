/// The names a file has besides its own: ISO 9660's and Joliet's, unique in their folder.
struct ISONames {
    /// ISO 9660 identifiers by node: `USER_DATA.;1`.
    private(set) var plain: [[UInt8]]
    /// Joliet identifiers by node: UCS-2, big-endian.
    private(set) var joliet: [[UInt8]]

    /// The most characters that Joliet has room for, in halves of UTF-16.
    static let jolietLimit = 64

    init(_ tree: ISOTree) {
        plain = Array(repeating: [0], count: tree.nodes.count)
        joliet = plain
        for folder in tree.nodes where folder.isFolder {
            var plainNames = UniqueNames<UInt8>(limit: 30)
            var jolietNames = UniqueNames<UInt16>(limit: Self.jolietLimit)
            for child in folder.children {
                let node = tree.nodes[child]
                let text = String(decoding: node.name, as: UTF8.self)

                let (base, ending) = Self.split(
                    text.unicodeScalars.map(Self.plainCharacter), isFolder: node.isFolder)
                let unique = plainNames.claim(base.map(Self.withoutDot), Array(ending.prefix(8)))
                // 30 and the dot and the version make 33, the most ECMA-119 (10.2) lets a level 2 volume have.
                plain[child] =
                    node.isFolder ? unique.base : unique.base + [Self.dot] + unique.ending + Array(";1".utf8)

                let units = Self.split(text.utf16.map(Self.jolietUnit), isFolder: node.isFolder)
                let name = jolietNames.claim(units.base, Array(units.ending.prefix(16)))
                let whole = name.ending.isEmpty ? name.base : name.base + [UInt16(Self.dot)] + name.ending
                joliet[child] = whole.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
            }
        }
    }

    private static let dot = UInt8(ascii: ".")
    private static let underscore = UInt8(ascii: "_")

    private static func plainCharacter(_ scalar: Unicode.Scalar) -> UInt8 {
        switch scalar {
        case "A"..."Z", "0"..."9", ".": UInt8(ascii: scalar)
        case "a"..."z": UInt8(ascii: scalar) - 32
        default: underscore
        }
    }

    private static func withoutDot(_ character: UInt8) -> UInt8 { character == dot ? underscore : character }

    /// The unit that stands for another in Joliet, which forbids control characters and `* / : ; ? \`.
    private static func jolietUnit(_ unit: UInt16) -> UInt16 {
        switch unit {
        case 0..<32, 0x2A, 0x2F, 0x3A, 0x3B, 0x3F, 0x5C: UInt16(underscore)
        default: unit
        }
    }

    /// Divides a name at the last dot; one that begins with its only dot, or a folder's, has no ending.
    private static func split<Unit: FixedWidthInteger>(
        _ name: [Unit], isFolder: Bool
    ) -> (base: [Unit], ending: [Unit]) {
        guard !isFolder, let at = name.lastIndex(of: Unit(dot)), at > 0, at < name.count - 1 else {
            return (name, [])
        }
        return (Array(name[..<at]), Array(name[(at + 1)...]))
    }
}

/// Shortens names and numbers those that would fall together, in constant time each.
private struct UniqueNames<Unit: FixedWidthInteger> {
    struct Name: Hashable {
        let base: [Unit]
        let ending: [Unit]
    }

    /// The most units of base and ending together.
    let limit: Int
    private var taken: Set<Name> = []
    /// The last number given to names that begin alike.
    private var numbers: [Name: Int] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func claim(_ base: [Unit], _ ending: [Unit]) -> Name {
        // The dot counts in Joliet's limit and not in ISO 9660's; leaving room for it serves both.
        let room = limit - ending.count - (ending.isEmpty ? 0 : 1)
        let name = Name(base: Self.cut(base, room), ending: ending)
        if taken.insert(name).inserted { return name }
        // One counter for all names with this stem: trying from 1 for each would be quadratic.
        let stem = Name(base: Self.cut(base, room - 7), ending: ending)
        var number = numbers[stem] ?? 0
        while true {
            number += 1
            let numbered = Name(base: stem.base + "_\(number)".utf8.map { Unit($0) }, ending: ending)
            if taken.insert(numbered).inserted {
                numbers[stem] = number
                return numbered
            }
        }
    }

    /// Cuts to a length, and never between the two halves of a surrogate pair.
    private static func cut(_ units: [Unit], _ length: Int) -> [Unit] {
        guard units.count > length else { return units }
        let kept = units.prefix(length)
        if Unit.bitWidth == 16, let last = kept.last, last & ~0x3FF == 0xD800 as Int {
            return Array(kept.dropLast())
        }
        return Array(kept)
    }
}
