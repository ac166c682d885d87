import Basics
import Glibc
import LuaRuntime
import Testing

/// Runs a script that calls `started` when it is to be interrupted, once or more.
func interrupted(_ source: String, times: Int = 1) throws -> Outcome {
    let started = Mailbox<Bool>()
    let script = try Script([
        Primitive("started", .inline) { _ in
            started.put(true)
            return []
        },
        Primitive("undo", .pooled, grace: .seconds(10)) { request in
            let cancelled = Mailbox<Void>()
            request.cancellation.withHandler({ cancelled.put(()) }) { cancelled.next() }
            throw Failure(.cancelled, "cancelled", hint: "the thing was removed again")
        },
    ])
    defer { script.runtime.close() }
    let interrupter = script.runtime.interrupter
    startThread {
        for _ in 0..<times {
            _ = started.next()
            usleep(2000)
            interrupter.interrupt()
        }
    }
    return script.run("local rt = require 'limiq.runtime'; local perform = rt.perform; " + source)
}

@Suite struct `Interrupting a script` {
    @Test func `an endless loop is interrupted`() throws {
        let outcome = try interrupted("perform('started')\nwhile true do end")
        #expect(outcome.error?.failure.code == .interrupted)
        #expect(outcome.error?.location == "test.lua:2")
    }

    @Test func `an endless loop in a coroutine of a task is interrupted`() throws {
        let outcome = try interrupted(
            "rt.spawn(function() coroutine.wrap(function() perform('started') while true do end end)() end):join()"
        )
        #expect(outcome.error?.failure.code == .interrupted)
    }

    @Test func `a blocking primitive does not hold up the end`() throws {
        let outcome = try interrupted("perform('started') perform('block')")
        #expect(outcome.error?.failure.code == .interrupted)
    }

    @Test func `a primitive that undoes what it made says so`() throws {
        let outcome = try interrupted("perform('started') perform('undo')")
        #expect(outcome.error?.failure.code == .interrupted)
        #expect(outcome.error?.failure.hint == "the thing was removed again")
    }

    @Test func `the first is caught and clean up may wait`() throws {
        let outcome = try interrupted(
            """
            local ok, e = pcall(function()
              local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.001) print(perform('echo_later', 'closed')) end })
              perform('started')
              while true do end
            end)
            print(e.code, rt.shield(perform, 'echo_later', 'after'))
            error(e)
            """)
        #expect(outcome.output == "closed\ninterrupted\tafter\n")
        #expect(outcome.error?.failure.code == .interrupted)
    }

    @Test func `every task gets it once`() throws {
        let outcome = try interrupted(
            """
            local count = 0
            local function work(name)
              local ok, e = pcall(perform, name)
              assert(e.code == 'interrupted')
              rt.shield(rt.sleep, 0.001)
              count = count + 1
            end
            local a, b = rt.spawn(work, 'block'), rt.spawn(work, 'block')
            pcall(function() rt.sleep(0.001) perform('started') rt.sleep(100) end)
            rt.shield(function() a:join() b:join() end)
            print(count)
            """)
        #expect(outcome.output == "2\n")
        #expect(outcome.error == nil)
    }

    @Test func `the second is not caught`() throws {
        let outcome = try interrupted(
            "while true do pcall(function() perform('started') while true do end end) end", times: 2)
        #expect(outcome.error?.failure.code == .interrupted)
        let waiting = try interrupted(
            "while true do pcall(function() perform('started') perform('block') end) xpcall(rt.sleep, print, 0) end",
            times: 2)
        #expect(waiting.error?.failure.code == .interrupted)
        #expect(waiting.output == "")
    }

    @Test func `the second ends handlers that do not`() throws {
        let outcome = try interrupted(
            """
            local _ <close> = setmetatable({}, { __close = function() perform('started') while true do pcall(rt.sleep, 1) end end })
            perform('started')
            rt.sleep(100)
            """, times: 2)
        #expect(outcome.error?.failure.code == .interrupted)
    }

    @Test func `clean up inside each and timeout is not cancelled too`() throws {
        let outcome = try interrupted(
            """
            local function work(name)
              local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.005) print("closed " .. name) end })
              if name == "b" then perform("started") end
              perform("block")
            end
            pcall(rt.each, { "a", "b" }, function(name) rt.timeout(100, work, name) end)
            """)
        #expect(outcome.output == "closed a\nclosed b\n")
        #expect(outcome.error == nil)
    }

    @Test func `a deadlock is found after an interrupt too`() throws {
        let outcome = try interrupted(
            """
            pcall(function() perform("started") rt.sleep(100) end)
            rt.shield(function()
              local a, b
              a = rt.spawn(function() rt.sleep(0.001) b:join() end)
              b = rt.spawn(function() a:join() end)
              a:join()
            end)
            """)
        #expect(outcome.error?.failure.code == .deadlock)
    }

    @Test func `the next run is not interrupted`() throws {
        let script = try Script()
        defer { script.runtime.close() }
        script.runtime.interrupter.interrupt()
        #expect(script.run("local x = 1; return x").error?.failure.code == .interrupted)
        #expect(script.run("return 1").values == [1])
    }
}
