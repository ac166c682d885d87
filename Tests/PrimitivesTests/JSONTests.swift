import Basics
import HostFiles
import Records
import Support
import Testing

@testable import Primitives

struct `limiq.json` {
    @Test func `Values are written with sorted keys, whole numbers whole, and read back the same`() throws {
        let host = try HostSide()
        let value: Value = [
            "a": [1, .double(2.5), .null, true], "b": ["nested": [["deep": "ü/\"\\\n\u{1}"]]],
            "big": .int(.max),
            "empty": [:], "small": .int(.min),
        ]
        let text = try #require(try host.call("json.encode", value, in: jsonDefinitions).string)
        #expect(
            text
                == #"{"a":[1,2.5,null,true],"b":{"nested":[{"deep":"ü/\"\\\n\u0001"}]},"big":9223372036854775807,"empty":{},"small":-9223372036854775808}"#
        )
        #expect(try host.call("json.decode", .string(text), in: jsonDefinitions) == value)
        let pretty = try #require(
            try host.call("json.encode", value, ["pretty": true], in: jsonDefinitions).string)
        #expect(pretty.contains("\n  \"a\""))
        #expect(try host.call("json.decode", .string(pretty), in: jsonDefinitions) == value)
    }

    @Test func `Keys that are the same to a person and not to a machine are two`() throws {
        let host = try HostSide()
        let value: Value = ["e\u{301}": 2, "\u{E9}": 1, "\u{212A}": 3, "K": 4]
        let text = try #require(try host.call("json.encode", value, in: jsonDefinitions).string)
        #expect(Array(text.utf8) == Array("{\"K\":4,\"e\u{301}\":2,\"\u{E9}\":1,\"\u{212A}\":3}".utf8))
        let read = try host.call("json.decode", .string(text), in: jsonDefinitions)
        #expect(read["\u{E9}"] == 1)
        #expect(read["e\u{301}"] == 2)
        #expect(read.map?.count == 4)
    }

    @Test(
        arguments: [
            ("null", Value.null), ("true", true), ("-0", 0), ("1", 1), ("1.0", Value.double(1)),
            ("1e2", Value.double(100)), ("-1.5E-1", Value.double(-0.15)),
            (" \"\" ", ""), (#""\u00e9\ud83d\ude00\/\b""#, "é😀/\u{8}"), ("[]", []), ("[ [ ] ]", [[]]),
            ("{\"\":0}", ["": 0]), ("\u{feff}1", 1),
        ] as [(String, Value)])
    func `Scalars of every kind stand on their own`(text: String, value: Value) throws {
        let host = try HostSide()
        #expect(try host.call("json.decode", .string(text), in: jsonDefinitions) == value)
    }

    @Test(arguments: [
        (
            "{\n  \"a\": 1,\n  \"a\": 2\n}",
            "line 3, column 3: the key a is there twice, first in line 2: \"  \"a\": 2\""
        ),
        ("", "line 1, column 1: the text ends where a value should be"),
        ("[1,]", "line 1, column 4: a value should be here: \"[1,]\""),
        ("[1 2]", "line 1, column 4: expected , or ]: \"[1 2]\""),
        ("{\"a\" 1}", "line 1, column 6: expected : after the key a: \"{\"a\" 1}\""),
        ("{a: 1}", "line 1, column 2: expected a key in double quotes: \"{a: 1}\""),
        ("01", "line 1, column 1: a number cannot begin with 0: \"01\""),
        ("1.", "line 1, column 3: expected a digit: \"1.\""),
        ("+1", "line 1, column 1: a value should be here: \"+1\""),
        ("1 2", "line 1, column 3: something follows the value: \"1 2\""),
        (
            "123456789012345678901",
            "line 1, column 1: 123456789012345678901 does not fit into 64 bits: \"123456789012345678901\""
        ),
        ("1e999", "line 1, column 1: 1e999 does not fit into 64 bits: \"1e999\""),
        ("NaN", "line 1, column 1: a value should be here: \"NaN\""),
        ("\"é\t\"", "line 1, column 3: a control character stands in a text: \"\"é\t\"\""),
        ("\"a", "line 1, column 1: the text that begins here has no end: \"\"a\""),
        (#""\x""#, #"line 1, column 2: an unknown escape: ""\x"""#),
        (#""\ud800""#, #"line 1, column 2: half a surrogate pair: ""\ud800"""#),
        (#""\u12""#, #"line 1, column 2: \u needs four hexadecimal digits: ""\u12"""#),
    ])
    func `What is not JSON is refused with line and column`(text: String, message: String) throws {
        let host = try HostSide()
        let refused = failure { try host.call("json.decode", .string(text), in: jsonDefinitions) }
        #expect(refused.code == .badJSON)
        #expect(refused.message == message)
    }

    @Test func `A document has a bound, on its length and on its values`() throws {
        let long = failure { try parseJSON(Array("\"\(String(repeating: "x", count: 17 << 20))\"".utf8)) }
        #expect(long.message == "the text is longer than the 16 MiB a document may have")
        let many = failure { try parseJSON(Array("[\(String(repeating: "1,", count: 2_000_001))1]".utf8)) }
        #expect(many.message.contains("it holds more than 2000000 values"))
    }

    /// As many levels as are read, on a thread of the pool.
    @Test func `The deepest document fits on a thread's stack`() async throws {
        try await onThread {
            let host = try HostSide()
            let text = String(repeating: "[", count: 199) + String(repeating: "]", count: 199)
            for name in ["json", "yaml"] {
                try writeBytes(text.utf8, to: "\(host.folder)/deep")
                _ = try host.call("\(name).read", "deep") { jsonDefinitions($0) + yamlDefinitions($0) }
            }
        }
    }

    @Test func `Nesting beyond measure is an error, not a crash`() throws {
        let host = try HostSide()
        let text = String(repeating: "[", count: 100_000)
        #expect(
            failure { try host.call("json.decode", .string(text), in: jsonDefinitions) }.message.contains(
                "nested more than 200 deep"))
    }

    @Test func `Bytes that are not UTF-8 are refused both ways, with their place`() throws {
        let host = try HostSide()
        let text = Value.bytes(Array("{\n\"é\": \"".utf8) + [0xFF])
        #expect(
            failure { try host.call("json.decode", text, in: jsonDefinitions) }.message
                == "the text is not UTF-8: the first wrong byte is in line 2, column 7")
        let value: Value = ["a": [1, .bytes([255])]]
        #expect(
            failure { try host.call("json.encode", value, in: jsonDefinitions) }.message
                == "the value.a[2] is not UTF-8")
        #expect(
            failure { try host.call("json.encode", .double(.infinity), in: jsonDefinitions) }.message
                == "the value is inf, which JSON has no number for")
    }

    @Test func `A text with a secret in it is a secret`() throws {
        let host = try HostSide()
        #expect(
            try host.call("json.encode", ["p": .secret("hush")], in: jsonDefinitions)
                == .secret("{\"p\":\"hush\"}"))
    }

    @Test func `A file is read and named in the error`() throws {
        let host = try HostSide()
        _ = try host.call("file.write", "a.json", "{ \"name\": \"web\" }\n", in: fileDefinitions)
        #expect(try host.call("json.read", "a.json", in: jsonDefinitions) == ["name": "web"])
        _ = try host.call("file.write", "a.json", "{", in: fileDefinitions)
        #expect(
            failure { try host.call("json.read", "a.json", in: jsonDefinitions) }.message.hasPrefix(
                "a.json:1:2: expected a key"))
    }
}
