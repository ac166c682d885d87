/// A date, or a date and time, as PyYAML reads it: `2024-01-31`, `2024-1-31T12:30:00.5 +1:30`.
struct Timestamp {
    private let year, month, day: Int
    /// The month and the day have two digits.
    let hasFullDate: Bool
    let hasTime: Bool
    private var hour = 0
    private var minute = 0
    private var second = 0
    /// The distance from UTC, without its sign.
    private var offsetMinutes = 0

    /// The parts of a text that is `yyyy-m-d`, or that with `h:mm:ss` behind `t` or blanks, `(\.[0-9]*)?` and
    /// `([ \t]*(Z|[-+]h(:mm)?))?`, months, days and hours of one or two digits; `nil` for another.
    init?(_ text: ArraySlice<UInt8>) {
        var rest = text
        func digits(_ range: ClosedRange<Int>) -> (value: Int, count: Int)? {
            let digits = rest.prefix(range.upperBound).prefix { Scalar.isDigit($0) }
            guard range.contains(digits.count) else { return nil }
            rest = rest.dropFirst(digits.count)
            return (digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }, digits.count)
        }
        func take(_ characters: String) -> Bool {
            guard let first = rest.first, characters.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        func takeBlanks() -> Bool {
            let count = rest.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        guard let year = digits(4...4), take("-"), let month = digits(1...2), take("-"),
            let day = digits(1...2)
        else { return nil }
        (self.year, self.month, self.day) = (year.value, month.value, day.value)
        hasFullDate = month.count == 2 && day.count == 2
        hasTime = !rest.isEmpty
        guard hasTime else { return }
        guard take("Tt") || takeBlanks(), let hour = digits(1...2), take(":"), let minute = digits(2...2),
            take(":"),
            let second = digits(2...2)
        else { return nil }
        (self.hour, self.minute, self.second) = (hour.value, minute.value, second.value)
        if take(".") { rest = rest.drop { Scalar.isDigit($0) } }
        if rest.isEmpty { return }
        _ = takeBlanks()
        if !take("Z") {
            guard take("-+"), let hours = digits(1...2) else { return nil }
            offsetMinutes = hours.value * 60
            if take(":") {
                guard let minutes = digits(2...2) else { return nil }
                offsetMinutes += minutes.value
            }
        }
        guard rest.isEmpty else { return nil }
    }

    /// Whether the day is in the calendar and the time on the clock, as Python's `datetime` asks for.
    var isPossible: Bool {
        guard year >= 1, (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60,
            offsetMinutes < 1440
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}
