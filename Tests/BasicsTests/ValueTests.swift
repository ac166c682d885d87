import Basics
import Testing

@Suite struct `Values` {
    @Test func `keep the order of a map through changes`() {
        var map: Map = ["b": 1, "a": 2, "c": 3]
        map["a"] = 4
        map["d"] = 5
        map["b"] = nil
        #expect(map.keys == ["a", "c", "d"])
        #expect(map["a"] == 4)
        #expect(map["b"] == nil)
        map["absent"] = nil
        #expect(map.count == 3)
    }

    @Test func `that are empty tables are a list or a map, as they are asked for`() {
        #expect(Value.map([:]).list == [])
        #expect(Value.list([]).map == Map())
        #expect(Value.map(["a": 1]).list == nil)
        #expect(Value.list([1]).map == nil)
    }

    @Test func `tell a script author their type in Lua's words`() {
        let values: [Value] = [nil, true, 1, .double(1), "a", .bytes([255]), [1], ["a": 1], .secret("x")].map
        { $0 ?? .null }
        #expect(
            values.map(\.typeName)
                == ["nil", "boolean", "number", "number", "string", "string", "table", "table", "secret"])
    }

    @Test func `give a member only where there is one`() {
        let value: Value = ["a": ["b": "c"]]
        #expect(value["a"]?["b"]?.string == "c")
        #expect(value["x"] == nil)
        #expect(Value.int(1)["a"] == nil)
        #expect(Value.string("1").int == nil)
        #expect(Value.int(1).bool == nil)
    }
}

@Suite struct `Failures` {
    @Test func `show the file, the cause and the way out, each once`() {
        let failure = Failure(.program, "cannot resize", hint: "look", resource: "/a.qcow2", cause: "no room")
        #expect(failure.description == "/a.qcow2: cannot resize: no room\n  hint: look")
        let plain = Failure(.io, "cannot read /a.qcow2: no room", resource: "/a.qcow2", cause: "no room")
        #expect(plain.description == "cannot read /a.qcow2: no room")
    }

    @Test func `have codes that compare by their word`() {
        #expect(Failure.Code(rawValue: "bad_field") == .badField)
        #expect(Failure(.io, "x") != Failure(.timeout, "x"))
    }
}

@Suite struct `The nearest name` {
    @Test(arguments: [
        ("size_gb", "size_gib"), ("pth", "path"), ("paht", "path"), ("Path", "path"),
        ("memory_mb", "memory_mib"),
    ])
    func `is found through a slip of the finger`(_ word: String, _ name: String) {
        #expect(nearestName(to: word, in: ["path", "size_gib", "memory_mib", "bus"]) == name)
    }

    @Test(arguments: ["colour", "zzzz", "", "b"])
    func `is none where nothing is near`(_ word: String) {
        #expect(nearestName(to: word, in: ["path", "size_gib", "memory_mib"]) == nil)
    }

    @Test func `is the first by the alphabet where two are as near`() {
        #expect(nearestName(to: "cat", in: ["hat", "bat"]) == "bat")
    }
}
