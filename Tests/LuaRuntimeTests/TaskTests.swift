import Basics
import Glibc
import LuaRuntime
import Synchronization
import Testing

@Suite struct `Tasks` {
    @Test func `join gives all values and may be repeated`() throws {
        try check(
            """
            local t = rt.spawn(function(...) perform('echo_later'); return ... end, 1, nil, 3)
            assert(select("#", t:join()) == 3 and select("#", t:join()) == 3)
            local e = {}
            local t = rt.spawn(function() error(e) end)
            for _ = 1, 2 do
              local ok, got = pcall(t.join, t)
              assert(not ok and got == e)
            end
            for _, wrong in ipairs { 1, "x", {} } do assert(not pcall(rt.spawn, wrong)) end
            """)
    }

    @Test func `join raises with the task's own traceback`() throws {
        let error = try failure(
            """
            local function build()
              perform('fail_later', 'no disk')
            end
            local t = rt.spawn(function() build() return 1 end)
            t:join()
            """)
        #expect(error.location == "test.lua:2")
        #expect(
            error.traceback
                == "stack traceback:\n\ttest.lua:2: in upvalue 'build'\n\ttest.lua:4: in function <test.lua:4>\n\ttask 2, spawned at test.lua:4"
        )
        let text = try failure("local t = rt.spawn(function()\nlocal x = nil\nx() end)\nt:join()")
        #expect(text.location == "test.lua:3")
        #expect(text.failure.message == "attempt to call a nil value (local 'x')")
        #expect(
            text.traceback
                == "stack traceback:\n\ttest.lua:3: in function <test.lua:1>\n\ttask 2, spawned at test.lua:1"
        )
    }

    @Test func `a script ends when its tasks have`() throws {
        let outcome = try run("rt.spawn(function() rt.sleep(0.01) print 'late' end) print 'early'")
        #expect(outcome.output == "early\nlate\n")
    }

    @Test func `the error of a task nobody joined is the script's`() throws {
        let error = try failure("rt.spawn(function()\nerror 'lost' end)\nrt.sleep(0.01)")
        #expect(error.location == "test.lua:2")
        #expect(error.failure.message == "lost")
        #expect(error.traceback?.hasSuffix("task 2, spawned at test.lua:1") == true)
        #expect(try run("local t = rt.spawn(error, 'x') pcall(t.join, t)").error == nil)
        #expect(try run("local t = rt.spawn(rt.sleep, 10) t:cancel()").error == nil)
    }

    @Test func `a failed script cancels its tasks and sees them out`() throws {
        let outcome = try run(
            """
            rt.spawn(function()
              local _ <close> = setmetatable({}, { __close = function() perform('echo_later'); print 'clean' end })
              perform('block')
            end)
            rt.sleep(0.01)
            error('main', 0)
            """)
        #expect(outcome.error?.failure.message == "main")
        #expect(outcome.output == "clean\n")
    }

    @Test func `each keeps order and its limit`() throws {
        try check(
            """
            local at_once, most = 0, 0
            local results = rt.each({ 5, 4, 3, 2, 1 }, { limit = 2 }, function(n, i)
              at_once = at_once + 1
              most = math.max(most, at_once)
              rt.sleep(n / 1000)
              at_once = at_once - 1
              return n * 10 + i
            end)
            assert(table.concat(results, ",") == "51,42,33,24,15" and most == 2)
            assert(#rt.each({}, print) == 0)
            assert(rt.each({ 1 }, function(n) return n end)[1] == 1)
            local ok, e = pcall(rt.each, { 1 }, { limti = 2 }, print)
            assert(e.code == "bad_field" and e.hint == "did you mean limit?")
            assert(not pcall(rt.each, { 1 }, { limit = 0 }, print))
            assert(not pcall(rt.each, nil, print))
            """)
    }

    @Test func `each runs all and lists every failure`() throws {
        let error = try failure(
            """
            local ran = 0
            local ok, e = pcall(rt.each, { "a", "b", "c" }, function(name)
              ran = ran + 1
              if name ~= "b" then perform('fail_later', name .. ' is bad') end
            end)
            assert(ran == 3 and e.errors[1].message == "a is bad" and e.errors[2] == nil and e.errors[3])
            error(e)
            """)
        #expect(error.failure.code == .each)
        #expect(
            error.failure.message
                == "2 of 3 failed:\n  a: test.lua:4: a is bad\n    hint: do not\n  c: test.lua:4: c is bad\n    hint: do not"
        )
        #expect(error.traceback?.contains("item 1 of each at test.lua:2") == true)
    }

    @Test func `each stops at a failure where that is asked for`() throws {
        try check(
            """
            local begun, cleaned = {}, 0
            local ok, e = pcall(rt.each, { "a", "b", "c", "d", "e" }, { limit = 3, stop_on_error = true }, function(name)
              begun[#begun + 1] = name
              local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.001) cleaned = cleaned + 1 end })
              if name == "b" then perform('fail_later', 'b is bad') end
              rt.sleep(60)
            end)
            assert(table.concat(begun) == "abc" and cleaned == 3)
            assert(e.message:find("1 of 5 failed, which stopped 4 more:", 1, true), e.message)
            assert(e.errors[2].message == "b is bad" and e.errors[1] == nil)
            local results = rt.each({ 1, 2 }, { stop_on_error = true }, function(n) return n end)
            assert(results[2] == 2)
            """)
    }

    @Test func `timeout ends what takes too long`() throws {
        try check(
            """
            local cleaned
            local ok, e = pcall(rt.timeout, "20ms", function()
              local _ <close> = setmetatable({}, { __close = function() rt.sleep(0.001) cleaned = true end })
              perform('block')
            end)
            assert(not ok and e.code == "timeout" and e.message == "took longer than 20ms" and cleaned, tostring(e))
            assert(e.traceback:find("test.lua:4"), e.traceback)
            local a, b = rt.timeout(5, function(...) return perform('echo_later', ...) end, 1, 2)
            assert(a == 1 and b == 2)
            local ok, e = pcall(rt.timeout, 5, function() perform('fail') end)
            assert(e.code == "boom")
            """)
    }

    @Test func `a nested timeout ends with its owner`() throws {
        try check(
            """
            local stopped
            local ok, e = pcall(rt.timeout, 0.01, function()
              rt.timeout(100, function()
                local ok, e = pcall(perform, 'block')
                stopped = e.code
                error(e)
              end)
            end)
            assert(e.code == "timeout" and stopped == "cancelled")
            """)
    }

    @Test func `retry tries as often as asked`() throws {
        try check(
            """
            local count = 0
            local value = rt.retry({ times = 3, delay = 0 }, function(attempt)
              count = count + 1
              assert(attempt == count)
              if count < 3 then perform('fail') end
              return "done", nil
            end)
            assert(value == "done" and count == 3)
            count = 0
            local ok, e = pcall(rt.retry, { times = 2, delay = "1ms" }, function() count = count + 1; error("no " .. count, 0) end)
            assert(e == "no 2" and count == 2)
            assert(not pcall(rt.retry, { tmies = 2 }, print))
            assert(not pcall(rt.retry, { times = 0 }, print))
            -- A cancelled task does not try again.
            count = 0
            local t = rt.spawn(rt.retry, { times = 5, delay = 0 }, function() count = count + 1; perform('block') end)
            rt.sleep(0.01)
            t:cancel()
            assert(not pcall(t.join, t) and count == 1)
            """)
    }

    @Test func `try gives the error as a value`() throws {
        try check(
            """
            local v, e = rt.try(function(x) return x end, 5)
            assert(v == 5 and e == nil)
            local v, e = rt.try(perform, 'fail')
            assert(v == nil and e.code == "boom")
            """)
    }

    @Test func `durations are numbers or texts`() throws {
        try check(
            """
            rt.sleep(0) rt.sleep("1ms") rt.sleep("0.001s") rt.sleep("0m1ms")
            for _, wrong in ipairs { "5", "5 s", "s", "", "5x", -1, 0 / 0, 1e10, {}, true, "1.2.3s" } do
              local ok, e = pcall(rt.sleep, wrong)
              assert(not ok and e.code == "bad_field" and e.hint:find("500ms"), tostring(wrong))
            end
            local ok, e = pcall(rt.sleep)
            assert(e.message == "sleep: nil is not a duration")
            """)
    }

    @Test func `cancel raises at the wait and clean up may wait`() throws {
        try check(
            """
            local log = {}
            local t = rt.spawn(function()
              local ok, e = pcall(perform, 'block')
              log[#log + 1] = e.code
              log[#log + 1] = rt.shield(perform, 'echo_later', 'waited')
              error(e)
            end)
            rt.sleep(0.01)
            t:cancel()
            local ok, e = pcall(t.join, t)
            assert(e.code == "cancelled" and table.concat(log, ",") == "cancelled,waited")
            t:cancel()
            -- Cancelled before it ran, and one that never waits.
            local ran
            local t = rt.spawn(function() ran = true end)
            t:cancel()
            assert(not pcall(t.join, t) and not ran)
            """)
    }

    @Test func `a cycle of joins is a deadlock`() throws {
        let error = try failure(
            """
            local a, b
            a = rt.spawn(function() rt.sleep(0.001) b:join() end)
            b = rt.spawn(function() a:join() end)
            a:join()
            """)
        #expect(error.failure.code == .deadlock)
        #expect(
            error.failure.message
                == "every task waits for another: task 1 for task 2, task 2 for task 3, task 3 for task 2")
    }

    @Test func `tasks that wait for each other end the script even where they take no error`() throws {
        for body in ["%s:join()", "while true do pcall(%s.join, %s) end"] {
            let (a, b) = (body.replacing("%s", with: "a"), body.replacing("%s", with: "b"))
            let error = try failure(
                """
                local a, b
                a = rt.spawn(function() rt.sleep(0.001) \(b) end)
                b = rt.spawn(function() rt.sleep(0.001) \(a) end)
                """)
            #expect(error.failure.code == .deadlock)
        }
    }

    @Test func `a task that is cancelled while its module loads holds up nobody else`() throws {
        try check(
            """
            package.preload.slow = function() rt.sleep(0.01) return "loaded" end
            local loader = rt.spawn(function() return require "slow" end)
            local other = rt.spawn(function() return require "slow" end)
            -- Ready to go on at the same moment.
            rt.spawn(function() rt.sleep(0.01) loader:cancel() end)
            assert(other:join() == "loaded")
            pcall(loader.join, loader)
            """)
    }

    @Test func `what is cancelled twice still undoes what it began`() throws {
        let undone = Mutex(0)
        let work = Primitive("work", .pooled, grace: .seconds(10)) { request in
            let mailbox = Mailbox<Bool>()
            request.cancellation.withHandler({ mailbox.put(true) }) { _ = mailbox.next() }
            usleep(50_000)
            undone.withLock { $0 += 1 }
            throw Failure(.cancelled, "cancelled")
        }
        let outcome = try run(
            """
            rt.spawn(function() rt.each({ 1, 2, 3, 4 }, function() perform('work') end) end)
            rt.spawn(function() rt.timeout(60, function() perform('work') end) end)
            rt.sleep(0.02)
            error "the script fails"
            """, primitives: [work])
        #expect(outcome.error?.failure.message == "the script fails")
        #expect(undone.withLock(\.self) == 5)
    }

    @Test func `the clean up of many tasks may start tasks of its own`() throws {
        let outcome = try run(
            """
            for i = 1, 350 do
              rt.spawn(function()
                pcall(rt.sleep, 100)
                rt.shield(rt.timeout, 5, function() rt.sleep(0.001) end)
                io.write "Z"
              end)
            end
            rt.sleep(0.01)
            error "the script fails"
            """)
        #expect(outcome.output.count == 350)
        #expect(outcome.error?.failure.message == "the script fails")
    }

    @Test func `a thousand coroutines wait together`() throws {
        let running = Mutex((now: 0, all: 0))
        let work = Primitive("work", .pooled) { request in
            running.withLock { $0.all += 1 }
            return request.arguments
        }
        try check(
            """
            local tasks = {}
            for i = 1, 1000 do
              tasks[i] = rt.spawn(function()
                local sum = 0
                for step = 1, 3 do sum = sum + perform('work', i) end
                rt.sleep(0.001)
                return coroutine.wrap(function() return perform('work', sum) end)()
              end)
            end
            for i = 1, 1000 do assert(tasks[i]:join() == 3 * i) end
            """, primitives: [work])
        #expect(running.withLock { $0.all } == 4000)
    }

    @Test func `a script may run again and again`() throws {
        let script = try Script()
        defer { script.runtime.close() }
        #expect(script.run("error 'first'").error?.failure.message == "first")
        #expect(script.run("return 2").values == [2])
    }
}
