import Glibc

/// A day of the calendar, `2028-06-30`.
public struct Day: Sendable, Equatable, Comparable, CustomStringConvertible {
    public let description: String

    /// - Returns: `nil` for what is no day.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            (1...12).contains(month), (1...Self.days(of: month, in: year)).contains(day)
        else { return nil }
        description = text
    }

    /// The day it is, by Greenwich's clock: the ends of distributions are not told by the hour.
    public static var today: Day {
        var now = time(nil)
        var fields = tm()
        gmtime_r(&now, &fields)
        return Day(year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday))
    }

    public static func < (left: Day, right: Day) -> Bool { left.description < right.description }

    private init(year: Int, month: Int, day: Int) {
        description = [(year, 4), (month, 2), (day, 2)].map { number, width in
            let figures = String(number)
            return String(repeating: "0", count: max(0, width - figures.utf8.count)) + figures
        }.joined(separator: "-")
    }

    private static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
