import Basics
import Foundation
import Testing

@Suite("Sizes and durations")
struct UnitTests {
    @Test(
        "a size is read in powers of 1024",
        arguments: [
            ("512MiB", 512 << 20), ("20GiB", 20 << 30), ("1TiB", 1 << 40), ("1.5GiB", 3 << 29),
            ("4 KiB", 4096),
        ] as [(String, UInt64)])
    func sizes(text: String, bytes: UInt64) throws {
        #expect(try ByteSize(parsing: text).bytes == bytes)
    }

    @Test(
        "a decimal unit is refused with the binary one",
        arguments: [("50GB", "50GiB"), ("512mb", "512MiB"), ("1t", "1TiB")])
    func decimal(text: String, hint: String) {
        #expect { try ByteSize(parsing: text) } throws: { ($0 as? Failure)?.hint?.contains(hint) == true }
    }

    @Test(
        "what is no size is refused",
        arguments: ["", "GiB", "-1GiB", "1e3GiB", "99999999TiB", "1..2GiB", "٣GiB"])
    func noSize(text: String) {
        #expect(throws: Failure.self) { try ByteSize(parsing: text) }
    }

    @Test("a size is written in the largest unit that is exact")
    func description() {
        #expect(
            "\(ByteSize(gib: 20))" == "20 GiB" && "\(ByteSize(mib: 1536))" == "1536 MiB"
                && "\(ByteSize(bytes: 100))" == "100 bytes")
    }

    @Test(
        "a duration is read",
        arguments: [("500ms", 0.5), ("5s", 5), ("10m", 600), ("2h", 7200), ("1m30s", 90)]
            as [(String, Double)])
    func durations(text: String, seconds: Double) throws {
        #expect(try Duration(parsing: text) == .seconds(seconds))
    }

    @Test(
        "what is no duration is refused",
        arguments: ["", "5", "s", "5x", "5 s", "-5s", "1..2s", "99999999999h"])
    func noDuration(text: String) {
        #expect(throws: Failure.self) { try Duration(parsing: text) }
    }
}

@Suite("Nearest names")
struct NearestNameTests {
    @Test(
        "the name meant is found",
        arguments: [("size_gb", "size_gib"), ("memroy", "memory"), ("DISKS", "disks"), ("nmae", "name")])
    func found(word: String, name: String) {
        #expect(nearestName(to: word, in: ["size_gib", "memory", "disks", "name", "path"]) == name)
    }

    @Test("a word like none of them has no nearest name")
    func none() {
        #expect(nearestName(to: "zzzzzz", in: ["size_gib", "memory"]) == nil)
        #expect(nearestName(to: "a", in: []) == nil)
    }
}

@Suite("Threads")
struct ThreadTests {
    @Test("a mailbox gives messages in order and ends a wait at its deadline")
    func mailbox() {
        let box = Mailbox<Int>()
        for number in 0..<5000 { box.put(number) }
        for number in 0..<5000 { #expect(box.next() == number) }
        #expect(box.next(before: .now + .milliseconds(5)) == nil)
        startThread { box.put(7) }
        #expect(box.next(before: .now + .seconds(10)) == 7)
    }

    @Test("a pool runs as many jobs at once as it may, and all of them")
    func pool() {
        let pool = WorkerPool(limit: 4)
        let done = Mailbox<Int>()
        let gate = Mailbox<Void>()
        for number in 0..<100 {
            pool.run {
                if number < 4 { gate.next() }
                done.put(number)
            }
        }
        // Four jobs wait at the gate together: fewer threads would never get to the fourth.
        for _ in 0..<4 { gate.put(()) }
        #expect(Set((0..<100).map { _ in done.next() }).count == 100)
    }

    @Test("a cancellation calls its handlers once, also those that come late")
    func cancellation() {
        let cancellation = Cancellation()
        let calls = Mailbox<Int>()
        cancellation.withHandler({ calls.put(1) }) {
            cancellation.cancel()
            cancellation.cancel()
        }
        cancellation.withHandler({ calls.put(2) }) {}
        #expect(calls.next() == 1 && calls.next() == 2 && calls.next(before: .now + .milliseconds(1)) == nil)
        #expect(throws: Failure(.cancelled, "cancelled")) { try cancellation.check() }
    }
}
