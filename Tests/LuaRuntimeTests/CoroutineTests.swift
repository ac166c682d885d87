import LuaRuntime
import Testing

/// What the manual and Lua's own test suite (coroutine.lua) promise, with primitives called in between.
@Suite struct `Coroutines` {
    @Test func `values pass both ways`() throws {
        try check(
            """
            local co = coroutine.create(function(a, b)
              assert(a == 1 and b == 2)
              local c, d = coroutine.yield(a + b, "x")
              assert(perform('echo_later', c) == 10 and d == nil)
              local e = coroutine.yield()
              return e, perform('echo', 'end')
            end)
            assert(coroutine.status(co) == "suspended")
            local ok, sum, x = coroutine.resume(co, 1, 2)
            assert(ok and sum == 3 and x == "x")
            assert(select("#", coroutine.resume(co, 10)) == 1)
            local ok, e, f = coroutine.resume(co, "e")
            assert(ok and e == "e" and f == "end")
            assert(coroutine.status(co) == "dead")
            local ok, message = coroutine.resume(co)
            assert(not ok and message == "cannot resume dead coroutine")
            """)
    }

    @Test func `a generator may wait in each step`() throws {
        try check(
            """
            local function numbers(n)
              return coroutine.wrap(function() for i = 1, n do coroutine.yield(perform('echo_later', i)) end end)
            end
            local sum = 0
            for i in numbers(10) do sum = sum + perform('echo_later', i) end
            assert(sum == 55)
            """)
    }

    @Test func `requests pass through nested coroutines`() throws {
        try check(
            """
            local function nest(depth)
              if depth == 0 then return perform('echo_later', 'deep'), perform('echo', 'er') end
              return coroutine.wrap(nest)(depth - 1)
            end
            local a, b = nest(20)
            assert(a == "deep" and b == "er")
            local ok, e = pcall(coroutine.wrap(function() coroutine.wrap(function() perform('fail_later', 'no') end)() end))
            assert(not ok and e.code == "boom" and e.where == "test.lua:7", tostring(e))
            """)
    }

    @Test func `the sieve of the test suite works`() throws {
        try check(
            """
            local function gen(n) return coroutine.wrap(function() for i = 2, n do coroutine.yield(i) end end) end
            local function filter(p, g)
              return coroutine.wrap(function()
                while true do
                  local n = g()
                  if n == nil then return end
                  if n % p ~= 0 then coroutine.yield(n) end
                end
              end)
            end
            local x, a = gen(80), {}
            while true do
              local n = x()
              if n == nil then break end
              a[#a + 1] = n
              x = filter(n, x)
            end
            assert(#a == 22 and a[#a] == 79)
            """)
    }

    @Test func `running and isyieldable tell the script from a coroutine`() throws {
        try check(
            """
            local main, is_main = coroutine.running()
            assert(type(main) == "thread" and is_main)
            assert(not coroutine.isyieldable() and not coroutine.isyieldable(main))
            assert(coroutine.status(main) == "running")
            local ok, message = pcall(coroutine.yield)
            assert(not ok and message == "attempt to yield from outside a coroutine", message)
            local ok, message = coroutine.resume(main)
            assert(not ok and message == "cannot resume non-suspended coroutine")
            coroutine.wrap(function()
              local co, is_main = coroutine.running()
              assert(type(co) == "thread" and not is_main and co ~= main)
              assert(coroutine.isyieldable())
              assert(coroutine.status(main) == "normal")
              local ok, message = coroutine.resume(co)
              assert(not ok and message == "cannot resume non-suspended coroutine")
              perform('echo_later')
              assert(coroutine.status(co) == "running" and coroutine.running() == co)
            end)()
            """)
    }

