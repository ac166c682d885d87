import Basics
import Testing

@testable import Primitives

struct `limiq.yaml` {
    @Test func `A value is written and read back; nothing is null`() throws {
        let host = try HostSide()
        let value: Value = ["mode": "0644", "ports": [80, 443], "script": "#!/bin/sh\necho\n"]
        let text = try host.call("yaml.encode", value, in: yamlDefinitions)
        #expect(text == "mode: '0644'\nports:\n- 80\n- 443\nscript: |\n  #!/bin/sh\n  echo\n")
        #expect(try host.call("yaml.decode", text, in: yamlDefinitions) == value)
        #expect(try host.call("yaml.encode", .null, in: yamlDefinitions) == "null\n")
        #expect(try host.call("yaml.encode", ["a": .secret("x")], in: yamlDefinitions) == .secret("a: x\n"))
    }

    @Test func `Errors give the place, and the file where there is one`() throws {
        let host = try HostSide()
        let refused = failure { try host.call("yaml.decode", "a: 1\na: 2\n", in: yamlDefinitions) }
        #expect(refused.code == .badYAML)
        #expect(refused.message == "line 2, column 1: the key a is there twice, first in line 1: \"a: 2\"")
        _ = try host.call("file.write", "a.yaml", "a: b: c", in: fileDefinitions)
        #expect(
            failure { try host.call("yaml.read", "a.yaml", in: yamlDefinitions) }.message.hasPrefix(
                "a.yaml:1:5: "))
        #expect(
            failure { try host.call("yaml.decode", .bytes([0xFF]), in: yamlDefinitions) }.message.contains(
                "line 1, column 1"))
        #expect(failure { try host.call("yaml.read", "none.yaml", in: yamlDefinitions) }.code == .notFound)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `Base64 is that of RFC 4648`(plain: String, encoded: String) throws {
        let host = try HostSide()
        #expect(try host.call("base64.encode", .string(plain), in: base64Definitions) == .string(encoded))
        #expect(try host.call("base64.decode", .string(encoded), in: base64Definitions) == .string(plain))
    }

    @Test func `Base64 of a secret is one, and a text can be UTF-16 before, as Windows hides passwords`()
        throws
    {
        let host = try HostSide()
        let windows: Value = ["encoding": "utf-16le"]
        // The example of Microsoft's documentation of AdministratorPassword.
        #expect(
            try host.call("base64.encode", "pwAdministratorPassword", windows, in: base64Definitions)
                == "cAB3AEEAZABtAGkAbgBpAHMAdAByAGEAdABvAHIAUABhAHMAcwB3AG8AcgBkAA==")
        #expect(
            try host.call("base64.encode", .secret("é𝄞"), windows, in: base64Definitions)
                == .secret("6QA02B7d"))
        #expect(
            try host.call("base64.encode", .secret("hello"), in: base64Definitions) == .secret("aGVsbG8="))
        #expect(
            failure { try host.call("base64.encode", .bytes([0xFF]), windows, in: base64Definitions) }.message
                .contains("not UTF-8"))
        #expect(
            failure { try host.call("base64.encode", .int(3), in: base64Definitions) }.message
                == "bytes must be a string, not 3")
    }

    @Test func `Bytes survive base64, and what is no base64 is refused`() throws {
        let host = try HostSide()
        let bytes = Value.bytes((0...255).map { UInt8($0) })
        let text = try host.call("base64.encode", bytes, in: base64Definitions)
        #expect(try host.call("base64.decode", text, in: base64Definitions) == bytes)
        for text in ["A", "AA=A", "A===", "äöü"] as [Value] {
            #expect(failure { try host.call("base64.decode", text, in: base64Definitions) }.code == .badField)
        }
    }
}
