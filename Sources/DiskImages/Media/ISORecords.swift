/// The pieces an ISO 9660 image is made of: numbers in both byte orders, directory records, Rock Ridge fields.
///
/// Source: ECMA-119 (sections named below), SUSP and RRIP 1.09. Every date is 1 January 1980, so that the same files
/// make the same bytes.
enum ISORecords {
    static let sector = 2048

    /// The date of everything (section 9.1.5): years since 1900, month, day, hour, minute, second, offset from UTC.
    static let date: [UInt8] = [80, 1, 1, 0, 0, 0, 0]
    /// The date in digits (section 8.4.26.1).
    static let longDate = Array("1980010100000000".utf8) + [0]
    static let noLongDate = Array("0000000000000000".utf8) + [0]

    /// The number in both byte orders (section 7.3.3): little-endian, then big-endian.
    static func both32(_ value: Int) -> [UInt8] {
        little32(value) + little32(value).reversed()
    }

    static func both16(_ value: Int) -> [UInt8] {
        let low = UInt8(truncatingIfNeeded: value)
        let high = UInt8(truncatingIfNeeded: value >> 8)
        return [low, high, high, low]
    }

    static func little32(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// The bytes of a directory record; even.
    static func recordLength(identifier: Int, systemUse: Int) -> Int {
        let fixed = 33 + identifier + (identifier % 2 == 0 ? 1 : 0)
        return (fixed + systemUse + 1) / 2 * 2
    }

    /// The directory record (section 9.1).
    static func record(
        identifier: [UInt8], extent: Int, size: Int, isFolder: Bool, systemUse: [UInt8] = []
    ) -> [UInt8] {
        let length = recordLength(identifier: identifier.count, systemUse: systemUse.count)
        var bytes: [UInt8] = [UInt8(length), 0]
        bytes.reserveCapacity(length)
        bytes += both32(extent)
        bytes += both32(size)
        bytes += date
        bytes += [isFolder ? 2 : 0, 0, 0]
        bytes += both16(1)
        bytes.append(UInt8(identifier.count))
        bytes += identifier
        if identifier.count % 2 == 0 { bytes.append(0) }
        bytes += systemUse
        if bytes.count < length { bytes.append(0) }
        return bytes
    }

    /// The field of RRIP 4.1.1: POSIX mode, links, owner, group.
    static func posix(mode: UInt16, links: Int) -> [UInt8] {
        Array("PX".utf8) + [36, 1] + both32(Int(mode)) + both32(links) + both32(0) + both32(0)
    }

    /// The field of RRIP 4.1.6: modified, accessed, attributes changed.
    static let times: [UInt8] = Array("TF".utf8) + [26, 1, 0x0E] + date + date + date

    /// The length of PX and TF together.
    static let commonLength = 36 + 26

    /// The fields of RRIP 4.1.4: a name, in as many as it needs.
    static func name(_ name: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = name[...]
        repeat {
            let part = rest.prefix(250)
            rest = rest.dropFirst(250)
            bytes += Array("NM".utf8) + [UInt8(part.count + 5), 1, rest.isEmpty ? 0 : 1] + part
        } while !rest.isEmpty
        return bytes
    }

    /// The field of SUSP 5.3: this volume uses the protocol.
    static let sharing: [UInt8] = Array("SP".utf8) + [7, 1, 0xBE, 0xEF, 0]

    /// The field of SUSP 5.1: the record goes on elsewhere.
    static func continuation(block: Int, offset: Int, length: Int) -> [UInt8] {
        Array("CE".utf8) + [28, 1] + both32(block) + both32(offset) + both32(length)
    }

    static let continuationLength = 28

    /// The field of SUSP 5.5 and RRIP 4.3: the extension in use is Rock Ridge.
    static let extensionReference: [UInt8] = {
        let id = Array("RRIP_1991A".utf8)
        let description = Array(
            "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS".utf8)
        let source = Array(
            ("PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN PRIMARY VOLUME "
                + "DESCRIPTOR FOR CONTACT INFORMATION.").utf8)
        let lengths = [id.count, description.count, source.count].map { UInt8($0) }
        let length = UInt8(8 + id.count + description.count + source.count)
        return Array("ER".utf8) + [length, 1] + lengths + [1] + id + description + source
    }()
}
