import Testing

@testable import limiq

@Suite struct `Text on a terminal` {
    @Test func `takes out of a guest's line what would steer the terminal`() {
        let line = "\u{1B}[2J\u{9B}31mred\u{7}\rback\u{202E}txt\ttab\u{0}"
        #expect(TerminalText.visible(line) == "[2J31mredbacktxt tab")
    }

    @Test(arguments: [
        ("web-01", 10, "web-01"), ("web-server-01", 6, "web-s…"), ("日本語サーバ", 7, "日本語…"), ("日本語", 4, "日…"),
        ("é\u{301}", 1, "é\u{301}"), ("abc", 0, ""),
    ])
    func `is cut to columns, not to characters`(text: String, width: Int, expected: String) {
        #expect(TerminalText.fit(text, width) == expected)
        #expect(TerminalText.columns(TerminalText.fit(text, width)) <= width)
    }

    @Test(arguments: [
        (0.4, "0 s"), (59.9, "59 s"), (65, "1m 05s"), (3599, "59m 59s"), (7_380, "2h 03m"),
    ])
    func `shows a time that runs in whole seconds`(seconds: Double, expected: String) {
        #expect(running(.seconds(seconds)) == expected)
    }
}
