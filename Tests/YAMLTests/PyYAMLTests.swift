import Basics
import Foundation
import Support
import Testing
import YAML

/// PyYAML's `SafeLoader`, which cloud-init reads with, is the oracle: `json` of what it loads.
private func pyYAML(_ documents: [String]) async throws -> [String] {
    let script = """
        import json, sys, yaml
        def plain(v):
            if isinstance(v, dict): return {"map": [[str(k), plain(x)] for k, x in v.items()]}
            if isinstance(v, list): return {"list": [plain(x) for x in v]}
            return {type(v).__name__: repr(v)}
        for text in json.load(sys.stdin):
            try: print(json.dumps(plain(yaml.safe_load(text))))
            except Exception as e: print(json.dumps({"error": type(e).__name__}))
        """
    let input = String(decoding: try JSONEncoder().encode(documents), as: UTF8.self)
    let result = try await command("/usr/bin/python3", ["-c", script], input: input)
    #expect(result.status == 0, "\(result.errors)")
    return result.lines
}

@Suite("YAML as cloud-init reads it")
struct PyYAMLTests {
    static let nasty = [
        "yes", "No", "on", "007", "0644", "0o17", "1e3", "1.5e+3", "null", "~", "", " ", "12:30:45", "1:60",
        "2024-01-01",
        "2024-1-1 12:00:00", "=", "<<", "a: b", "a #b", "#a", "- a", "-", "?", "!tag", "&a", "*a", "@a", "`a",
        "%a", "'", "\"",
        "a'b", "0x1F", "0b101", "1_000", ".5", "5.", "+1", "-1", "--1", ".inf", "-.inf", ".nan", "true",
        "False", "TRUE",
        "trailing ", " leading", "tab\there", "two\nlines", "two\nlines\n", "two\n\nlines\n\n",
        "\nfirst empty", "trail \nspace",
        "  indented\nthen not", "é", "日本語", "emoji 😀", "\u{7F}", "\u{85}", "\u{1B}[31m", "\u{2028}",
        "\u{FEFF}", "\r\n", "a\rb",
        "#cloud-config", "---", "...", "{", "}", "[", "]", ",", ":", "a:", ":a", "|", ">", "1", "10", "1.0",
        "9223372036854775808",
        "99999999999999999999999999", "0", "00", "08", "190:20:30", "1e+3", "e3", "1.e+3", "._1", "_1", "0.",
        "+.5", "-0", "-0.0",
    ]

    @Test("every nasty text is read back as the same text")
    func texts() async throws {
        let answers = try await pyYAML(
            Self.nasty.map { writeYAML(["key": .string($0), "list": .list([.string($0)])]) })
        for (text, answer) in zip(Self.nasty, answers) {
            let read = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
            let pairs = read?["map"] as? [[Any]]
            let value = (pairs?.first?.last as? [String: String])?["str"]
            #expect(value == repr(text), "\(text.debugDescription) was read as \(answer)")
        }
    }

