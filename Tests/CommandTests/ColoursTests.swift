import Foundation
import Support
import Testing

@testable import limiq

@Suite struct `The colours` {
    @Test(arguments: [
        (true, ["TERM": "xterm-256color"], true),
        (false, ["TERM": "xterm-256color"], false),
        (true, ["TERM": "dumb"], false),
        (true, [:], false),
        (true, ["TERM": ""], false),
        (true, ["TERM": "xterm", "CLICOLOR": "0"], false),
        (true, ["TERM": "xterm", "CLICOLOR": "1"], true),
        (true, ["TERM": "xterm", "NO_COLOR": "1"], false),
        (true, ["TERM": "xterm", "NO_COLOR": "0"], false),
        (true, ["TERM": "xterm", "NO_COLOR": ""], true),
        (false, ["CLICOLOR_FORCE": "1"], true),
        (false, ["CLICOLOR_FORCE": "0"], false),
        (false, ["CLICOLOR_FORCE": ""], false),
        (false, ["CLICOLOR_FORCE": "1", "TERM": "dumb", "CLICOLOR": "0"], true),
        (false, ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false),
    ])
    func `are there as the environment and the stream say`(
        isTerminal: Bool, environment: [String: String], isOn: Bool
    ) {
        #expect(Colours(isTerminal: isTerminal) { environment[$0] }.isOn == isOn)
    }

    /// The luminance of a colour of the 256 (xterm's cube and greys), by WCAG 2.2.
    private static func luminance(_ number: Int) -> Double {
        func channel(_ value: Int) -> Double {
            let part = Double(value) / 255
            return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
        }
        if number >= 232 { return channel(8 + 10 * (number - 232)) }
        let levels = [0, 95, 135, 175, 215, 255]
        let cube = number - 16
        return 0.2126 * channel(levels[cube / 36]) + 0.7152 * channel(levels[cube / 6 % 6])
            + 0.0722 * channel(levels[cube % 6])
    }

    @Test(arguments: Tone.allCases) func `can be read on a white ground and on a black one`(tone: Tone) {
        let luminance = Self.luminance(tone.number)
        #expect(1.05 / (luminance + 0.05) >= 3.8, "on white")
        #expect((luminance + 0.05) / 0.05 >= 3.8, "on black")
    }

    @Test func `are the only control sequences in text that is painted`() {
        let colours = Colours(isOn: true)
        let painted = colours.paint("a\u{1B}[2J\nb", .bad) + Colours.none.paint("\u{1B}")
        #expect(painted.text == "\u{1B}[38;5;160ma^[[2J\u{1B}[m\n\u{1B}[38;5;160mb\u{1B}[m^[")
    }

    @Test func `of a table are those of its cells, and its columns stay in line`() {
        let rows = [["NAME", "STATE"], ["a", "running"], ["long\u{1B}", "off"]]
        let painted = table(rows, Colours(isOn: true)) { row, column in row > 0 && column == 1 ? .good : nil }
        #expect(painted.text.replacing(#/\x{1B}\[(38;5;[0-9]+)?m/#, with: "") == table(rows))
        #expect(painted.text.contains("\u{1B}[38;5;28mrunning\u{1B}[m"))
    }

    @Test(arguments: ["plan one.lua", "doctor", "check one.lua bad.lua", "show nothing"])
    func `are in a pipe where they are forced, and take nothing away`(words: String) async throws {
        try await LimiqCommand.with { limiq in
            try Data("limiq.vm {".utf8).write(to: URL(fileURLWithPath: limiq.folder + "/bad.lua"))
            let one = "require(\"limiq\").vm { name = \"web\", memory = \"64MiB\" }:up { wait = \"running\" }"
            try Data(one.utf8).write(to: URL(fileURLWithPath: limiq.folder + "/one.lua"))
            func run(_ variables: [String: String]) async throws -> CommandResult {
                try await command(
                    program, words.split(separator: " ").map(String.init),
                    environment: limiq.environment.merging(variables) { $1 }, folder: limiq.folder)
            }
            let plain = try await run([:])
            let forced = try await run(["CLICOLOR_FORCE": "1"])
            let none = try await run(["CLICOLOR_FORCE": "1", "NO_COLOR": "1"])
            #expect(!(plain.output + plain.errors).contains("\u{1B}"))
            #expect(!(none.output + none.errors).contains("\u{1B}"))
            func stripped(_ text: String) -> String { text.replacing(#/\x{1B}\[(38;5;[0-9]+)?m/#, with: "") }
            #expect((forced.output + forced.errors).contains("\u{1B}[38;5;"), "\(words)")
            #expect(stripped(forced.errors) == plain.errors)
            if words != "doctor" { #expect(stripped(forced.output) == plain.output) }
        }
    }
}
