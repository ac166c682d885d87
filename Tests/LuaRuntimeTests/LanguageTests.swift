import Basics
import LuaRuntime
import Synchronization
import Testing

@Suite struct `The language` {
    @Test func `what a sandbox must not have is gone`() throws {
        try check(
            """
            local gone = {
                os = { "execute", "exit", "remove", "rename", "tmpname", "setlocale" },
                io = { "popen", "open", "input", "output", "tmpfile", "close" }, package = { "loadlib", "cpath" },
                string = { "dump", "gfind" }, table = { "getn", "maxn" },
                _G = { "loadstring", "setfenv", "unpack", "module", "bit32" },
            }
            for library, names in pairs(gone) do
                for _, name in ipairs(names) do
                    assert(rawget(_G[library], name) == nil, name)
                    local ok, e = pcall(function() return _G[library][name] end)
                    assert(not ok and e.code == "undeclared_global" and e.hint, name)
                end
            end
            assert(table.nothing == nil and ("x").nothing == nil)
            for name in pairs(debug) do assert(name == "traceback", name) end
            assert(require "debug" == debug and require "string" == string and require "io" == io and require "_G" == _G)
            for _, option in ipairs { "collect", "count", "step", "isrunning" } do collectgarbage(option) end
            local ok, e = pcall(collectgarbage, "stop")
            assert(not ok and e.code == "forbidden")
            local ok, e = pcall(setmetatable, {}, { __gc = print })
            assert(not ok and e.message == "__gc is not allowed in a metatable")
            local ok, e = pcall(setmetatable, _G, {})
            assert(not ok and e == "cannot change a protected metatable")
            """)
    }

    @Test func `bytecode is refused`() throws {
        try check(
            """
            local code = "\\27Lua\\x54\\0\\x19\\x93\\r\\n\\x1a\\n"
            for _, mode in ipairs { "t", "b", "bt" } do
              local f, e = load(code, "x", mode)
              assert(f == nil and e:find("binary") or e:find("bytecode"), e)
            end
            local f, e = load(code)
            assert(f == nil and e:find("binary chunk"), e)
            local sent
            local f, e = load(function() if not sent then sent = true return code end end)
            assert(f == nil)
            local ok, e = pcall(require, "compiled")
            assert(not ok)
            """)
        try withFolder(["main.lua": "require 'compiled'", "compiled.lua": "\u{1B}Lua54"]) { folder in
            let script = try Script()
            defer { script.runtime.close() }
            let error = script.run(file: folder + "/main.lua").error
            #expect(error?.failure.message.contains("attempt to load a binary chunk") == true)
        }
    }

    @Test func `load takes what the manual says`() throws {
        try check(
            """
            assert(load("return 1 + 1")() == 2)
            assert(load("return ...", "name", "t", {})(5) == 5)
            assert(load("x = 1; return x", "name", "bt", {})() == 1)
            assert(load("return x", "name", nil, { x = 3 })() == 3)
            local parts, i = { "return ", "4", "2" }, 0
            assert(load(function() i = i + 1 return parts[i] end)() == 42)
            local f, e = load("x =", "=name")
            assert(f == nil and e == "name:1: unexpected symbol near <eof>", e)
            local f, e = load("x =")
            assert(e:find('^%[string "x ="%]:1:'), e)
            local ok, e = pcall(load("return x", "=n", "t", nil))
            assert(not ok)
            assert(load("return perform('echo_later', 7)", "=n", "t", { perform = perform })() == 7)
            """)
    }

