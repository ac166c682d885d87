import Basics
import LuaRuntime
import Testing

@Suite struct `Errors of a script` {
    @Test func `levels of error are those of plain Lua`() throws {
        try check(
            """
            local function one() error("m") end
            local function two() error("m", 2) end
            local function three() local function inner() error("m", 3) end inner() return end
            local _, a = pcall(one)
            assert(a == "test.lua:1: m", a)
            local _, b = pcall(function()
              two()
            end)
            assert(b == "test.lua:7: m", b)
            local _, c = pcall(function()
              three() return
            end)
            assert(c == "test.lua:11: m", c)
            local _, d = pcall(two)
            assert(d == "m", d)
            local _, e = pcall(error, "m", 0)
            assert(e == "m")
            local _, f = pcall(error)
            assert(f == nil)
            local t = {}
            local _, g = pcall(error, t)
            assert(g == t)
            local _, h = xpcall(one, function(m) return "h:" .. m end)
            assert(h == "h:test.lua:1: m", h)
            local _, i = pcall(string.rep)
            assert(i == "bad argument #1 to 'string.rep' (string expected, got no value)", i)
            local _, j = pcall(pcall)
            assert(j:find("bad argument #1 to 'pcall' %(value expected%)"), j)
            local _, k = pcall(xpcall, print)
            assert(k:find("bad argument #2 to 'xpcall' %(function expected, got no value%)"), k)
            local _, l = pcall(setmetatable, 1, {})
            assert(l:find("bad argument #1 to 'setmetatable' %(table expected, got number%)"), l)
            """)
    }

    @Test func `xpcall handlers see the stack`() throws {
        try check(
            """
            local function inner() error "x" end
            local _, text = xpcall(inner, debug.traceback)
            assert(text == "test.lua:1: x\\nstack traceback:\\n\\t[C]: in function 'error'\\n\\ttest.lua:1: in function <test.lua:1>\\n\\t[C]: in function 'xpcall'\\n\\ttest.lua:2: in main chunk", text)
            local _, text = xpcall(inner, function(m) return debug.traceback(m, 2) end)
            assert(text:find("^test.lua:1: x\\nstack traceback:\\n\\t%[C%]: in function 'error'"), text)
            assert(debug.traceback({}) ~= nil and type(debug.traceback({})) == "table")
            assert(debug.traceback("m", 1):find("^m\\nstack traceback:\\n\\ttest.lua:7: in main chunk"), debug.traceback("m", 1))
            local co = coroutine.create(function() perform('echo_later') error("in") end)
            local _, e = coroutine.resume(co)
            assert(e == "test.lua:8: in")
            """)
    }

    @Test func `any value may be the error of a script`() throws {
        #expect(try failure("error({})").description == "(error object is a table value)")
        #expect(try failure("error(nil)").description == "(error object is a nil value)")
        #expect(try failure("error(42)").description == "42")
        #expect(try failure("error('plain', 0)").description == "plain")
        #expect(
            try failure("error(setmetatable({}, { __tostring = function() return 'mine' end }))").description
                == "mine")
        #expect(
            try failure("error(rt.failure { code = 'own', message = 'bad', hint = 'fix' })").description
                == "test.lua:1: bad\n  hint: fix")
        #expect(try failure("error(print)").description == "(error object is a function value)")
    }

    @Test func `hostile error values do no harm`() throws {
        let text = "(error object is a table value)"
        #expect(
            try failure("error(setmetatable({}, { __tostring = function() error 'again' end }))").description
                == text)
        #expect(
            try failure("error(setmetatable({}, { __tostring = function() return {} end }))").description
                == text)
        #expect(
            try failure("error(setmetatable({}, { __tostring = function() perform('echo') end }))")
                .description == text)
        #expect(
            try failure("error(setmetatable({}, { __index = error, __metatable = 1 }))").description == text)
        let odd = try failure(
            "local _, e = pcall(perform, 'fail') e.message = {} e.hint = print e.code = nil error(e)")
        #expect(odd.failure.code == .script)
    }

    @Test func `a primitive where none can wait says what to do`() throws {
        let sources = [
            "table.sort({ 3, 2, 1 }, function(a, b) return perform('echo_later', a < b) end)",
            "string.gsub('abc', '%w', function(c) return perform('echo', c) end)",
            "tostring(setmetatable({}, { __tostring = function() return perform('echo', 'x') end }))",
            "assert(load(function() return perform('echo', nil) end))",
            "table.sort({ 3, 2, 1 }, function(a, b) return coroutine.wrap(function() return perform('echo', a < b) end)() end)",
            "table.sort({ 3, 2, 1 }, function(a, b) rt.sleep(0) return a < b end)",
        ]
        for source in sources {
            let error = try failure(source)
            #expect(error.failure.code == .cannotWait, "\(source)")
            #expect(error.failure.message.contains(" cannot wait here: "))
            #expect(error.location == "test.lua:1")
        }
        #expect(
            try run("table.sort({ 2, 1 }, function(a, b) print(a) return a < b end) print 'end'").output
                .hasSuffix("end\n"))
    }

    @Test func `a syntax error names its line`() throws {
        let error = try failure("local a = 1\nlocal b = = 2")
        #expect(error.failure.code == .syntax)
        #expect(error.description == "test.lua:2: unexpected symbol near '='")
    }

    @Test func `undeclared globals are errors with the nearest name`() throws {
        let read = try failure("\nprnt(1)")
        #expect(
            read.failure
                == Failure(.undeclaredGlobal, "undeclared global prnt", hint: "did you mean print?"))
        #expect(read.location == "test.lua:2")
        let write = try failure("function build() end")
        #expect(write.failure.message == "write to the undeclared global build")
        #expect(write.failure.hint == "declare it: local build")
        #expect(try failure("local a = flase").failure.hint == "did you mean false?")
        try check(
            """
            rawset(_G, "mine", 1)
            mine = mine + 1
            assert(mine == 2 and rawget(_G, "other") == nil)
            local _ENV = { x = 1 }
            y = x
            """)
        #expect(
            try failure("return coroutine.wrap(function() return nothing end)()").location == "test.lua:1")
    }

    @Test func `tracebacks show only the script's frames`() throws {
        let error = try failure(
            """
            local function leaf() perform('fail') end
            local function branch() local ok = leaf() return ok end
            rt.timeout(1, function() rt.retry({ times = 1 }, function() rt.each({ 1 }, function() branch() end) end) end)
            """)
        let lines = (error.traceback ?? "").split(separator: "\n").dropFirst()
        #expect(
            !lines.isEmpty && lines.allSatisfy { $0.contains("test.lua:") }, "\(error.traceback ?? "")")
    }
}
