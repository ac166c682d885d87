import Glibc

/// An IP address: 4 bytes (IPv4) or 16 (IPv6, RFC 4291), the most significant first.
public struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads an address in figures, without prefix length, zone or port; `nil` for any other text.
    public init?(_ text: String) {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if text.utf8.contains(0) { return nil }
            if inet_pton(family, text, &bytes) == 1 {
                self.bytes = bytes
                return
            }
        }
        return nil
    }

    public var isIPv4: Bool { bytes.count == 4 }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(isIPv4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// IPv4 before IPv6, and within one family by number.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.bytes.count == right.bytes.count
            ? left.bytes.lexicographicallyPrecedes(right.bytes) : left.bytes.count < right.bytes.count
    }

    /// The address so many after this one; `nil` beyond the last of the family.
    public func advanced(by count: UInt64) -> IPAddress? {
        var (bytes, carry) = (bytes, count)
        for index in bytes.indices.reversed() {
            let (sum, overflows) = carry.addingReportingOverflow(UInt64(bytes[index]))
            bytes[index] = UInt8(truncatingIfNeeded: sum)
            carry = (sum >> 8) + (overflows ? 1 << 56 : 0)
        }
        return carry == 0 ? IPAddress(bytes: bytes) : nil
    }

    /// The number of addresses from another one of the family to this one; `nil` where this one is before it, or too far.
    public func distance(from other: IPAddress) -> UInt64? {
        guard bytes.count == other.bytes.count, other <= self else { return nil }
        var (difference, borrow): ([UInt8], Int) = ([], 0)
        for (own, base) in zip(bytes, other.bytes).reversed() {
            let value = Int(own) - Int(base) - borrow
            borrow = value < 0 ? 1 : 0
            difference.append(UInt8(truncatingIfNeeded: value))
        }
        guard difference.dropFirst(8).allSatisfy({ $0 == 0 }) else { return nil }
        return difference.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// The addresses that share a prefix, `10.77.0.0/24` (RFC 4632).
public struct IPRange: Sendable, Hashable, CustomStringConvertible {
    /// The first address: all its bits behind the prefix are 0.
    public let base: IPAddress
    /// The number of leading bits that the addresses share.
    public let prefix: Int

    /// The range that an address is in.
    public init(around address: IPAddress, prefix: Int) {
        base = IPAddress(
            bytes: address.bytes.enumerated().map { index, byte in
                byte & Self.mask(ofByte: index, prefix)
            })
        self.prefix = prefix
    }

    /// Reads an address with a prefix length, `10.77.0.1/24`: the range that it is in.
    ///
    /// - Parameter isExact: whether the address must be the first of the range.
    public init?(_ text: String, isExact: Bool = true) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let prefix = Int(parts[1]),
            (0...address.bytes.count * 8).contains(prefix),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        self.init(around: address, prefix: prefix)
        if isExact, base != address { return nil }
    }

    public var description: String { "\(base)/\(prefix)" }

    /// The last address of the range; IPv4's is that of all hosts.
    public var last: IPAddress {
        IPAddress(
            bytes: base.bytes.enumerated().map { index, byte in byte | ~Self.mask(ofByte: index, prefix) })
    }

    /// The address after the first, which a network's host has itself.
    package var hostAddress: IPAddress? { base.advanced(by: 1) }

    public func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == base.bytes.count && base <= address && address <= last
    }

    public func overlaps(_ other: IPRange) -> Bool {
        contains(other.base) || other.contains(base)
    }

    private static func mask(ofByte index: Int, _ prefix: Int) -> UInt8 {
        let bits = min(max(prefix - index * 8, 0), 8)
        return bits == 0 ? 0 : ~UInt8(0) << UInt8(8 - bits)
    }
}
