import Basics
import LuaRuntime
import MachineSpec
import Records
import Testing

@testable import Primitives

private struct Disk: Sendable, Equatable {
    enum Bus: String, SpecChoice {
        static let prefix = "DISK_BUS_"
        case virtio = "DISK_BUS_VIRTIO"
        case sata = "DISK_BUS_SATA"
    }
    var id = ""
    var size: UInt64 = 0
    var bus = Bus.virtio
    var readonly = false
    var path: String?
    var tags: [String] = []
    var link: Link?
}

private struct Link: Sendable, Equatable {
    var state = ""
}

private struct Spec: Sendable, Equatable {
    var name = ""
    var disks: [Disk] = []
    var labels: [String: String] = [:]
    var timeout = Duration.seconds(1)
}

private let disk = Record(
    "Disk", "A disk.", make: { Disk() },
    fields: [
        Field("id", \.id, .string, required: true, "Its name."),
        Field("size", \.size, .int(0...100), "GiB."),
        Field("bus", \.bus, .choice(), "How it is attached."),
        Field("readonly", \.readonly, .bool, "No writes."),
        Field("path", \.path, .path, "Where it is."),
        Field("tags", \.tags, .list(of: .string), "What it is for."),
        Field("link", \.link, .record(link), "How it is."),
    ])

private let link = Record(
    "Link", "A link.", listHint: "write link = \"up\"", make: { Link() },
    fields: [Field("state", \.state, .string, "Up or down.")])

private let spec = Record(
    "Spec", "A machine.", make: { Spec() },
    fields: [
        Field("name", \.name, .string, required: true, "Its name."),
        Field("disks", \.disks, .list(of: .record(disk)), "Its disks."),
        Field("labels", \.labels, .dictionary(of: .string), "Its labels."),
        Field("timeout", \.timeout, .duration, "How long."),
    ])

@Suite struct `The schema of arguments` {
    @Test func `a table is read into the structure, and written back`() throws {
        let value: Value = [
            "name": "web", "disks": [["id": "boot", "size": .double(20), "bus": "sata", "path": .null]],
            "labels": ["team": "a"], "timeout": "1m30s",
        ]
        let read = try spec.decode(value, at: "")
        #expect(read.disks == [Disk(id: "boot", size: 20, bus: .sata)])
        #expect(read.labels == ["team": "a"] && read.timeout == .seconds(90))
        #expect(try spec.decode(spec.encode(read), at: "") == read)
    }

    static let mistakes: [(Value, String, String?)] = [
        (["name": 3], "name must be a string, not 3", nil),
        ([:], "name is missing", nil),
        (["nmae": "web"], "nmae is not a field of Spec", "did you mean name?"),
        (
            ["name": "web", "disks": [["id": "a"], ["idd": "b"]]], "disks[2].idd is not a field of Disk",
            "did you mean id?"
        ),
        (
            ["name": "web", "disks": [["id": "a", "size": 101]]],
            "disks[1].size must be from 0 to 100, not 101", nil
        ),
        (
            ["name": "web", "disks": [["id": "a", "size": .double(1.5)]]],
            "disks[1].size must be a whole number, not 1.5", nil
        ),
        (
            ["name": "web", "disks": [["id": "a", "bus": "virtoi"]]],
            "disks[1].bus: \"virtoi\" is not one of virtio, sata", "did you mean \"virtio\"?"
        ),
        (
            ["name": "web", "disks": ["id": "a", "size": 1]],
            "disks must be a list, not a table with names (id, size)", "a list of one is disks = { { … } }"
        ),
        (
            ["name": "web", "disks": [["id": "a", "tags": ["b": "c"]]]],
            "disks[1].tags must be a list, not a table with names (b)",
            "a list has no names: tags = { …, … }"
        ),
        (
            ["name": "web", "disks": [["id": "a", "tags": "fast"]]],
            "disks[1].tags must be a list, not \"fast\"", "tags = { \"fast\" }"
        ),
        (["name": "web", "disks": 3], "disks must be a list, not 3", nil),
        (
            ["name": "web", "disks": [[["id": "a"]]]], "disks[1] must be a table of fields, not a list",
            "leave out the inner braces: disks[1] = { id = … }"
        ),
        (
            ["name": "web", "disks": [["id": "a", "link": ["up", "down"]]]],
            "disks[1].link must be a table of fields, not a list", "write link = \"up\""
        ),
        (
            ["name": "web", "labels": ["a", "b"]], "labels must be a table of names and values, not a list",
            "labels = { name = value }"
        ),
        (
            ["a", "b"], "the argument must be a table of fields, not a list",
            "fields have names: { name = … }"
        ),
        (
            ["name": ["one": 1, "two": 2, "three": 3, "four": 4]],
            "name must be a string, not a table with names (one, two, three, …)", nil
        ),
        (["name": "web", "labels": ["a": true]], "labels.a must be a string, not true", nil),
        (
            ["name": "web", "timeout": "soon"], "timeout: \"soon\" is not a duration",
            "write a number of seconds or a text such as \"500ms\", \"5s\", \"10m\", \"2h\""
        ),
        (
            ["name": "web", "disks": [["id": "a", "path": ""]]],
            "disks[1].path must be a path, not an empty string or one with a NUL", nil
        ),
        (
            ["name": .secret("x"), "disks": [["id": "a", "readonly": .secret("y")]]],
            "disks[1].readonly must be true or false, not ‹secret›", nil
        ),
        ("web", "the argument must be a table of fields, not \"web\"", nil),
    ]

    @Test(arguments: mistakes)
    func `a mistake is told by its path, with the way out`(value: Value, message: String, hint: String?) {
        #expect(throws: Failure(.badField, message, hint: hint)) { try spec.decode(value, at: "") }
    }
}

/// Calls a primitive as the scheduler does.
func call(_ definitions: [Definition], _ name: String, _ arguments: Value...) throws -> Value {
    let definition = try #require(
        definitions.first { $0.primitive.name == name }, "there is no primitive \(name)")
    return try definition.primitive.perform(Request(name: name, arguments: arguments)).first ?? .null
}
