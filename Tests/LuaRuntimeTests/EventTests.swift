import Basics
import LuaRuntime
import Synchronization
import Testing

@Suite struct `Events of a run` {
    @Test func `every request has a beginning and an end`() throws {
        let log = Mutex<[String]>([])
        let script = try Script()
        defer { script.runtime.close() }
        script.runtime.observer = { event in
            let phase =
                switch event.phase {
                case .began: "began"
                case .ended(_, let failure): "ended \(failure?.word ?? "well")"
                }
            log.withLock {
                $0.append("\(event.id) \(event.request.name) \(event.request.location ?? "?") \(phase)")
            }
        }
        let outcome = script.run(
            """
            local rt = require "limiq.runtime"
            rt.perform("echo", 1)
            pcall(rt.perform, "fail_later")
            local t = rt.spawn(rt.perform, "block")
            rt.sleep(0.001)
            t:cancel()
            """)
        #expect(outcome.error == nil)
        #expect(
            log.withLock { $0 } == [
                "1 echo test.lua:2 began", "1 echo test.lua:2 ended well", "2 fail_later test.lua:3 began",
                "2 fail_later test.lua:3 ended boom", "3 block ? began", "3 block ? ended cancelled",
            ])
    }
}
