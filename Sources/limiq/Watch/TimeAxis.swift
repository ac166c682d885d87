/// The ticks of an axis of time.
enum TimeAxis {
    private static let steps = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
        1800,
        3600, 7200, 14400,
    ]

    /// The distance of the ticks of an axis of so many seconds: at round numbers.
    static func step(span: Double, ticks: Double) -> Double {
        steps.first { span / $0 <= ticks } ?? (span / ticks / 86400).rounded(.up) * 86400
    }

    /// The text of a tick: seconds, and from the first minute on minutes: `0 s`, `30 s`, `1 min`, `1:30`, `2 h`, `2:15 h`.
    ///
    /// - Parameter tick: the distance of the ticks.
    static func label(_ seconds: Double, tick: Double) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if tick < 1 || seconds < 60 {
            let rounded = (seconds * 1000).rounded() / 1000
            return (rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)") + " s"
        }
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        if whole < 3600 { return rest == 0 ? "\(minutes) min" : "\(minutes):\(two(rest)) min" }
        if rest != 0 { return "\(hours):\(two(minutes)):\(two(rest)) h" }
        return minutes == 0 ? "\(hours) h" : "\(hours):\(two(minutes)) h"
    }
}
