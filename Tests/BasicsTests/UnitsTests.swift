import Basics
import Testing

@Suite struct `Sizes and spans of time` {
    @Test(
        arguments: [
            ("512MiB", 512 << 20), ("20GiB", 20 << 30), ("1TiB", 1 << 40), ("1.5GiB", 1536 << 20),
            ("4 KiB", 4096),
            ("0GiB", 0), ("1PiB", 1 << 50),
        ] as [(String, UInt64)])
    func `are read with binary units`(_ text: String, _ bytes: UInt64) throws {
        #expect(try ByteSize(parsing: text).bytes == bytes)
    }

    @Test(arguments: [
        ("50GB", "write \"50GiB\": sizes are in powers of 1024"), ("50", "units are MiB, GiB and TiB"),
        ("GiB", "write a number and a unit, as in \"20GiB\""),
        ("", "write a number and a unit, as in \"20GiB\""),
        ("-1GiB", "write a number and a unit, as in \"20GiB\""),
        ("1gib", "write \"1GiB\": sizes are in powers of 1024"),
        ("1.2.3GiB", "write a number and a unit, as in \"20GiB\""),
    ])
    func `in powers of ten, or without a unit or a number, are refused with what to write`(
        _ text: String, _ hint: String
    ) {
        let failure = #expect(throws: Failure.self) { try ByteSize(parsing: text) }
        #expect(failure?.code == .badField)
        #expect(failure?.hint == hint)
    }

    @Test func `too large for a disk are refused, not cut off`() {
        let failure = #expect(throws: Failure.self) { try ByteSize(parsing: "9000000PiB") }
        #expect(failure?.message == "\"9000000PiB\" is too large")
    }

    @Test(
        arguments: [
            (0, "0 bytes"), (100, "100 bytes"), (1024, "1 KiB"), (1536 << 20, "1536 MiB"),
            (20 << 30, "20 GiB"),
            ((1 << 30) + 1, "1073741825 bytes"),
        ] as [(UInt64, String)])
    func `are shown exactly`(_ bytes: UInt64, _ text: String) {
        #expect(ByteSize(bytes: bytes).description == text)
    }

    @Test(
        arguments: [
            ("500ms", .milliseconds(500)), ("5s", .seconds(5)), ("10m", .seconds(600)),
            ("2h", .seconds(7200)),
            ("1m30s", .seconds(90)), ("1d", .seconds(86400)), ("0.5s", .milliseconds(500)), ("0s", .zero),
        ] as [(String, Duration)])
    func `of time are read in one unit or several`(_ text: String, _ duration: Duration) throws {
        #expect(try Duration(parsing: text) == duration)
    }

    @Test(arguments: ["", "5", "s", "5x", "5 s", "-5s", "1e300h", "5s5"])
    func `of time without a unit or a number are refused`(_ text: String) {
        let failure = #expect(throws: Failure.self) { try Duration(parsing: text) }
        #expect(failure?.code == .badField)
    }
}
