import Basics
import Foundation
import Support
import Testing
import YAML

@testable import GuestConfig
@testable import JSONSchema

/// The validator by itself, on small schemas.
struct `JSON schema` {
    /// Each problem as `path message (hint)`.
    private func problems(_ schema: String, _ yaml: String) throws -> [String] {
        let document = try #require(try YAML.nodes(yaml).root)
        return try JSONSchema.read(schema).problems(of: document, keyName: "key").map { problem in
            "\(problem.path) \(problem.message)" + (problem.hint.map { " (\($0))" } ?? "")
        }
    }

    @Test(arguments: CloudConfigSchema.all)
    func `The shipped schemas use no keyword, type or pattern that is not known, and are whole`(
        schema: CloudConfigSchema
    ) throws {
        #expect(try schema.keys().isSuperset(of: ["users", "runcmd", "write_files", "ca-certs"]))
        #expect(schema.text.hasSuffix("}\n"))
    }

    @Test(arguments: [
        #"{"minLength": 3}"#, #"{"type": "text"}"#, #"{"properties": {"a": {"not": []}}}"#,
        #"{"deprecated": true, "deprecated_version": 22}"#,
        ##"{"$ref": "#/$defs/a"}"##, ##"{"$ref": "http://x/y"}"##,
        ##"{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}"##,
        #"{"pattern": "\\d+"}"#, #"{"pattern": "(?:a)"}"#, #"{"pattern": "("}"#, #"{"minItems": 1.5}"#,
        #"{"additionalItems": false}"#, #"{"items": [{}]}"#, #"{"enum": 3}"#, #"{"properties": []}"#,
    ])
    func `A schema that could not be followed in full is refused`(schema: String) {
        let failure = #expect(throws: Failure.self) { try JSONSchema.read(schema) }
        #expect(failure?.code == .internal)
    }

    @Test func `A type that does not fit says what does, and when quotes would help`() throws {
        func found(_ type: String, _ yaml: String) throws -> [String] {
            try problems(#"{"properties": {"a": {"type": \#(type)}}}"#, "a: \(yaml)")
        }
        #expect(try found(#""string""#, "x") == [])
        #expect(try found(#""string""#, "!!binary H4s=") == [])
        #expect(try found(#""string""#, "yes") == ["a must be a text, not yes (quote it: 'yes')"])
        #expect(try found(#""string""#, "0644") == ["a must be a text, not 0644 (quote it: '0644')"])
        #expect(
            try found(#""string""#, "2030-01-01") == ["a must be a text, not a date (quote it: '2030-01-01')"]
        )
        #expect(try found(#""string""#, "[x]") == ["a must be a text, not a list"])
        #expect(try found(#"["string", "null"]"#, "") == [])
        #expect(
            try found(#"["integer", "boolean"]"#, "secret") == [
                "a must be a whole number or true or false, not a text"
            ])
        #expect(try found(#""integer""#, "1.0") == ["a must be a whole number, not 1.0"])
        #expect(try found(#""number""#, "1") == [])
        #expect(try found(#""boolean""#, "1") == ["a must be true or false, not 1"])
        #expect(try found(#""object""#, "[]") == ["a must be a map, not a list"])
    }

