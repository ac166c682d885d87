import Basics
import Testing
import YAML

struct `Reading YAML` {
    /// Texts whose meaning differs between readers, or that a reader gets wrong.
    private static let texts = [
        "a", "yes", "Yes", "YES", "yEs", "y", "no", "on", "Off", "true", "TRUE", "tRue", "~", "null", "NULL",
        "nULL", "",
        "0", "-0", "+0", "00", "0644", "0_7", "0_", "08", "0o17", "-017", "0x1f", "0xFG", "-0x_f", "0x",
        "0b101", "0b2", "1_000",
        "_1", "+12", "1__2", "12:30:45", "-1:30", "1:60", "1:5", "0:30", "1:30.5", "-1:30.25", "1:30.", "1.5",
        "1.", ".5",
        "-.5", "+.5", "._5", "1_0.2_5", "1e3", "1.0e3", "1.0e+3", "1.e-3", "1.5E+10", ".5e-3", ".inf",
        "-.INF", "+.Inf",
        ".nan", "-.nan", ".", "+", "-1", "9223372036854775807", "-9223372036854775808", "'yes'", "\"1\"",
        "!!str 1", "!!int '3'", "!!float 3", "!!float '2.5'", "!!null ''", "!!bool yes", "!!binary aGVsbG8=",
        "!!binary 'aGVs....bG8='", "!!binary a",
        "! 1",
        "!unknown x", "!!python/object:os.system x",
        "{a: 1, b: [x, y]}", "a: 1\na: 2\n", "? a\n: b\n", "a: &x 1\nb: *x\n", "- &x {a: 1}\n- *x\n",
        "base: &b {a: 1, b: 2}\nc:\n  <<: *b\n  b: 3\n",
        "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  c: 0\n  <<: [*x, *y]\n",
        "a: {<<: 3}", "a: {<<: [3]}", "- =", "=: 1", "- <<", "a: |\n  x\n   y\n\n", "a: >\n  x\n  y\n\n  z\n",
        "a: |+\n  x\n\n", "a: |-\n  x\n",
        "a: 'it''s'", "\"\\u00e9\\n\\x41\"", "a:\n- b\n- c\n", "a: b: c", "\ta: b", "a:\n\tb: c", "[a, b",
        "{a: b", "*missing", "a\n---\nb",
        "%YAML 1.1\n---\na", "# only a comment", "---\n", "--- |\n x\n", "'unterminated", "a: 1\n b: 2\n",
        "- a\nb: 1\n", "@a", "`a", "a: %b", "k: !!str",
        "\u{feff}a: 1", "a: \u{1}", "é: ü", "[1, 2,]", "[,]", "a: {b, c}", "-", "- - - a", "a: b #c",
        "a: b#c", "a:#b", "http://x:80/", "a: -", "a: [b]c",
    ]

    @Test func `A text means what it means to PyYAML, or is refused by both`() async throws {
        let loaded = try await PyYAML.load(Self.texts)
        try #require(loaded.count == Self.texts.count)
        for (text, meant) in zip(Self.texts, loaded) {
            // Of two keys of one name PyYAML takes the last without a word.
            let expected = text == "a: 1\na: 2\n" ? "error" : meant
            let own: String
            do { own = PyYAML.shown(try YAML.parse(text)) } catch { own = "error" }
            #expect(own == expected, "\(text)")
        }
    }