    @Test func `yields cross pcall metamethods and iterators`() throws {
        try check(
            """
            local mt = {
              __index = function(_, k) return perform('echo_later', k) end,
              __add = function(a, b) return perform('echo_later', 'sum') end,
              __lt = function() return perform('echo_later', true) end,
              __concat = function() return perform('echo_later', 'cat') end,
              __eq = function() return perform('echo_later', true) end,
              __len = function() return perform('echo_later', 42) end,
              __call = function(_, x) return perform('echo_later', x) end,
            }
            local t, u = setmetatable({}, mt), setmetatable({}, mt)
            assert(t.name == "name" and t + u == "sum" and t < u and t .. u == "cat" and t == u and #t == 42 and t(1) == 1)
            local co = coroutine.wrap(function()
              local ok, a, e = pcall(function() local a = coroutine.yield(1); perform('echo_later'); error({a}) end)
              assert(not ok and a[1] == "in")
              return xpcall(function() coroutine.yield(2); return "out" end, error)
            end)
            assert(co() == 1 and co("in") == 2)
            local ok, x = co()
            assert(ok and x == "out")
            """)
    }

    @Test func `errors of wrap carry positions as in Lua`() throws {
        try check(
            """
            local f = coroutine.wrap(function() error("x") end)
            local ok, message = pcall(function() f() end)
            assert(message == "test.lua:2: test.lua:1: x", message)
            local f = coroutine.wrap(function() error({ 1 }) end)
            local ok, e = pcall(f)
            assert(e[1] == 1)
            local ok, message = pcall(f)
            assert(message:find("cannot resume dead coroutine"))
            local ok, message = pcall(coroutine.wrap, 1)
            assert(message == "bad argument #1 to 'wrap' (function expected)" or message:find("bad argument #1"), message)
            local ok, message = pcall(coroutine.resume, 1)
            assert(message:find("coroutine expected"), message)
            """)
    }

    @Test func `close runs pending variables which may wait`() throws {
        try check(
            """
            local seen = {}
            local function closing(name)
              return setmetatable({}, { __close = function(_, e) seen[#seen + 1] = name .. tostring(e) .. tostring(perform('echo_later', 1)) end })
            end
            local co = coroutine.create(function()
              local a <close> = closing "a"
              pcall(function()
                local b <close> = closing "b"
                coroutine.yield(1)
              end)
              seen[#seen + 1] = "not reached"
            end)
            coroutine.resume(co)
            assert(coroutine.close(co) == true)
            assert(table.concat(seen, ",") == "bnil1,anil1", table.concat(seen, ","))
            assert(coroutine.status(co) == "dead" and coroutine.close(co) == true)
            """)
    }

    @Test func `close reports errors of handlers`() throws {
        try check(
            """
            local function func2close(f) return setmetatable({}, { __close = f }) end
            local x = 0
            local co = coroutine.create(function()
              local y <close> = func2close(function(self, err) assert(err == 111); x = 200; error(200) end)
              local x <close> = func2close(function(self, err) assert(err == nil); error(111) end)
              coroutine.yield()
            end)
            coroutine.resume(co)
            assert(x == 0)
            local st, msg = coroutine.close(co)
            assert(st == false and coroutine.status(co) == "dead" and msg == 200)
            assert(x == 200)
            st, msg = coroutine.close(co)
            assert(st and msg == nil)
            -- One that died of an error says so once.
            local co = coroutine.create(error)
            local st, msg = coroutine.resume(co, 100)
            assert(not st and msg == 100)
            st, msg = coroutine.close(co)
            assert(not st and msg == 100)
            st, msg = coroutine.close(co)
            assert(st and msg == nil)
            -- Not started, running, normal.
            assert(coroutine.close(coroutine.create(print)))
            local main = coroutine.running()
            coroutine.wrap(function()
              local ok, message = pcall(coroutine.close, main)
              assert(not ok and message == "cannot close a normal coroutine", message)
              local ok, message = pcall(coroutine.close, (coroutine.running()))
              assert(not ok and message == "cannot close a running coroutine", message)
            end)()
            """)
    }

