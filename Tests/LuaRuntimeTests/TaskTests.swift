import Basics
import Foundation
import LuaRuntime
import Testing

@Suite("Tasks")
struct TaskTests {
    static let scripts: [(String, String)] = [
        (
            "join gives values, and errors with the task's own traceback",
            """
            local t = rt.spawn(function(a, b) return a + b, "x" end, 1, 2)
            local sum, x = t:join(); assert(sum == 3 and x == "x")
            local bad = rt.spawn(function() rt.perform "test.fail" end)
            local ok, e = pcall(bad.join, bad); assert(not ok and e.code == "disk_exists" and e.traceback:find "script.lua")
            """
        ),
        (
            "a cancelled task runs its clean-up, which may wait",
            """
            local log = {}
            local t = rt.spawn(function()
                local c <close> = setmetatable({}, { __close = function(_, e) log[1] = e.code; log[2] = wait(1, "w") end })
                local ok, e = pcall(rt.sleep, 60); log[3] = e.code
                error(e, 0)
            end)
            rt.sleep(0.01); t:cancel()
            local ok, e = pcall(t.join, t)
            assert(not ok and e.code == "cancelled" and log[1] == "cancelled" and log[2] == 1 and log[3] == "cancelled")
            """
        ),
        (
            "cancelling reaches the primitive",
            """
            local t = rt.spawn(function() wait(60000) end)
            rt.sleep(0.01); t:cancel()
            assert(select(2, pcall(t.join, t)).code == "cancelled")
            """
        ),
        (
            "a primitive that does not end is not waited for",
            """
            local t = rt.spawn(function() rt.perform("test.stuck", 2) end)
            rt.sleep(0.01); t:cancel()
            local began = os.time()
            assert(select(2, pcall(t.join, t)).code == "cancelled" and os.time() - began <= 1)
            """
        ),
        (
            "each keeps order, bounds what runs at once and lists every failure",
            """
            local now, most = 0, 0
            local r = rt.each({ 3, 2, 1 }, { limit = 2 }, function(n) now = now + 1; most = math.max(most, now); wait(n); now = now - 1; return n * 10 end)
            assert(r[1] == 30 and r[2] == 20 and r[3] == 10 and most == 2)
            local ok, e = pcall(rt.each, { "a", "b", "c" }, function(x) if x ~= "b" then error("no " .. x, 0) end end)
            assert(not ok and tostring(e):find "2 of 3 failed" and tostring(e):find "a: no a" and tostring(e):find "c: no c")
            assert(#rt.each({}, function() end) == 0)
            """
        ),
        (
            "timeout ends what takes too long, and its values pass",
            """
            local ok, e = pcall(rt.timeout, "20ms", function() rt.sleep(60) end)
            assert(not ok and e.code == "timeout", tostring(e))
            local a, b = rt.timeout("10s", function() return 1, nil end); assert(a == 1 and b == nil)
            ok, e = pcall(rt.timeout, "10s", function() error("own", 0) end); assert(e == "own")
            """
        ),
        (
            "retry tries again, try returns the error",
            """
            local n = 0
            assert(rt.retry({ times = 3, delay = 0 }, function() n = n + 1; if n < 3 then error "again" end; return n end) == 3)
            local v, e = rt.try(function() error("x", 0) end); assert(v == nil and e == "x")
            assert(rt.try(function() return 5 end) == 5)
            """
        ),
        (
            "a bad duration is told with the way out",
            """
            local ok, e = pcall(rt.sleep, "5 parsecs"); assert(e.code == "bad_field" and e.hint:find "10m")
            assert(not pcall(rt.sleep, -1) and not pcall(rt.sleep, {}))
            """
        ),
        (
            "tasks that wait for each other are told",
            """
            local a, b
            a = rt.spawn(function() rt.sleep(0.01); b:join() end)
            b = rt.spawn(function() rt.sleep(0.01); a:join() end)
            local ok, e = pcall(a.join, a); assert(not ok and e.code == "deadlock", tostring(e))
            pcall(b.join, b)
            """
        ),
    ]

    @Test("hold", arguments: scripts)
    func holds(name: String, script: String) async {
        let outcome = await run(script)
        #expect(outcome.error == nil, "\(name): \(outcome.error.map(String.init(describing:)) ?? "")")
    }

    @Test(
        "the script waits for what it spawned, and an error nobody joined ends it with where it was spawned")
    func unjoined() async {
        let fine = await run("rt.spawn(function() rt.sleep(0.02); print 'late' end)")
        #expect(fine.output == "late\n")
        let bad = await run("\nrt.spawn(function()\n  error 'alone'\nend)")
        #expect(bad.error?.failure.message == "script.lua:3: alone")
        #expect(
            bad.error?.traceback?.contains("spawned at script.lua:2") == true, "\(bad.error?.traceback ?? "")"
        )
    }

    @Test(
        "the first interrupt is an error the script can clean up after",
        arguments: [
            "while true do end", "rt.sleep(60)", "wait(60000)",
            "coroutine.wrap(function() while true do end end)()",
            "rt.spawn(function() while true do rt.sleep(0.001) end end):join()",
            "rt.perform('test.stuck', 3)",
        ])
    func interrupt(body: String) async {
        let outcome = await run(
            "local ok, e = pcall(function() \(body) end); wait(5); print(e.code); error(e, 0)"
        ) { interrupter in
            usleep(50_000)
            interrupter.interrupt()
        }
        #expect(outcome.output == "interrupted\n")
        #expect(outcome.error?.failure.code == .interrupted)
    }

    @Test(
        "the second interrupt passes every pcall",
        arguments: [
            "while true do pcall(function() while true do end end) end",
            "while true do pcall(rt.sleep, 60) end",
            "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        ])
    func secondInterrupt(body: String) async {
        let outcome = await run(body) { interrupter in
            usleep(50_000)
            interrupter.interrupt()
            usleep(50_000)
            interrupter.interrupt()
        }
        #expect(outcome.error?.failure.code == .interrupted)
    }
}
