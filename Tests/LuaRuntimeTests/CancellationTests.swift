import Basics
import LuaRuntime
import Synchronization
import Testing

/// Cancelled is cancelled: nothing goes on but clean-up, whatever a script catches.
@Suite struct `Cancelling` {
    /// Loops that catch every error. `work` is a call that waits.
    static let loops = [
        "while true do pcall(work) end",
        "while true do xpcall(work, function(e) return e end) end",
        "while true do rt.try(work) end",
        "while true do pcall(rt.retry, { times = 5, delay = 0 }, work) end",
        "while true do pcall(rt.each, { 1, 2 }, work) end",
        "while true do pcall(rt.timeout, 100, work) end",
        "while true do pcall(function() rt.spawn(work):join() end) end",
        "while true do coroutine.resume(coroutine.create(work)) end",
        "while true do pcall(coroutine.wrap(work)) end",
        "while true do pcall(load, function() work() end) pcall(work) end",
        "while true do pcall(function() local _ <close> = setmetatable({}, { __close = function() error 'x' end }) work() end) end",
        "while true do pcall(function() pcall(work) pcall(work) end) end",
        "local function again() pcall(work) return again() end again()",
        "local co = coroutine.wrap(function() while true do pcall(work) coroutine.yield() end end) while true do pcall(co) end",
    ]

    @Test(arguments: loops) func `no loop that catches goes on after an interrupt`(_ loop: String) throws {
        let outcome = try interrupted(
            """
            local count = 0
            local function work() count = count + 1; assert(count < 20, "it goes on"); perform('block') end
            rt.spawn(function() rt.sleep(0.005) perform('started') end)
            \(loop)
            """)
        // A handler may put an error of its own in the place of the one that ends the task.
        let end: Failure.Code = loop.contains("error 'x'") ? .script : .interrupted
        #expect(outcome.error?.failure.code == end, "\(outcome.error.map { "\($0)" } ?? "no error")")
        #expect(outcome.error?.failure.message.contains("it goes on") == false)
    }

    /// What a cancelled task has spawned is nobody's but its own.
    @Test(arguments: loops.filter { !$0.contains("spawn") })
    func `no loop that catches goes on in a cancelled task`(
        _ loop: String
    ) throws {
        try check(
            """
            local count = 0
            local function work() count = count + 1; assert(count < 20, "it goes on"); perform('block') end
            local task = rt.spawn(function() \(loop) end)
            rt.sleep(0.005)
            task:cancel()
            local ok, e = pcall(task.join, task)
            assert(not ok and (e.code == "cancelled" or tostring(e):find "x$"), tostring(e))
            """)
    }

    @Test(arguments: [
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(error, 'x') print('x') end",
        "while true do coroutine.wrap(function() for _ = 1, 1000 do end end)() end",
        "while true do table.sort({ 3, 2, 1 }, function(a, b) pcall(error) return a < b end) end",
    ]) func `no loop that computes goes on`(_ loop: String) throws {
        let outcome = try interrupted("perform('started') pcall(rt.sleep, 100) \(loop)")
        #expect(outcome.error?.failure.code == .interrupted)
        try check(
            """
            local task = rt.spawn(function() pcall(rt.sleep, 100) \(loop) end)
            rt.sleep(0.005)
            task:cancel()
            local ok, e = pcall(task.join, task)
            assert(not ok and e.code == "cancelled", tostring(e))
            """)
    }

    @Test func `each later call raises caught or not`() throws {
        let calls = Mutex(0)
        let counted = [Primitive.Execution.inline, .pooled].map { execution in
            Primitive(execution == .inline ? "inline" : "pooled", execution) { _ in
                calls.withLock { $0 += 1 }
                return []
            }
        }
        for call in [
            "perform('inline')", "perform('pooled')", "rt.spawn(perform, 'pooled')", "rt.sleep(0)",
            "rt.each({ 1 }, function() perform('inline') end)", "rt.timeout(1, perform, 'pooled')",
            "coroutine.wrap(function() perform('inline') end)()", "require 'nothing'",
        ] {
            let outcome = try run(
                """
                local task
                task = rt.spawn(function()
                  pcall(perform, 'block')
                  print "caught"
                  \(call)
                  print "not reached"
                end)
                rt.sleep(0.005)
                task:cancel()
                task:join()
                """, primitives: counted)
            #expect(outcome.error?.failure.code == .cancelled, "\(call)")
            #expect(outcome.output == "caught\n", "\(call)")
        }
        #expect(calls.withLock(\.self) == 0)
    }