    @Test func `A key that is not known is named with its path and the nearest one`() throws {
        let schema = #"""
            {"properties": {"users": {"items": {"properties": {"name": {}, "shell": {}}, "required": ["name"],
             "additionalProperties": false}}}}
            """#
        #expect(
            try problems(schema, "users:\n- name: a\n  shel: b\n- shell: c\n- name: d\n  zzz: e") == [
                "users[1].shel is no key (did you mean shell?)", "users[2] has no name",
                "users[3].zzz is no key (the keys here are name, shell)",
            ])
        let patterned =
            #"{"patternProperties": {"^[a-z]+$": {"type": "integer"}}, "additionalProperties": false}"#
        #expect(
            try problems(patterned, "a: 1\nb: x\nC: 1") == [
                "b must be a whole number, not a text", "C is no key",
            ])
        #expect(
            try problems(#"{"additionalProperties": {"type": "string"}}"#, "a b: 1") == [
                "[\"a b\"] must be a text, not 1 (quote it: '1')"
            ])
    }

    @Test func `Of several forms the one that was meant is told about, or all in one line`() throws {
        let schema = ##"""
            {"$defs": {"user": {"type": "object", "additionalProperties": false, "properties": {"name": {"type": "string"},
               "uid": {"oneOf": [{"type": "integer"}, {"type": "string", "deprecated": true, "description": "Dropped soon. Use ``x``."}]}}}},
             "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"$ref": "#/$defs/user"}]}
            """##
        #expect(try problems(schema, "text") == [])
        #expect(
            try problems(schema, "3") == [" must be a text, a list of texts or a map, not 3 (quote it: '3')"])
        #expect(try problems(schema, "[a, 1]") == ["[2] must be a text, not 1 (quote it: '1')"])
        #expect(try problems(schema, "nam: a") == ["nam is no key (did you mean name?)"])
        #expect(try problems(schema, "uid: '1'") == ["uid is deprecated (dropped soon; use x)"])
        #expect(try problems(schema, "uid: []") == ["uid must be a whole number, not a list"])

        let required = #"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#
        #expect(try problems(required, "c: 1") == [" needs a or b"])
        #expect(try problems(required, "{a: 1, b: 1}") == [])
        let excluded = #"{"allOf": [{"not": {"required": ["a", "b"]}}, {"not": {"required": ["c", "d"]}}]}"#
        #expect(try problems(excluded, "{a: 1, c: 1}") == [])
        #expect(try problems(excluded, "{a: 1, b: 1}") == [" has both a and b (leave a alone)"])
        #expect(try problems(#"{"not": {"type": "string"}}"#, "text") == [" is what must not be here"])
        let exclusive = #"{"oneOf": [{"type": "integer"}, {"type": "number"}]}"#
        #expect(try problems(exclusive, "1") == [" fits more than one of a whole number and a number"])
        #expect(try problems(exclusive, "1.5") == [])
        let named = #"""
            {"oneOf": [{"properties": {"type": {"enum": ["log"]}}, "additionalProperties": false},
             {"properties": {"type": {"enum": ["web"]}, "url": {}}, "required": ["url"], "additionalProperties": false}]}
            """#
        #expect(
            try problems(named, "type: web\nuri: x") == [" has no url", "uri is no key (did you mean url?)"])
        let words =
            #"{"oneOf": [{"enum": ["auto"]}, {"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+K$"}]}"#
        #expect(
            try problems(words, "outo") == [
                " must be \"auto\", a whole number of 0 or more or a text that matches ^[0-9]+K$, not \"outo\""
            ])
    }

    @Test func `Counts, limits, patterns and formats`() throws {
        #expect(try problems(#"{"minItems": 1}"#, "[]") == [" is empty"])
        #expect(try problems(#"{"minItems": 2, "maxItems": 3}"#, "[1]") == [" has 1 members, not 2 or more"])
        #expect(try problems(#"{"maxItems": 1}"#, "[1, 2]") == [" has 2 members, more than 1"])
        #expect(try problems(#"{"minProperties": 1}"#, "{}") == [" is empty"])
        #expect(try problems(#"{"minimum": 0}"#, "-1") == [" must be 0 or more"])
        #expect(try problems(#"{"maximum": 9}"#, "10") == [" must be 9 or less"])
        #expect(try problems(#"{"maxLength": 3}"#, "abcd") == [" must be of 3 characters or less"])
        #expect(try problems(#"{"maxLength": 3}"#, "äöü") == [])
        #expect(
            try problems(#"{"uniqueItems": true}"#, "[1, true, a, 1.0]") == [
                "[4] is there already, and each may be there once only"
            ])
        #expect(try problems(#"{"pattern": "^.+:.+$"}"#, "secret") == [" does not match ^.+:.+$"])
        #expect(
            try problems(#"{"format": "date"}"#, "'2030-02-29'") == [" must be a date such as \"2030-12-31\""]
        )
        #expect(try problems(#"{"format": "date"}"#, "'2028-02-29'") == [])
        #expect(try problems(#"{"format": "hostname"}"#, "a_b") == [" \"a_b\" is no host name"])
        #expect(try problems(#"{"format": "uri"}"#, "http://a/b") == [])
        #expect(try problems(#"{"format": "uri"}"#, "a b") == [" \"a b\" is no URI"])
        #expect(try problems(#"{"enum": [1, "b"]}"#, "true") == [" must be 1 or \"b\", not true"])
    }

    @Test func `A pattern finds what Python's re.search finds`() async throws {
        let patterns = [
            "^[0-9a-zA-Z_]+$", "^[0-9a-zA-Z -_]+$", "^\\+?[0-9]+$", "^[-_0-9a-zA-Z]+(,[-_0-9a-zA-Z]+)*$",
            "^.+:.+$", "^.+$", "^(dsa|ecdsa|ed25519|rsa)_(public|private|certificate)$", "^.*$",
            "^([0-9]+)?\\.?[0-9]+[BKMGT]$", "[.]", "b.d", "d$",
        ]
        let texts = [
            "", "a", "a\n", "a\nb", "\n", "\n\n", "a:b", "a:b\nc", "a:\n", "+12", "12\n", "12\n\n", ".5G",
            "1.5G", "5g",
            "a b-c", "\u{e9}", "a,b", "a,", "rsa_public", "rsa_publicx", ".", "b.d", "bxd", "b\nd",
            "\u{1F600}",
        ]
        let program = """
            import json, re, sys
            p, t = json.load(sys.stdin)
            print("".join(str(int(bool(re.search(x, y)))) for x in p for y in t))
            """
        let input = String(decoding: try JSONEncoder().encode([patterns, texts]), as: UTF8.self)
        let answer = try await command("/usr/bin/python3", ["-c", program], input: input)
        let found = try patterns.flatMap { pattern in
            let pattern = try SchemaPattern(pattern)
            return texts.map { pattern.matches($0) ? "1" : "0" }
        }
        #expect(answer.output == found.joined() + "\n")
    }
}
