import Glibc

/// What a colour says beside the words, which say it too.
enum Tone: CaseIterable {
    case good, caution, bad, faint

    /// The colour by its number of 256. These four can be read on a white ground and on a black one: a terminal does
    /// not say which it has, and its own yellow is for one of the two.
    var number: Int {
        switch self {
        case .good: 28
        case .caution: 130
        case .bad: 160
        case .faint: 244
        }
    }
}

/// Text for a terminal: what is quoted in it has been made visible, and its only control sequences are limiq's colours.
struct Painted: Sendable {
    fileprivate(set) var text = ""

    static func + (left: Painted, right: Painted) -> Painted { Painted(text: left.text + right.text) }
    static func += (left: inout Painted, right: Painted) { left.text += right.text }
}

extension Sequence<Painted> {
    func joined(separator: String = "") -> Painted {
        Painted(text: map(\.text).joined(separator: TerminalText.visibleLines(separator)))
    }
}

/// The decision whether a stream gets colours, and the colours (ECMA-48, SGR).
///
/// `NO_COLOR` (https://no-color.org) comes first, then `CLICOLOR_FORCE` and `CLICOLOR` (https://bixense.com/clicolors).
struct Colours: Sendable {
    static let none = Colours(isOn: false)
    static let output = Colours(of: STDOUT_FILENO)
    static let errors = Colours(of: STDERR_FILENO)

    let isOn: Bool

    init(isOn: Bool) { self.isOn = isOn }

    init(isTerminal: Bool, environment: (String) -> String?) {
        func value(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        if value("NO_COLOR") != nil {
            isOn = false
        } else if let force = value("CLICOLOR_FORCE"), force != "0" {
            isOn = true
        } else {
            isOn = isTerminal && value("CLICOLOR") != "0" && (value("TERM") ?? "dumb") != "dumb"
        }
    }

    private init(of stream: Int32) {
        self.init(isTerminal: isatty(stream) == 1) { name in getenv(name).map { String(cString: $0) } }
    }

    /// Lines of limiq's own, whatever is quoted in them.
    ///
    /// - Parameter tone: `nil` for the terminal's own colour.
    func paint(_ text: some StringProtocol, _ tone: Tone? = nil) -> Painted {
        let shown = TerminalText.visibleLines(text)
        guard isOn, let tone, !shown.isEmpty else { return Painted(text: shown) }
        // A line each: what is cut by a pager or a filter stays coloured, and nothing else is.
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false)
        return Painted(
            text: lines.map { $0.isEmpty ? "" : "\u{1B}[38;5;\(tone.number)m\($0)\u{1B}[m" }
                .joined(separator: "\n"))
    }
}
