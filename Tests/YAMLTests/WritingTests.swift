import Basics
import Support
import Testing
import YAML

struct `Writing YAML` {
    private static let nasty: [String] = [
        "", " ", "  x", "x  ", "yes", "No", "on", "OFF", "y", "n", "true", "null", "~", "007", "0644", "0o17",
        "0x1F",
        "0b1", "1e3", "1.0e+3", "1_000", ".5", "-.inf", ".nan", "12:30:00", "2024-01-01",
        "2024-01-01T12:00:00Z", "=",
        "<<", "#", "a #b", "a#b", "a: b", "a:", ":", "-", "- a", "?", "? a", "!", "!tag", "&a", "*a", "|",
        ">", "%", "@",
        "`", "'", "\"", "it's", "\"quoted\"", "[", "{a}", ",", "---", "...", "--- a", "\t", "\tx", "x\t",
        "a\tb", "\n",
        "\n\n", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na\n", " a\nb", "  a\n b\n", "a\n  b\n", "a \nb",
        "a\n \nb",
        "a\n\t\nb", "\ta\nb", "a\r\nb", "a\rb", "a\u{85}b", "a\u{2028}b", "a\nb\u{2029}", "\u{feff}",
        "\u{feff}a\nb", "\u{0}",
        "\u{1b}[0m", "\u{7f}", "é", "日本語\nb", "😀", "😀\nb\n", "#!/bin/sh\nset -e\necho \"$1\"\n", "#\n",
        "---\na\n",
        "a\n---\nb\n", "...\n", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", "$6$salt$hash/.", "a\\nb",
        "\\", "key: |\n  x\n",
        String(repeating: "long ", count: 60), String(repeating: "w", count: 300), "ends with colon:\nx: y\n",
        "\u{fffe}", "\u{e000}",
        "a: \u{301}b", "'\u{301}: ", "a \u{301}#b", "a\r\n", "\r\n", "a\n\r\nb", "a\n\u{301}b",
        String(repeating: "k", count: 1500), "a\n ", "a\n\t", "a\n  \n", "\ta\n", "\t\n a\n", "  \n a\n",
    ]

    @Test func `Every nasty text is read back by PyYAML as itself, as a value, a list member and a key`()
        async throws
    {
        let values = Self.nasty.flatMap { text in
            [
                .string(text), .list([.string(text), "x"]),
                .map(Map([.init(key: text, value: .string(text))])),
                [
                    "a": [
                        "b": .list([
                            .map(
                                Map([.init(key: "content", value: .string(text)), .init(key: "z", value: 1)]))
                        ])
                    ]
                ],
            ] as [Value]
        }
        try await expectRoundTrip(values)
    }

    @Test func `Random structures of every type are read back by PyYAML with the same values`() async throws {
        var generator = SeededGenerator(state: 20_240_601)
        try await expectRoundTrip((0..<600).map { _ in Self.value(depth: 0, &generator) })
    }

    @Test func `What is written is read back by this reader too`() throws {
        var generator = SeededGenerator(state: 7)
        for _ in 0..<600 {
            let value = Self.value(depth: 0, &generator)
            #expect(PyYAML.shown(try YAML.parse(YAML.write(value))) == PyYAML.shown(value))
        }
    }

    @Test func `A script is a literal block, a mode is quoted, and the same value gives the same text`() {
        let value: Value = [
            "write_files": [
                ["path": "/etc/x", "permissions": "0644", "content": "#!/bin/sh\n\techo hi\n"]
            ],
            "package_update": true, "count": 3, "ratio": .double(1e20), "none": .null, "empty": [],
            "nothing": [:],
            "password": .secret("hush"), "page": "<b>wörter</b>",
        ]
        let text = """
            write_files:
            - path: /etc/x
              permissions: '0644'
              content: |
                #!/bin/sh
                \techo hi
            package_update: true
            count: 3
            ratio: 1.0e+20
            none: null
            empty: []
            nothing: {}
            password: hush
            page: <b>wörter</b>

            """
        #expect(YAML.write(value) == text)
        #expect(YAML.write(value) == YAML.write(value))
    }

    private func expectRoundTrip(_ values: [Value]) async throws {
        let texts = values.map(YAML.write)
        let loaded = try await PyYAML.load(texts)
        try #require(loaded.count == values.count)
        for (index, value) in values.enumerated() {
            #expect(loaded[index] == PyYAML.shown(value), "\(value) was written as:\n\(texts[index])")
        }
    }

    private static func value(depth: Int, _ generator: inout SeededGenerator) -> Value {
        switch Int.random(in: 0..<(depth < 4 ? 12 : 9), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2: return .int(Int64.random(in: .min ... .max, using: &generator))
        case 3: return .int(Int64.random(in: -10...10, using: &generator))
        case 4: return .double(Double(Int64.random(in: -1_000_000...1_000_000, using: &generator)) / 128)
        case 5:
            let number = Double(bitPattern: generator.next())
            return .double(number.isNaN ? 0 : number)
        case 6:
            return .bytes(
                (0..<Int.random(in: 0..<20, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                })
        case 7, 8: return .string(text(&generator))
        case 9, 10:
            return .list(
                (0..<Int.random(in: 0..<4, using: &generator)).map { _ in value(depth: depth + 1, &generator)
                })
        default:
            var map = Map()
            for _ in 0..<Int.random(in: 0..<4, using: &generator) {
                map[text(&generator)] = value(depth: depth + 1, &generator)
            }
            return .map(map)
        }
    }

    /// A nasty text, or a row of characters that mean something in YAML.
    private static func text(_ generator: inout SeededGenerator) -> String {
        if Int.random(in: 0..<3, using: &generator) == 0 {
            return nasty.randomElement(using: &generator) ?? ""
        }
        let alphabet = Array(
            "ab01 .:-+_#'\"\\\n\n\t[]{},&*!|>%@`?~=<exoéß→😀\u{1}\u{a0}\u{2028}\u{301}".unicodeScalars)
        return (0..<Int.random(in: 0..<12, using: &generator)).reduce(into: "") { text, _ in
            text.unicodeScalars.append(alphabet.randomElement(using: &generator) ?? "a")
        }
    }
}