    /// Where the wait of a `<close>` variable's handler may stand.
    @Test(arguments: [
        "do local _ <close> = closing 'a' block() end",
        "local _ <close> = closing 'a'; pcall(block)",
        "local _ <close> = closing 'a'; local ok, e = pcall(block); error(e)",
        "local _ <close> = closing 'a'; local ok, e = pcall(block); local x = nil; x()",
        "pcall(block); for _ in pairs {} do end; do local _ <close> = closing 'a' end",
        "pcall(block); for _ in function() end, nil, nil, closing 'a' do end",
        "coroutine.wrap(function() local _ <close> = closing 'a'; block() end)()",
        "local _ <close> = closing 'a'; coroutine.wrap(function() block() end)()",
        "local co = coroutine.create(function() local _ <close> = closing 'a'; coroutine.yield() end) "
            + "coroutine.resume(co); pcall(block); coroutine.close(co)",
        "rt.each({ 1 }, function() local _ <close> = closing 'a'; block() end)",
        "rt.timeout(100, function() local _ <close> = closing 'a'; block() end)",
        "pcall(block) rt.shield(function() rt.each({ 1 }, function() closing_now 'a' end) end)",
        "pcall(block) rt.shield(function() coroutine.wrap(closing_now)('a') end)",
        "pcall(block) rt.shield(rt.shield, closing_now, 'a')",
        "local _ <close> = closing('a', function() pcall(error, 'x') pcall(closing_now, 'b') error 'y' end) block()",
    ]) func `clean up may wait`(_ body: String) throws {
        let prelude = """
            local function closing_now(name) rt.sleep(0.001) print(perform('echo_later', name)) end
            local function closing(name, first)
              return setmetatable({}, { __close = function() if first then pcall(first) end closing_now(name) end })
            end
            local function block() perform('block') end

            """
        let interrupted = try interrupted(
            prelude + "rt.spawn(function() rt.sleep(0.005) perform('started') end)\n" + body)
        #expect(interrupted.output.hasSuffix("a\n"), "\(body): \(interrupted.error.map { "\($0)" } ?? "")")
        let cancelled = try run(
            prelude + """
                local task = rt.spawn(function() \(body) end)
                rt.sleep(0.005)
                task:cancel()
                rt.sleep(0.01)
                task:cancel()
                pcall(task.join, task)
                """)
        #expect(cancelled.output.hasSuffix("a\n"), "\(body): \(cancelled.error.map { "\($0)" } ?? "")")
    }

    @Test func `clean up under way is not disturbed`() throws {
        for body in [
            "rt.shield(rt.sleep, 0.02)",
            "do local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.02) end }) end",
            "pcall(function() local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.02) end }) error 'x' end)",
            "rt.shield(rt.each, { 1, 2 }, function() rt.sleep(0.02) end)",
        ] {
            let outcome = try interrupted(
                "rt.spawn(function() rt.sleep(0.005) perform('started') end)\n\(body) print 'done' rt.sleep(100)"
            )
            #expect(outcome.output == "done\n", "\(body)")
            #expect(outcome.error?.failure.code == .interrupted, "\(body)")
        }
    }

    @Test func `a shield is the function it runs`() throws {
        try check(
            """
            local a, b = rt.shield(function(...) return ... end, 1, 2)
            assert(a == 1 and b == 2 and select("#", rt.shield(function() end)) == 0)
            local function inner() error("it broke") end
            local ok, e = pcall(rt.shield, inner)
            assert(e == "test.lua:3: it broke", e)
            assert(not pcall(rt.shield, nil))
            -- Its error is that of the task, with its traceback.
            local task = rt.spawn(function() rt.shield(function() perform 'fail' end) end)
            local ok, e = pcall(task.join, task)
            assert(e.code == "boom" and e.traceback:find("test.lua:8"), e.traceback)
            """)
    }