    @Test("what PyYAML makes of a plain scalar, limiq makes of it")
    func scalars() async throws {
        // PyYAML's own parser rejects a tab inside a plain scalar; libyaml, which the specification bears out, does not.
        let texts = Self.nasty.filter { !$0.contains("\n") && !$0.contains("\t") }
        let answers = try await pyYAML(texts.map { "k: " + $0 })
        for (text, answer) in zip(texts, answers) {
            let ours = try? parseYAML("k: " + text).value
            if answer.contains("\"error\"") {
                #expect(
                    ours == nil,
                    "PyYAML rejects \(text.debugDescription), limiq reads \(String(describing: ours))")
                continue
            }
            guard let ours, let value = ours["k"] else {
                // Dates that are none are an error to PyYAML only when it builds them.
                #expect(Bool(false), "limiq rejects \(text.debugDescription), PyYAML reads \(answer)")
                continue
            }
            let kind = kind(value)
            let theirs =
                answer.contains("\"date") ? "str" : String(answer.split(separator: "\"")[safe: 5] ?? "")
            #expect(kind == theirs, "\(text.debugDescription) is \(answer) to PyYAML and \(value) to limiq")
        }
    }

    @Test("random documents are read back as the same values")
    func randomDocuments() async throws {
        var generator = Seeded(state: 42)
        let values = (0..<150).map { _ in randomValue(depth: 4, &generator) }
        let answers = try await pyYAML(values.map(writeYAML))
        for (value, answer) in zip(values, answers) {
            let read = try JSONSerialization.jsonObject(with: Data(answer.utf8))
            #expect(same(value, read), "\(writeYAML(value)) was read as \(answer)")
            #expect(try parseYAML(writeYAML(value)).value == value)
        }
    }

    @Test("a script of several lines stays readable")
    func literal() {
        #expect(
            writeYAML(["run": "#!/bin/sh\necho one\necho two\n"])
                == "run: |\n  #!/bin/sh\n  echo one\n  echo two\n")
    }

    @Test(
        "what is wrong is told with its line and column",
        arguments: [
            ("a: 1\nb: [1, 2\n", "line 3, column 1"),
            ("a: 1\na: 2\n", "line 2, column 1: the key a stands twice"),
            ("a: *b", "line 1, column 4: the anchor b"), ("a: \tb\n\t- c", "line 2"),
        ])
    func errors(document: String, message: String) {
        #expect { try parseYAML(document) } throws: { ($0 as? Failure)?.message.contains(message) == true }
    }

    @Test("aliases that multiply are refused before they fill the memory")
    func laughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            text +=
                "a\(level): &a\(level) ["
                + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect { try parseYAML(text) } throws: {
            ($0 as? Failure)?.message.contains("without bound") == true
        }
    }

    private func kind(_ value: Value) -> String {
        switch value {
        case .null: "NoneType"
        case .bool: "bool"
        case .int: "int"
        // PyYAML's integers have no end.
        case .double(let number): number.magnitude >= 9.2e18 && number.isFinite ? "int" : "float"
        case .string, .secret: "str"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "dict"
        }
    }
}

/// Python's `repr` of a text is compared by reading it back: the quotes and escapes of printable texts are simple.
private func repr(_ text: String) -> String {
    let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    var result = quote
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\\": result += "\\\\"
        case "'" where quote == "'": result += "\\'"
        case _ where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value):
            result += "\\x" + hex(scalar.value, 2)
        case "\u{2028}", "\u{FEFF}": result += "\\u" + hex(scalar.value, 4)
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + quote
}

private func hex(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: width - digits.count) + digits
}

private func same(_ value: Value, _ read: Any) -> Bool {
    guard let read = read as? [String: Any], let (kind, content) = read.first else { return false }
    switch value {
    case .null: return kind == "NoneType"
    case .bool(let flag): return kind == "bool" && content as? String == (flag ? "True" : "False")
    case .int(let number): return kind == "int" && content as? String == "\(number)"
    case .double(let number): return kind == "float" && (content as? String).flatMap(Double.init) == number
    case .string(let text): return kind == "str" && content as? String == repr(text)
    case .list(let members):
        guard let list = content as? [Any], list.count == members.count else { return false }
        return zip(members, list).allSatisfy { same($0, $1) }
    case .map(let map):
        guard let pairs = content as? [[Any]], pairs.count == map.count else { return false }
        return zip(map.entries, pairs).allSatisfy { $0.key == $1.first as? String && same($0.value, $1[1]) }
    case .bytes, .secret: return false
    }
}

private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 33)
    }
}

private func randomValue(depth: Int, _ generator: inout Seeded) -> Value {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &generator) {
    case 0: return .null
    case 1: return .bool(.random(using: &generator))
    case 2: return .int(.random(in: -1_000_000...1_000_000, using: &generator))
    case 3: return .double(Double(Int.random(in: -1000...1000, using: &generator)) * 1.25e7)
    case 4, 5: return .string(PyYAMLTests.nasty.randomElement(using: &generator) ?? "")
    case 6:
        return .list(
            (0..<Int.random(in: 0..<4, using: &generator)).map { _ in
                randomValue(depth: depth - 1, &generator)
            })
    default:
        var map = Map()
        for index in 0..<Int.random(in: 0..<4, using: &generator) {
            map.append(
                "k\(index) \(PyYAMLTests.nasty.randomElement(using: &generator) ?? "")".replacing(
                    "\n", with: " "), randomValue(depth: depth - 1, &generator))
        }
        return .map(map)
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