    @Test func `the rest of the language is there`() throws {
        try check(
            """
            assert(7 // 2 == 3 and -7 // 2 == -4 and 7 % -3 == -2 and 2 ^ 10 == 1024.0 and 1 << 62 == 4611686018427387904)
            assert(math.maxinteger + 1 == math.mininteger and 3 | 4 == 7 and 5 ~ 1 == 4 and ~0 == -1)
            assert(string.format("%5.2f|%d|%s|%q|%x|%-5s|%i", 3.14159, 42, nil, "a\\n", 255, "ab", 3) == " 3.14|42|nil|\\"a\\\\\\n\\"|ff|ab   |3")
            assert(("x"):rep(3, ",") == "x,x,x" and ("abc"):byte(-1) == 99 and ("%a+"):len() == 3)
            assert(string.pack("<i4", 7) == "\\7\\0\\0\\0" and string.unpack("<i4", "\\7\\0\\0\\0") == 7)
            assert(utf8.char(8364) == "€" and utf8.len("€uro") == 4)
            for i = 1, 3 do if i == 2 then goto continue end assert(i ~= 2) ::continue:: end
            local t = table.pack(table.unpack({ 1, 2, nil, 4 }, 1, 4))
            assert(t.n == 4 and select("#", table.unpack(t, 1, t.n)) == 4)
            assert(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ",") == "1,1,2,3")
            local a <const>, order = 5, {}
            do
              local x <close> = setmetatable({}, { __close = function() order[#order + 1] = "x" end })
              local y <close> = setmetatable({}, { __close = function() order[#order + 1] = "y" end })
            end
            assert(table.concat(order) == "yx")
            assert(tostring(nil) == "nil" and tostring(1.0) == "1.0" and tonumber("0x10") == 16 and tonumber("z", 36) == 35)
            assert(math.type(1) == "integer" and math.type(1.0) == "float" and math.tointeger(3.0) == 3)
            assert(type(os.time()) == "number" and os.time { year = 2020, month = 1, day = 1, hour = 12 } and os.date("!%Y", 0) == "1970")
            assert(type(os.clock()) == "number" and os.getenv("PATH") and os.getenv("NO_SUCH_VARIABLE") == nil and os.difftime(2, 1) == 1)
            local proxy = setmetatable({}, { __pairs = function() return next, { k = 1 }, nil end })
            for k, v in pairs(proxy) do assert(k == "k" and v == 1) end
            assert(select(-1, 1, 2, 3) == 3 and rawlen({ 1, 2 }) == 2 and rawequal("a", "a") and next({}) == nil)
            assert(_VERSION == "Lua 5.4")
            local s = setmetatable({}, { __mode = "k" })
            s[{}] = 1
            collectgarbage()
            assert(next(s) == nil)
            """)
    }

    @Test func `print and write keep bytes and order`() throws {
        let outcome = try run(
            """
            print(1, 2.5, nil, true, setmetatable({}, { __tostring = function() return "own" end }))
            io.write("a", 1, "\\n")
            io.stdout:write("b"):write("c\\n")
            perform('echo_later')
            io.stderr:write("warning\\n")
            print()
            table.sort({ 2, 1 }, function(a, b) io.write("in sort\\n") return a < b end)
            coroutine.wrap(function() print("in a coroutine") end)()
            assert(io.type(io.stdout) == "file" and io.type(1) == nil and tostring(io.stdout) == "file (stdout)")
            assert(io.stdout:flush() == io.stdout and io.write() == io.stdout)
            local ok, e = pcall(io.write, {})
            assert(not ok)
            """)
        #expect(outcome.error == nil)
        #expect(outcome.output == "1\t2.5\tnil\ttrue\town\na1\nbc\n\nin sort\nin a coroutine\n")
        #expect(outcome.errorOutput == "warning\n")
    }

    @Test func `reading takes the formats of the manual`() throws {
        let chunks = Mutex<[String]>([
            "line one\nli", "ne two\n", "  12 0x1F -3.5e2 rest\n", "kept\n", "abc", "def",
        ])
        let outcome = try run(
            """
            assert(io.read() == "line one" and io.read("L") == "line two\\n")
            local a, b, c = io.read("n", "n", "n")
            assert(a == 12 and b == 31 and c == -350.0)
            assert(io.read("l") == " rest")
            for line in io.stdin:lines() do assert(line == "kept") break end
            assert(io.read(0) == "" and io.read(4) == "abcd" and io.read("a") == "ef")
            assert(io.read("a") == "" and io.read("l") == nil and io.read(0) == nil and io.read(1) == nil)
            assert(not pcall(io.read, "x"))
            """
        ) {
            $0.input = { () throws(Failure) in
                chunks.withLock { $0.isEmpty ? nil : Array($0.removeFirst().utf8) }
            }
        }
        #expect(outcome.error == nil)
    }

    @Test func `a script may replace library functions without harm to the runtime`() throws {
        try check(
            """
            local keep_type, keep_assert = type, assert
            for name in pairs(string) do string[name] = function() error "replaced" end end
            for name in pairs(table) do table[name] = nil end
            type, tostring, pcall, error, next, ipairs, select, setmetatable = nil
            keep_assert(rt.each({ 1, 2 }, { limit = 1 }, function(n) return perform('echo_later', n) end)[2] == 2)
            rt.sleep("1ms")
            keep_assert(rt.spawn(function() return 5 end):join() == 5)
            rt.timeout("1s", function() end)
            """)
    }
}
