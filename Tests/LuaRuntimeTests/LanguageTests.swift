import Basics
import Foundation
import LuaRuntime
import Testing

/// Scripts that assert in Lua; each ends without an error.
@Suite("The language inside limiq")
struct LanguageTests {
    static let scripts: [(String, String)] = [
        (
            "generators call primitives",
            """
            local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(echo(i)) end end)
            assert(gen() == 1 and gen() == 2 and gen() == 3 and gen() == nil)
            assert(not pcall(gen))
            """
        ),
        (
            "a coroutine that waits is normal to others and cannot be resumed",
            """
            local co = coroutine.create(function() wait(60); return "done" end)
            local task = rt.spawn(function() return coroutine.resume(co) end)
            rt.sleep(0.02)
            assert(coroutine.status(co) == "normal", coroutine.status(co))
            local ok, e = coroutine.resume(co)
            assert(not ok and e == "cannot resume non-suspended coroutine")
            assert(not pcall(coroutine.close, co))
            assert(select(2, task:join()) == "done" and coroutine.status(co) == "dead")
            """
        ),
        (
            "close runs pending closings with no error, and they may wait",
            """
            local log = {}
            local function closing(name) return setmetatable({}, { __close = function(_, e) log[#log + 1] = { name, e, wait(1, name) } end }) end
            local co = coroutine.create(function()
                local a <close> = closing "a"
                pcall(function() local b <close> = closing "b"; coroutine.yield(1) end)
                log[#log + 1] = "not here"
            end)
            assert(coroutine.resume(co))
            assert(coroutine.close(co) == true and coroutine.status(co) == "dead")
            assert(#log == 2 and log[1][1] == "b" and log[1][2] == nil and log[2][1] == "a" and log[2][2] == nil)
            """
        ),
        (
            "an error in a closing is what close answers",
            """
            local co = coroutine.create(function()
                local a <close> = setmetatable({}, { __close = function() error("boom", 0) end })
                coroutine.yield()
            end)
            coroutine.resume(co)
            local ok, e = coroutine.close(co)
            assert(ok == false and e == "boom", tostring(e))
            """
        ),
        (
            "a coroutine that never began and one that is over close",
            """
            assert(coroutine.close(coroutine.create(print)))
            local co = coroutine.create(error); coroutine.resume(co, "x")
            local ok, e = coroutine.close(co); assert(ok == false and e == "x")
            """
        ),
        (
            "the script is a main routine",
            """
            local _, main = coroutine.running(); assert(main and not coroutine.isyieldable())
            local ok, e = pcall(coroutine.yield); assert(not ok and e:find "outside a coroutine")
            assert(coroutine.wrap(function() return coroutine.isyieldable() and not select(2, coroutine.running()) end)())
            """
        ),
        (
            "values and their number pass through resume and yield",
            """
            local co = coroutine.create(function(...) local n = select("#", coroutine.yield(...)); return n, nil end)
            assert(select("#", coroutine.resume(co, nil, nil)) == 3)
            local t = table.pack(coroutine.resume(co, nil, nil, nil)); assert(t.n == 3 and t[2] == 3)
            assert(select("#", coroutine.resume(coroutine.create(function() end))) == 1)
            """
        ),
        (
            "error positions and levels",
            """
            local function f() error("x", 2) end
            local ok, e = pcall(function() f() end); assert(e:match "^script.lua:%d+: x$", e)
            ok, e = pcall(error, { 1 }); assert(e[1] == 1)
            ok, e = pcall(error); assert(not ok and e == nil)
            ok, e = pcall(function() local x = nil; return x.y end); assert(e:find "script.lua:%d+: attempt to index a nil value")
            ok, e = xpcall(function() error "a" end, function(m) return m .. "!" end); assert(e:sub(-2) == "a!")
            assert(select("#", pcall(function() return nil, nil end)) == 3)
            """
        ),
        (
            "wrap passes error objects on and says where it was called",
            """
            local w = coroutine.wrap(function() error({ code = 7 }) end)
            local ok, e = pcall(w); assert(e.code == 7)
            w = coroutine.wrap(function() error("m", 0) end)
            ok, e = pcall(function() w() end); assert(e:match "^script.lua:%d+: m$", e)
            """
        ),
        (
            "primitives work in pcall, metamethods, iterators and closings",
            """
            local t = setmetatable({}, { __index = function(_, k) return echo(k) end, __add = function(a, b) return echo(b) end })
            assert(t.name == "name" and t + 3 == 3)
            local function iter(_, i) i = i + 1; if i < 4 then return echo(i) end end
            local sum = 0; for i in iter, nil, 0 do sum = sum + i end; assert(sum == 6)
            local closed; do local c <close> = setmetatable({}, { __close = function() closed = echo "yes" end }) end
            assert(closed == "yes" and select(2, pcall(echo, 5)) == 5)
            """
        ),
        (
            "load takes text only",
            """
            assert(load "return 1"() == 1)
            assert(not load "\\27Lua"); assert(load(function() return nil end))
            local env = {}; load("x = 1", "c", "t", env)(); assert(env.x == 1)
            """
        ),
        (
            "what reaches the host is not there, and says what to use",
            """
            for _, f in ipairs { function() return os.execute end, function() return io.open end, function() return os.exit end,
                function() return package.loadlib end, function() return io.popen end } do
                local ok, e = pcall(f); assert(not ok and e.code == "forbidden" and e.hint, tostring(e))
            end
            assert(string.dump == nil and debug.getinfo == nil and debug.sethook == nil)
            assert(not pcall(setmetatable, {}, { __gc = print }))
            assert(type(os.time()) == "number" and os.getenv "HOME" and os.date "%Y" and os.clock())
            """
        ),
        (
            "undeclared globals are errors with the nearest name",
            """
            local ok, e = pcall(function() return prnt end); assert(e.code == "undeclared" and e.hint:find "print", tostring(e))
            ok, e = pcall(function() counter = 1 end); assert(not ok and e.hint:find "local")
            rawset(_G, "known", 1); assert(known == 1)
            """
        ),
        (
            "secrets show themselves to no one",
            """
            local s = rt.secret "hunter2"
            assert(tostring(s) == "‹secret›" and ("pw " .. s) == "pw ‹secret›" and echo(s) == "hunter2")
            assert(getmetatable(s) == "limiq.secret" and next(s) == nil)
            """
        ),
        ("empty lists stay lists", "local t = echo { rt.null }; assert(#t == 1)"),
        (
            "standard libraries",
            """
            assert(string.format("%5.2f|%q", 3.14159, "a\\n") and ("x"):rep(3) == "xxx" and utf8.char(8364) == "€")
            assert(table.concat({ 1, 2, 3 }, ",") == "1,2,3" and 7 // 2 == 3 and 7 % -3 == -2 and 1 << 4 == 16)
            assert(string.pack("<i4", 7):len() == 4 and math.maxinteger + 1 == math.mininteger)
            goto done
            error "not here"
            ::done::
            """
        ),
        (
            "the stack may be deep, and too deep is an error",
            """
            local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end
            assert(f(10000) == 10000)
            local function g() return 1 + g() end
            local ok, e = pcall(g); assert(not ok and tostring(e):find "stack overflow", tostring(e))
            """
        ),
        (
            "tracebacks show the script's frames alone",
            """
            local function inner() local t = debug.traceback("here"); return t end
            local t = coroutine.wrap(function() local t = inner(); return t end)()
            assert(t:find("script.lua", 1, true) and not t:find("limiq", 1, true), t)
            local co = coroutine.create(function() error "x" end); coroutine.resume(co)
            assert(debug.traceback(co):find("script.lua", 1, true), debug.traceback(co))
            """
        ),
    ]

