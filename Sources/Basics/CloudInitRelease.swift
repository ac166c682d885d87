/// The release of cloud-init that a guest has, as its publisher counts them: `22.4.2`; or whichever is the newest.
public struct CloudInitRelease: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The release of a guest that gets each one by its publisher's updates.
    public static let newest = CloudInitRelease(numbers: [.max])

    private let numbers: [Int]

    private init(numbers: [Int]) { self.numbers = numbers }

    /// - Returns: `nil` for what is neither `newest` nor two or more numbers with points between them.
    public init?(_ text: String) {
        if text == "newest" {
            self = .newest
            return
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        numbers = parts.compactMap { part in
            guard part.count <= 4, part.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { return nil }
            return Int(String(decoding: part, as: UTF8.self))
        }
        guard numbers.count == parts.count, numbers.count >= 2 else { return nil }
    }

    /// The release without what only mends it: `22.4` of `22.4.2`.
    public var series: CloudInitRelease { CloudInitRelease(numbers: Array(numbers.prefix(2))) }

    public static func < (left: Self, right: Self) -> Bool {
        left.numbers.lexicographicallyPrecedes(right.numbers)
    }

    public var description: String {
        self == .newest ? "newest" : numbers.map(String.init).joined(separator: ".")
    }
}
