import Basics
import LuaRuntime
import Testing

@testable import Primitives

private struct Disk: Sendable, Equatable {
    enum Bus: String, Sendable, CaseIterable {
        case virtio = "DISK_BUS_VIRTIO"
        case sata = "DISK_BUS_SATA"
    }
    var id = ""
    var size: UInt64 = 0
    var bus = Bus.virtio
    var readonly = false
    var path: String?
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
        Field("bus", \.bus, .choice(prefix: "DISK_BUS_"), "How it is attached."),
        Field("readonly", \.readonly, .bool, "No writes."),
        Field("path", \.path, .path, "Where it is."),
    ])

private let spec = Record(
    "Spec", "A machine.", make: { Spec() },
    fields: [
        Field("name", \.name, .string, required: true, "Its name."),
        Field("disks", \.disks, .list(of: .record(disk)), "Its disks."),
        Field("labels", \.labels, .dictionary(of: .string), "Its labels."),
        Field("timeout", \.timeout, .duration, "How long."),
    ])

@Suite("The schema of arguments")
struct SchemaTests {
    @Test("a table is read into the structure, and written back")
    func roundTrip() throws {
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
        (["name": "web", "disks": ["id": "a"]], "disks must be a list, not a table", nil),
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
        ("web", "the argument must be a table, not \"web\"", nil),
    ]

    @Test("a mistake is told by its path, with the way out", arguments: mistakes)
    func mistake(value: Value, message: String, hint: String?) {
        #expect(throws: Failure(.badField, message, hint: hint)) { try spec.decode(value, at: "") }
    }
}

/// Calls a primitive as the scheduler does.
func call(_ definitions: [Definition], _ name: String, _ arguments: Value...) throws -> Value {
    let definition = try #require(
        definitions.first { $0.primitive.name == name }, "there is no primitive \(name)")
    return try definition.primitive.perform(Request(name: name, arguments: arguments)).first ?? .null
}