    @Test func `handlers of a closing coroutine catch their own errors`() throws {
        try check(
            """
            local caught, handled
            local co = coroutine.create(function()
              local a <close> = setmetatable({}, { __close = function()
                local ok, e = pcall(error, "own")
                caught = not ok and e
                local ok, e = xpcall(error, function(m) return "handled " .. m end, "own")
                handled = e
                local ok, e = pcall(coroutine.yield)
                assert(e == "attempt to yield across a C-call boundary", e)
              end })
              xpcall(function() coroutine.yield() end, function() error "must not be asked" end)
            end)
            coroutine.resume(co)
            assert(coroutine.close(co))
            assert(caught == "own" and handled == "handled own")
            """)
    }

    @Test func `a coroutine that waits belongs to its task`() throws {
        try check(
            """
            local co = coroutine.create(function() perform('block') end)
            local task = rt.spawn(function() return coroutine.resume(co) end)
            rt.sleep(0.01)
            assert(coroutine.status(co) == "normal")
            local ok, message = coroutine.resume(co)
            assert(not ok and message == "cannot resume non-suspended coroutine")
            local ok, message = pcall(coroutine.close, co)
            assert(not ok and message == "cannot close a normal coroutine", message)
            task:cancel()
            local ok, e = task:join()
            assert(not ok and e.code == "cancelled")
            """)
    }

    @Test func `a coroutine closes inside the runtime's own functions`() throws {
        try check(
            """
            local count = 0
            local function body()
              rt.retry({ times = 5, delay = 0 }, function() count = count + 1 coroutine.yield() end)
            end
            local co = coroutine.create(body)
            coroutine.resume(co)
            assert(coroutine.close(co) == true and count == 1)
            local co = coroutine.create(function() rt.try(coroutine.yield) count = 100 end)
            coroutine.resume(co)
            assert(coroutine.close(co) == true and count == 1)
            """)
    }

    @Test func `traceback of a dead coroutine shows where it died`() throws {
        try check(
            """
            local function inner() error "x" end
            local co = coroutine.create(function() inner() end)
            coroutine.resume(co)
            local text = debug.traceback(co)
            assert(text:find("stack traceback:\\n\\t[C]: in function 'error'\\n\\ttest.lua:1: in upvalue 'inner'", 1, true), text)
            local co = coroutine.create(function() coroutine.yield() end)
            coroutine.resume(co)
            local text = debug.traceback(co, "message")
            assert(text:find("^message\\nstack traceback:\\n\\t%[C%]: in function 'coroutine.yield'\\n\\ttest.lua:6") or
              text:find("^message\\nstack traceback:\\n\\t%[C%]: in field 'yield'\\n\\ttest.lua:6"), text)
            """)
    }

    @Test func `endless nesting is an error`() throws {
        try check(
            """
            local function a(a) coroutine.wrap(a)(a) end
            local ok, e = pcall(a, a)
            assert(not ok and tostring(e):find("C stack overflow"), e)
            local function deep(n) if n > 0 then return coroutine.wrap(deep)(n - 1) end return "bottom" end
            assert(deep(50) == "bottom")
            """)
    }

    @Test func `close of wrap in a for loop and many yields`() throws {
        try check(
            """
            local co = coroutine.wrap(function() return pcall(pcall, pcall, pcall, pcall, pcall, error, 10) end)
            local results = { co() }
            assert(results[1] and results[#results] == 10)
            local function f() for i = 1, 1000 do coroutine.yield(i) end end
            local co, sum = coroutine.create(f), 0
            while true do
              local ok, i = coroutine.resume(co)
              if not i then break end
              sum = sum + i
            end
            assert(sum == 500500)
            local ok, e = coroutine.resume(coroutine.create(function(...) return select("#", ...) end), table.unpack({}, 1, 200))
            assert(ok and e == 200)
            """)
    }

    @Test func `a yield where none is possible is Lua's own error`() throws {
        try check(
            """
            local ok, e = coroutine.resume(coroutine.create(function() table.sort({ 1, 2, 3 }, coroutine.yield) end))
            assert(not ok and e:find("attempt to yield across a C%-call boundary"), e)
            """)
    }
}