    @Test("holds", arguments: scripts)
    func holds(name: String, script: String) async {
        let outcome = await run(script)
        #expect(outcome.error == nil, "\(name): \(outcome.error.map(String.init(describing:)) ?? "")")
    }

    @Test("print and io.write keep bytes and order, also where nothing can wait")
    func output() async {
        let outcome = await run(
            """
            print(1, nil, "a\\0b"); io.write("x", 2, "\\n"); io.stdout:write("y"):write("z\\n")
            table.sort({ 2, 1 }, function(a, b) print "sorting"; return a < b end)
            print "end"
            """)
        #expect(outcome.output.hasPrefix("1\tnil\ta\0b\nx2\nyz\nsorting\n"))
        #expect(outcome.output.hasSuffix("end\n"))
    }

    @Test("a script that needs more memory than it may gets an error, not the process")
    func memory() async {
        let outcome = await run(
            "local t = {}; while true do t[#t + 1] = ('x'):rep(100000) .. #t end", memoryLimit: 64 << 20)
        #expect(
            outcome.error?.failure.code == .outOfMemory,
            "\(outcome.error.map(String.init(describing:)) ?? "")")
        let huge = await run("return pcall(string.rep, 'x', 1 << 40)")
        #expect(huge.values.first == false)
    }

    @Test("a syntax error names its line; bytecode is refused")
    func syntax() async {
        let outcome = await run("\nlocal x = = 1")
        #expect(outcome.error?.failure.message.hasPrefix("script.lua:2:") == true)
        let bytecode = await run("return load('\\27Lua\\x54')")
        #expect(bytecode.values.first == .null)
    }
}