    @Test func `Dates stay the text they were written as`() throws {
        #expect(
            try YAML.parse("a: 2024-01-01\nb: 2024-01-01 12:30:00Z\n") == [
                "a": "2024-01-01", "b": "2024-01-01 12:30:00Z",
            ])
    }

    @Test func `What PyYAML takes for a date or time is known for one`() async throws {
        let texts = [
            "2024-01-01", "2024-1-1", "2024-01-1", "24-01-01", "2024-01-01T1:02:03", "2024-1-1 12:30:00Z",
            "2024-01-01t12:30:00.", "2024-01-01 12:30:00.5 +1", "2024-01-01 12:30:00 -01:30",
            "2024-01-01 12:30",
            "2024-01-01 12:30:00 z", "2024-01-01 12:30:00 +1:3", "2024-01-01 12:30:00 +123", "2024-01-01T",
            "2024-01-01 12:30:00.1.2", "'2024-01-01'", "!!str 2024-01-01", "! 2024-01-01", "2024-01-01x",
            "2024-01-01 123:30:00", "2024-01-01T12:30:00Zx", "!!timestamp '2024-01-01'",
        ]
        for (text, loaded) in zip(texts, try await PyYAML.load(texts)) {
            let node = try #require(try YAML.nodes(text).root)
            let isTimestamp = if case .timestamp = node.content { true } else { false }
            #expect(isTimestamp == loaded.hasPrefix("date"), "\(text): \(loaded)")
        }
    }

    @Test func `A key that is no text becomes the text it was written as`() throws {
        #expect(try YAML.parse("80: http\non: push\n~: x\n") == ["80": "http", "on": "push", "~": "x"])
    }

    @Test func `An error gives the file, line, column and the line itself`() {
        expect(
            "a: 1\nfoo: bar: baz\n",
            "web.yaml:2:9: mapping values are not allowed here: \"foo: bar: baz\"",
            hint: "quote a text that has a colon before a space")
        expect(
            "a:\n  b: 1\n\tc: 2\n",
            "web.yaml:3:1: found a tab, which cannot start any token: \"\tc: 2\"",
            hint: "indent with spaces, not tabs")
        expect("a: 1\nb: \u{7}\n", "web.yaml:2:4: special characters are not allowed (U+0007)")
        expect(
            "a: [1, 2\n",
            "web.yaml:2:1: expected ',' or ']' in the list that begins in line 1 but found the end of the text"
        )
        expect(
            "a: 99999999999999999999", "web.yaml:1:4: 99999999999999999999 does not fit into 64 bits",
            hint: "quote it: '99999999999999999999'")
        expect("a: 1\n\nb: 2\na: 3\n", "web.yaml:4:1: the key a is there twice, first in line 1: \"a: 3\"")
        expect("? [a]\n: b\n", "web.yaml:1:3: a list or a map cannot be a key")
        expect("a\n---\nb\n", "web.yaml:2:1: a second document begins here, and only one can be read")
    }

    @Test func `An alias cannot stand inside its own anchor`() {
        expect("&a [x, *a]", "web.yaml:1:8: the alias *a stands inside its own anchor")
    }

    @Test func `An anchor that is there twice is refused, as the guest's reader refuses it`() {
        expect(
            "locale: &a en_US\ntimezone: &a UTC\nhostname: *a\n",
            "web.yaml:2:11: the anchor &a is there twice, first in line 1")
    }

    @Test func `A whole number beyond 64 bits is a number where it is only looked at`() throws {
        let root = try #require(try YAML.nodes("sim-id: 89148000000060671234\n").root)
        #expect(root.entry("sim-id")?.node.content == .largeNumber("89148000000060671234"))
        #expect(root.value == ["sim-id": "89148000000060671234"])
    }

    @Test func `Keys that are the same to a person and not to a machine are two`() throws {
        let value = try YAML.parse("\u{E9}: 1\ne\u{301}: 2\n\u{2126}: 3\n\u{3A9}: 4\n")
        #expect(value["\u{E9}"] == 1)
        #expect(value["e\u{301}"] == 2)
        #expect(value.map?.count == 4)
    }

    @Test func `Aliases within aliases are as deep as what they stand for`() {
        var text = "a0: &a0 \(String(repeating: "[", count: 90))x\(String(repeating: "]", count: 90))\n"
        for level in 1...3 {
            let open = String(repeating: "[", count: 60)
            text += "a\(level): &a\(level) \(open)*a\(level - 1)\(open.replacing("[", with: "]"))\n"
        }
        expect(text, "web.yaml:3:69: lists and maps are nested more than 200 deep")
    }

    @Test func `Aliases that would expand beyond measure are refused`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let alias = "*a\(level - 1)"
            text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
        }
        expect(text, "the aliases expand to more than 100000 values")
        // One long text many times is as much.
        text = "- &a \(String(repeating: "x", count: 1 << 20))\n" + String(repeating: "- *a\n", count: 1000)
        expect(text, "the aliases expand to more than 100000 values")
    }

    @Test func `A text of more values than memory has room for is refused, and one of many duplicates soon`()
    {
        expect("[\(String(repeating: "[],", count: 2_000_001))x]", "it holds more than 2000000 values")
        let start = ContinuousClock.now
        expect(String(repeating: "a: 1\n", count: 100_000), "the key a is there twice")
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func `Nesting that would exhaust a thread's stack is refused`() {
        expect(
            String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
            "nested more than 200 deep")
        expect(
            (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined(), "nested more than 200 deep"
        )
    }

    @Test func `Nodes know the places of keys and values, aliases those of their anchors`() throws {
        let root = try #require(try YAML.nodes("a: 1\nb:\n  c: &x [é, 0644]\n  d: *x\n").root)
        let b = try #require(root.entry("b"))
        #expect(b.mark == YAMLMark(line: 2, column: 1))
        let d = try #require(b.node.entry("d"))
        #expect(d.mark == YAMLMark(line: 4, column: 3))
        #expect(d.node.mark == YAMLMark(line: 3, column: 6))
        guard case .list(let members) = d.node.content else {
            Issue.record("not a list")
            return
        }
        #expect(members[1].mark == YAMLMark(line: 3, column: 13))
        #expect(members[1].content == .scalar(420, text: "0644"))
    }

    @Test func `Duplicate keys are collected where they need not be errors, the last one counting`() throws {
        let stream = try YAML.nodes("a: 1\nb: {c: 1, c: 2}\na: 3\n")
        #expect(stream.root?.value == ["a": 3, "b": ["c": 2]])
        #expect(
            stream.duplicateKeys.map(\.mark) == [YAMLMark(line: 2, column: 11), YAMLMark(line: 3, column: 1)])
    }

    @Test func `Every document of a text is read`() throws {
        #expect(try YAML.documents("a\n---\n- 1\n...\n---\n") == ["a", [1], .null])
        #expect(try YAML.documents("") == [])
    }

    private func expect(
        _ text: String, _ message: String, hint: String? = nil, at location: SourceLocation = #_sourceLocation
    ) {
        do {
            let value = try YAML.parse(text, source: "web.yaml")
            Issue.record("was read as \(value)", sourceLocation: location)
        } catch {
            #expect(error.code == .badYAML, sourceLocation: location)
            #expect(error.message.contains(message), "\(error.message)", sourceLocation: location)
            if let hint { #expect(error.hint == hint, sourceLocation: location) }
        }
    }
}
