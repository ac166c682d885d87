import Basics
import LuaRuntime
import Testing

@Suite struct LimitTests {
    @Test func aRunawayScriptEndsWithAnError() throws {
        for source in [
            "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
            "local s = 'x' while true do s = s .. s end",
            "return ('x'):rep(1 << 30)",
            "rt.spawn(function() return ('x'):rep(1 << 30) end):join()",
            "coroutine.wrap(function() local t = {} while true do t = { t } end end)()",
        ] {
            let error = try #require(try run(source) { $0.memoryLimit = 16 << 20 }.error, "\(source)")
            #expect(error.failure.code == .memory, "\(source): \(error)")
            #expect(error.failure.message == "the script used more than 16 MiB of Lua memory")
            #expect(error.failure.hint?.contains("--lua-memory") == true)
        }
    }

    @Test func aStringLargerThanLuaCanMakeIsAScriptError() throws {
        #expect(try failure("return ('x'):rep(1 << 40)").failure.message == "resulting string too large")
    }

    @Test func theLimitIsCatchable() throws {
        let outcome = try run(
            """
            local ok, e = pcall(string.rep, "x", 1 << 30)
            assert(not ok and e == "not enough memory")
            return perform('echo_later', 1)
            """
        ) { $0.memoryLimit = 16 << 20 }
        #expect(outcome.values == [1])
    }

    @Test func anAnswerLargerThanTheLimitIsNotRefusedOnItsWay() throws {
        let outcome = try run(
            "return #perform('large')",
            primitives: [
                Primitive("large", .pooled) { _ in [.bytes([UInt8](repeating: 120, count: 32 << 20))] }
            ]
        ) { $0.memoryLimit = 16 << 20 }
        #expect(outcome.values == [.int(32 << 20)] || outcome.error?.failure.code == .memory)
    }

    @Test func endlessRecursionIsAScriptError() throws {
        let error = try failure("local function f() return 1 + f() end\nf()")
        #expect(error.failure.message.contains("stack overflow"))
        #expect(error.location == "test.lua:1")
        try check(
            """
            local function nest() return pcall(nest) end
            nest()
            local function f() return f() + 1 end
            local ok, e = pcall(f)
            assert(not ok and e:find("stack overflow"))
            local ok, e = pcall(string.gsub, ("x"):rep(300), "x", function() return ("("):rep(300):find(("("):rep(300)) end)
            assert(not ok)
            local t = setmetatable({}, {})
            getmetatable(t).__index = function(t, k) return t[k .. "x"] end
            assert(not pcall(function() return t.x end))
            local deep = {}
            deep.__index = deep
            """)
    }

    @Test func errorsInErrorHandlersEnd() throws {
        try check(
            """
            local ok, e = xpcall(error, function(m) error(m) end, "x")
            assert(not ok)
            local ok, e = xpcall(function() local x = nil; x() end, function(m) return perform('echo', m) end)
            assert(not ok)
            """)
    }
}
