import Basics
import Synchronization
import Testing

@testable import Primitives

struct `limiq.log` {
    @Test func `Lines reach the sink with their level and fields, secrets hidden`() throws {
        let lines = Lines()
        let definitions = logDefinitions { level, line in lines.add("\(level): \(line)") }
        for (name, arguments) in [
            ("log.info", ["page fetched", ["status": 200, "url": "http://x/"]]),
            (
                "log.warn",
                [
                    .secret("hush"),
                    ["list": [1, "a b"], "password": .secret("hush"), "empty": "", "none": .null],
                ]
            ),
            ("log.error", [["a": 1, "b": [:]]]),
            ("log.info", []),
        ] as [(String, [Value])] {
            #expect(try HostSide.call(name, arguments, in: definitions) == .null)
        }
        #expect(
            lines.all == [
                "info: page fetched status=200 url=http://x/",
                "warn: ‹secret› list={ 1, \"a b\" } password=‹secret› empty=\"\" none=nil",
                "error: { a = 1, b = {} }",
                "info: nil",
            ])
        #expect(failure { try HostSide.call("log.info", ["x", 3], in: definitions) }.code == .badField)
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }
}
