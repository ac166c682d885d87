import Basics
import Testing

@testable import limiq

@Suite struct `Text on a terminal` {
    @Test(arguments: [
        ("\u{1B}[2J", "^[[2J"), ("red\u{7}\rback", "red^G^Mback"), ("a\u{0}b\u{7F}", "a^@b^?"),
        ("\u{9B}31m", "\\u{9b}31m"), ("\u{85}", "\\u{85}"), ("a\u{202E}txt", "a\\u{202e}txt"),
        ("\u{2066}\u{2069}\u{200F}\u{61C}", "\\u{2066}\\u{2069}\\u{200f}\\u{61c}"),
        ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"), ("\u{FEFF}", "\\u{feff}"), ("\u{E0041}", "\\u{e0041}"),
        ("two\nlines\r\n", "two^Jlines^M^J"), ("a\ttab", "a tab"), ("日本語 é ½ \u{301}", "日本語 é ½ \u{301}"),
    ])
    func `shows by a sign what would steer the terminal`(text: String, shown: String) {
        #expect(TerminalText.visible(text) == shown)
    }

    @Test func `keeps the line ends and tabs of limiq's own lines`() {
        #expect(TerminalText.visibleLines("a\tb\n\u{1B}c\r\n") == "a\tb\n^[c^M\n")
    }

    @Test func `sets in the further lines of what went wrong`() {
        #expect(
            TerminalText.complaint("limiq: it says: one\nlimiq: two\n  hint: three\n\nfour")
                == "limiq: it says: one\n  limiq: two\n  hint: three\n\n  four")
    }

    @Test func `is the same JSON when it is visible`() throws {
        let text = "\u{7F}\u{9B}\u{202E}\u{E0041}\u{2028}\\\"é日"
        let json = TerminalText.visible(json: "[\"\u{7F}\u{9B}\u{202E}\u{E0041}\u{2028}\\\\\\\"é日\"]")
        #expect(json == #"["\u007f\u009b\u202e\udb40\udc41\u2028\\\"é日"]"#)
        #expect(try JSONReader.read(json, source: "") == [.string(text)])
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
