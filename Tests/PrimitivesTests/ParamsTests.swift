import Basics
import Glibc
import Testing

@testable import Primitives

struct `limiq.params` {
    private let defaults: Value = [
        "count": 1, "debug": false, "name": "web-01", "none": [:], "packages": ["nginx"],
        "password": .secret("x"), "ratio": .double(0.5),
    ]

    private func params(_ overrides: [String: String], _ defaults: Value? = nil) throws -> Value {
        try HostSide.call("params.get", [defaults ?? self.defaults], in: paramsDefinitions(overrides))
    }

    @Test func `Defaults stand where nothing is set`() throws {
        #expect(try params([:]) == defaults)
    }

    @Test func `What is set has the type of its default`() throws {
        let answer = try params([
            "count": "3", "debug": "true", "name": "007", "none": "x", "packages": "curl,jq",
            "password": "hush", "ratio": "2",
        ])
        #expect(
            answer == [
                "count": 3, "debug": true, "name": "007", "none": ["x"], "packages": ["curl", "jq"],
                "password": .secret("hush"),
                "ratio": .double(2),
            ])
        #expect(try params(["packages": ""])["packages"] == [])
    }

    @Test(arguments: [
        ("count", "three", "--set count=three: count is a whole number"),
        ("count", "2.5", "--set count=2.5: count is a whole number"),
        ("debug", "yes", "--set debug=yes: debug is true or false"),
        ("ratio", "nan", "--set ratio=nan: ratio is a number"),
    ])
    func `A value of the wrong type is named with what is expected`(
        name: String, text: String, message: String
    ) {
        let refused = failure { try params([name: text]) }
        #expect(refused.code == .badField)
        #expect(refused.message == message)
    }

    @Test func `An unknown name is an error with the nearest one`() {
        #expect(failure { try params(["cuont": "3"]) }.hint == "did you mean count?")
        #expect(
            failure { try params(["zzzzzz": "3"]) }.hint?.hasPrefix("its parameters are count, debug") == true
        )
        #expect(failure { try params(["a": "3"], [:]) }.hint == "it takes none")
    }

    @Test func `A default of no type a caller could write is refused, set or not`() {
        #expect(failure { try params([:], ["x": ["a": 1]]) }.message.hasPrefix("the parameter x needs"))
        #expect(failure { try params([:], ["x": [1]]) }.message.hasPrefix("the parameter x needs"))
    }

    @Test func `A variable of the environment is text, or nil`() throws {
        let definitions = try environmentDefinitions(HostSide().environment)
        let path = try #require(getenv("PATH").map { String(cString: $0) })
        #expect(try HostSide.call("env.get", ["PATH"], in: definitions) == .string(path))
        #expect(try HostSide.call("env.get", ["LIMIQ_TEST_NOT_SET"], in: definitions) == .null)
    }
}