    @Test func `a shield ends with its function`() throws {
        try check(
            """
            local function blocked(before)
              local task = rt.spawn(function() before() print(pcall(perform, 'block')) perform('block') end)
              rt.sleep(0.005)
              task:cancel()
              local ok, e = pcall(task.join, task)
              return e.code
            end
            assert(blocked(function() rt.shield(rt.sleep, 0) end) == "cancelled")
            assert(blocked(function() pcall(rt.shield, error, 'x') end) == "cancelled")
            -- One that stands still in a coroutine shields nobody else.
            local co
            assert(blocked(function()
              co = coroutine.create(function() rt.shield(coroutine.yield) end)
              coroutine.resume(co)
            end) == "cancelled")
            assert(blocked(function()
              pcall(function() local _ <close> = setmetatable({}, { __close = function() end }) error 'x' end)
            end) == "cancelled")
            """)
    }

    @Test func `a task of clean up can be cancelled itself`() throws {
        let outcome = try interrupted(
            """
            perform('started')
            pcall(rt.sleep, 100)
            rt.shield(function()
              local ok, e = pcall(rt.timeout, 0.01, function() rt.sleep(100) end)
              assert(e.code == "timeout")
              local task = rt.spawn(rt.sleep, 100)
              rt.sleep(0.001)
              task:cancel()
              assert(not pcall(task.join, task))
              print "done"
            end)
            """)
        #expect(outcome.output == "done\n")
        #expect(outcome.error == nil)
    }

    @Test func `the second interrupt ends a shield`() throws {
        let outcome = try interrupted(
            "rt.shield(function() perform('started') while true do pcall(function() perform('started') perform('block') end) end end)",
            times: 2)
        #expect(outcome.error?.failure.code == .interrupted)
    }

    // MARK: timeout

    @Test(arguments: [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "coroutine.wrap(function() while true do end end)()",
        "rt.each({ 1, 2 }, function() while true do end end)",
        "rt.spawn(function() while true do end end):join()",
        "rt.spawn(function() while true do pcall(rt.sleep, 0.001) end end):join()",
        "rt.spawn(function() while true do pcall(rt.sleep, 0.001) end end) rt.sleep(100)",
        "rt.timeout(100, function() while true do end end)",
        "rt.retry({ times = 5, delay = 0 }, function() while true do end end)",
        "table.sort({ 1, 2, 3 }, function() while true do end end)",
        "rt.shield(rt.sleep, 0.05) while true do end",
        "for i = 1, math.huge do local _ = perform('echo', i) end",
        "while true do perform('echo_later', 1) end",
    ]) func `timeout ends computing code too`(_ body: String) throws {
        let outcome = try run(
            """
            local ok, e = pcall(rt.timeout, "20ms", function() \(body) end)
            assert(not ok and e.code == "timeout" and e.message == "took longer than 20ms", tostring(e))
            -- What comes after is bound by nothing any more.
            perform('echo_later', 1)
            local sum = 0
            for i = 1, 1e6 do sum = sum + i end
            print "after"
            """)
        #expect(outcome.output == "after\n", "\(body): \(outcome.error.map { "\($0)" } ?? "")")
        #expect(outcome.error == nil)
    }

    @Test func `timeout lets computing code clean up`() throws {
        try check(
            """
            local cleaned
            local ok, e = pcall(rt.timeout, "20ms", function()
              local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.08) cleaned = true end })
              while true do end
            end)
            assert(e.code == "timeout" and cleaned)
            assert(e.traceback:find("test.lua:4"), e.traceback)
            """)
    }

    @Test func `what the function left running in time goes on`() throws {
        try check(
            """
            local task
            rt.timeout(0.03, function() task = rt.spawn(function() rt.sleep(0.1) return perform('echo_later', 7) end) end)
            local ends = 0
            for i = 1, 3e6 do ends = ends + i end
            assert(task:join() == 7)
            -- Times within each other: the soonest counts, and one that has ended does not.
            local ok, e = pcall(rt.timeout, 0.03, function() rt.timeout(100, function() end) while true do end end)
            assert(e.message == "took longer than 0.03s")
            local ok, e = pcall(rt.timeout, 100, function() rt.timeout("30ms", function() while true do end end) end)
            assert(e.message == "took longer than 30ms" and e.code == "timeout")
            """)
    }
}
