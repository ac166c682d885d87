import Basics
import LuaRuntime
import Testing

@Suite("Calling primitives")
struct PrimitiveCallTests {
    @Test("plain values go down and come back the same")
    func values() async {
        let outcome = await run(
            """
            local t = echo { name = "web", size = 3, ratio = 0.5, on = true, list = { 1, "two", { three = 3 } }, nothing = rt.null }
            assert(t.name == "web" and t.size == 3 and t.ratio == 0.5 and t.on == true)
            assert(t.list[3].three == 3 and t.nothing == rt.null and tostring(t.nothing) == "null")
            assert(math.type(t.size) == "integer" and math.type(t.ratio) == "float")
            assert(echo("\\xff\\x00") == "\\xff\\x00")
            return echo(1, nil, "x")
            """)
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
        #expect(outcome.values == [1, .null, "x"])
    }

    @Test(
        "what is no plain value is refused by its path",
        arguments: [
            ("echo { disks = { { size = print } } }", "disks[1].size is a function"),
            ("local t = {}; t.t = t; echo(t)", "nested more than"),
            ("echo { 1, 2, x = 3 }", "neither a list"),
            ("echo { [1] = 1, [3] = 3 }", "neither a list"),
            ("echo { a = { [true] = 1 } }", "a has keys"),
        ])
    func refused(script: String, message: String) async {
        let outcome = await run(script)
        #expect(outcome.error?.failure.code == .badField)
        #expect(
            outcome.error?.failure.message.contains(message) == true,
            "\(outcome.error.map(String.init(describing:)) ?? "no error")")
    }

    @Test("a failure is an error table with its code, its line and the way out")
    func failure() async {
        let outcome = await run(
            """

            local ok, e = pcall(rt.perform, "test.fail")
            assert(not ok and e.code == "disk_exists" and e.hint == "take another name" and e.resource == "a.qcow2")
            local e2 = select(2, rt.try(function()
                rt.perform "test.fail"
            end))
            assert(e2.where == "script.lua:5", e2.where)
            assert(tostring(e2) == "script.lua:5: a.qcow2: it is there already (take another name)", tostring(e2))
            assert(e2.traceback:find("script.lua:5: in", 1, true), e2.traceback)
            """)
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
    }

    @Test("a thousand tasks wait at once")
    func thousand() async {
        let outcome = await run(
            """
            local items = {}
            for i = 1, 1000 do items[i] = i end
            local results = rt.each(items, function(i) return wait(20, i) and i end)
            local sum = 0
            for i = 1, 1000 do assert(results[i] == i); sum = sum + i end
            return sum
            """)
        #expect(outcome.values == [500_500], "\(outcome.error.map(String.init(describing:)) ?? "")")
    }

    @Test("where Lua calls from C a primitive says that it cannot wait, and what to do")
    func cannotWait() async {
        let outcome = await run(
            """
            local e = select(2, pcall(table.sort, { 2, 1 }, function() return echo(true) end))
            assert(e.code == "cannot_wait" and e.hint:find "table.sort", tostring(e))
            e = select(2, pcall(string.gsub, "a", "a", function() echo() end))
            assert(e.code == "cannot_wait")
            """)
        #expect(outcome.error == nil, "\(outcome.error.map(String.init(describing:)) ?? "")")
    }
}
