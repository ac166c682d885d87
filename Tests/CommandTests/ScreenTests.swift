import Testing

@testable import limiq

@Suite struct `What is drawn on a screen` {
    private static let size = TerminalSize(columns: 80, rows: 24)

    @Test func `is written over what was drawn before, line by line`() {
        var screen = Screen()
        #expect(screen.draw(["a", "b"], Self.size) == "a\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(screen.draw(["c"], Self.size) == "\r\u{1B}[2Ac\u{1B}[K\r\u{1B}[B\u{1B}[J")
        #expect(screen.erase(Self.size) == "\r\u{1B}[1A\u{1B}[2K\n\u{1B}[J\u{1B}[A")
        #expect(screen.erase(Self.size).isEmpty)
    }

    @Test func `erases the row where the new line is shorter`() {
        var screen = Screen()
        _ = screen.draw(["long", "b"], Self.size)
        #expect(
            screen.draw(["a", "bc"], Self.size)
                == "\r\u{1B}[2A\u{1B}[2Ka\u{1B}[K\r\u{1B}[Bbc\u{1B}[K\r\u{1B}[B\u{1B}[J")
    }

    @Test func `goes below lines that stay`() {
        var screen = Screen()
        _ = screen.draw(["a"], Self.size)
        #expect(
            screen.draw(["b"], above: ["kept"], Self.size)
                == "\r\u{1B}[1A\u{1B}[2K\n\u{1B}[J\u{1B}[Akept\nb\u{1B}[K\n\u{1B}[J")
    }

    @Test func `is found again where a narrower terminal has wrapped it`() {
        var screen = Screen()
        _ = screen.draw([String(repeating: "x", count: 79), "\u{1B}[31mshort\u{1B}[m"], Self.size)
        #expect(screen.erase(TerminalSize(columns: 40, rows: 24)).hasPrefix("\r\u{1B}[3A"))
    }

    @Test func `is found again where wide letters do not fill the rows they were wrapped into`() {
        var screen = Screen()
        // Of 5 columns each row holds two letters of two, and one stays empty.
        _ = screen.draw([String(repeating: "語", count: 6)], Self.size)
        #expect(screen.erase(TerminalSize(columns: 5, rows: 24)).hasPrefix("\r\u{1B}[3A"))
    }

    @Test func `is taken away where a lower terminal has pushed it out, and a higher one gives it back`() {
        var screen = Screen()
        let lines = (1...10).map { "line \($0)" }
        _ = screen.draw(lines, Self.size)
        // Of ten rows and the cursor's, five are left: six are pushed out.
        let low = TerminalSize(columns: 80, rows: 5)
        #expect(screen.draw(["a", "b", "c"], low).hasPrefix("\r\u{1B}[10A"))
        // Whether it has given them back already is not known before its size is.
        #expect(screen.draw(["b", "b", "c"], low).hasPrefix("\r\u{1B}[3A"))
        #expect(screen.draw(["d", "e", "f"], Self.size).hasPrefix("\r\u{1B}[9A"), "the six and its three")
        #expect(screen.draw(["g"], Self.size).hasPrefix("\r\u{1B}[3A"))
    }

    @Test func `leaves alone what was printed after something was pushed out`() {
        var screen = Screen()
        _ = screen.draw((1...10).map { "line \($0)" }, Self.size)
        let low = TerminalSize(columns: 80, rows: 5)
        _ = screen.draw(["a"], low)
        _ = screen.draw(["a"], above: ["told"], low)
        #expect(screen.draw(["b"], Self.size).hasPrefix("\r\u{1B}[1A"))
    }

    @Test func `leaves a line of output without an end where it is, and lets it go on there`() {
        var screen = Screen()
        screen.printed(Array("one\nhalf".utf8))
        #expect(screen.draw(["a"], Self.size) == "\na\u{1B}[K\n\u{1B}[J")
        #expect(
            screen.erase(Self.size)
                == "\r\u{1B}[1A\u{1B}[2K\n\u{1B}[J\u{1B}[A\u{1B}[1A\u{1B}[2K\n\u{1B}[J\u{1B}[Ahalf")
        screen.printed(Array(" and half\n".utf8))
        #expect(screen.draw(["a"], Self.size) == "a\u{1B}[K\n\u{1B}[J")
    }
}
