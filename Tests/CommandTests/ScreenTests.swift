import Testing

@testable import limiq

@Suite struct `What is drawn on a screen` {
    @Test func `is written over what was drawn before, line by line`() {
        var screen = Screen()
        #expect(screen.draw(["a", "b"], width: 80) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(screen.draw(["c"], width: 80) == "\r\u{1B}[2Ac\u{1B}[K\n\u{1B}[J")
        #expect(screen.erase(width: 80) == "\r\u{1B}[1A\u{1B}[J")
        #expect(screen.erase(width: 80).isEmpty)
    }

    @Test func `goes below lines that stay`() {
        var screen = Screen()
        _ = screen.draw(["a"], width: 80)
        #expect(
            screen.draw(["b"], above: ["kept"], width: 80)
                == "\r\u{1B}[1A\u{1B}[Jkept\nb\u{1B}[K\n\u{1B}[J")
    }

    @Test func `is found again where a narrower terminal has wrapped it`() {
        var screen = Screen()
        _ = screen.draw([String(repeating: "x", count: 79), "\u{1B}[31mshort\u{1B}[m"], width: 80)
        #expect(screen.erase(width: 40) == "\r\u{1B}[3A\u{1B}[J")
    }

    @Test func `leaves a line of output without an end where it is, and lets it go on there`() {
        var screen = Screen()
        screen.printed(Array("one\nhalf".utf8))
        #expect(screen.draw(["a"], width: 80) == "\na\u{1B}[K\n\u{1B}[J")
        #expect(screen.erase(width: 80) == "\r\u{1B}[1A\u{1B}[J\u{1B}[1A\u{1B}[Jhalf")
        screen.printed(Array(" and half\n".utf8))
        #expect(screen.draw(["a"], width: 80) == "a\u{1B}[K\n\u{1B}[J")
    }
}
