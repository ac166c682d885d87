import Basics
import LuaRuntime
import Synchronization
import Testing

@Suite struct `Values that cross` {
    /// What a primitive gets as its first argument.
    private func received(_ expression: String) throws -> Value {
        let seen = Mutex(Value.null)
        let take = Primitive("take", .inline) { request in
            seen.withLock { $0 = request.arguments.first ?? .null }
            return []
        }
        #expect(try run("perform('take', \(expression))", primitives: [take]).error == nil)
        return seen.withLock { $0 }
    }

    private func refused(_ expression: String, location: SourceLocation = #_sourceLocation) throws -> String {
        let error = try failure("perform('echo', \(expression))", location: location)
        #expect(error.failure.code == .badField, sourceLocation: location)
        return error.failure.message
    }

    @Test func `plain values arrive as they are`() throws {
        #expect(try received("nil") == .null)
        #expect(try received("rt.null") == .null)
        #expect(try received("1") == 1)
        #expect(try received("1.0") == .double(1))
        #expect(try received("'häß\\0x'") == "häß\0x")
        #expect(try received("'\\xff'") == .bytes([255]))
        #expect(try received("{}") == [:])
        #expect(try received("{ 1, { 2 }, rt.null }") == [1, [2], .null])
        #expect(try received("rt.secret('x')") == .secret("x"))
        #expect(try received("{ [3] = 'c', [1] = 'a', [2] = 'b' }") == ["a", "b", "c"])
        #expect(
            try received("setmetatable({ a = 1 }, { __index = error, __pairs = error, __len = error })") == [
                "a": 1
            ])
    }

    @Test func `the same table gives the same map`() throws {
        let sorted: Value = ["A": 1, "a": 2, "b": 3, "ä": 4]
        #expect(try received("{ b = 3, a = 2, ['ä'] = 4, A = 1 }") == sorted)
        #expect(
            try received(
                "(function() local t = {} for i = 1, 50 do t['k' .. i] = i end for i = 1, 50 do t['k' .. i] = nil end t['ä'] = 4 t.A = 1 t.b = 3 t.a = 2 return t end)()"
            ) == sorted)
    }

    @Test func `what cannot cross is named by its path`() throws {
        #expect(try refused("print") == "echo: argument 1 is a function: only plain values reach a primitive")
        #expect(
            try refused("{ disks = { { size = print } } }")
                == "echo: disks[1].size is a function: only plain values reach a primitive")
        #expect(
            try refused("1, { a = { 1, nil, 3 } }") == "echo: argument 2: a has a member [3] but none at [2]")
        #expect(try refused("{ x = { 1, a = 2 } }") == "echo: x has both names and list members")
        #expect(try refused("{ x = { a = 2, [5] = 1 } }") == "echo: x has both names and list members")
        #expect(try refused("{ ports = { [80] = 1 } }") == "echo: ports has a member [80] but none at [1]")
        #expect(try refused("{ ['a b'] = { [true] = 1 } }") == "echo: [\"a b\"] has a boolean as a key")
        #expect(try refused("{ { [1.5] = 1 } }") == "echo: [1] has a number as a key")
        #expect(try refused("{ a = { ['\\xff'] = 1 } }") == "echo: a has a name that is not UTF-8 text")
        #expect(
            try refused("coroutine.create(print)")
                == "echo: argument 1 is a thread: only plain values reach a primitive")
        #expect(try refused("rt.secret('\\xff')") == "echo: argument 1 is a secret that is not UTF-8 text")
        #expect(
            try refused("(function() local t = {} t.a = { t } return t end)()")
                == "echo: a[1] contains itself")
        #expect(
            try refused("(function() local t = {} for _ = 1, 1e5 do t = { t } end return t end)()").contains(
                "nested deeper than 100 tables"))
    }

    @Test func `a table used twice is no cycle`() throws {
        #expect(try received("(function() local t = { 1 } return { t, t } end)()") == [[1], [1]])
    }

    @Test func `values come back as they went`() throws {
        try check(
            """
            local t = perform('echo_later', { name = "x", list = { 1, 2.5, "s", true, rt.null }, deep = { { {} } } })
            assert(t.name == "x" and #t.list == 5 and t.list[2] == 2.5 and t.list[5] == rt.null and next(t.deep[1][1]) == nil)
            assert(math.type(t.list[1]) == "integer" and math.type(perform('echo', 1.0)) == "float")
            assert(perform('echo', "\\xff\\0") == "\\xff\\0" and perform('echo', nil) == nil and perform('echo', false) == false)
            assert(select("#", perform('echo')) == 0 and select("#", perform('echo', nil, nil)) == 2)
            """)
    }

    @Test func `an empty list stays one`() throws {
        let seen = Mutex<[Value]>([])
        let outcome = try run(
            """
            local t = perform('lists')
            perform('take', t)
            assert(getmetatable(t.empty) == nil)
            t.empty.x = 1
            t.map[1] = 1
            perform('take', t)
            perform('take', rt.list {})
            """,
            primitives: [
                Primitive("lists", .inline) { _ in [["empty": [], "map": [:]]] },
                Primitive("take", .inline) { request in
                    seen.withLock { $0 += request.arguments }
                    return []
                },
            ])
        #expect(outcome.error == nil)
        #expect(seen.withLock { $0 } == [["empty": [], "map": [:]], ["empty": ["x": 1], "map": [1]], []])
    }

    @Test func `what is joined with a secret is one`() throws {
        #expect(try received("rt.secret('x') .. 'y'") == .secret("xy"))
        #expect(try received("'a' .. 1 .. rt.secret('x') .. rt.secret('') .. 2.5") == .secret("a1x2.5"))
        #expect(try received("rt.secret('') .. rt.secret('')") == .secret(""))
        #expect(try received("tostring('a' .. rt.secret('x'))") == .string("‹secret›"))
        #expect(try received("pcall(function() return rt.secret('x') .. {} end)") == .bool(false))
        #expect(try received("pcall(function() return rt.secret('x') .. nil end)") == .bool(false))
    }

    @Test func `secrets and null show nothing`() throws {
        try check(
            """
            local s = rt.secret("hunter2")
            assert(tostring(s) == "‹secret›" and ("%s"):format(s) == "‹secret›" and getmetatable(s) == "secret")
            assert(s == rt.secret("hunter2") and s ~= rt.secret("other") and rt.secret(s) == s)
            assert(tostring(perform('echo_later', { s })[1]) == "‹secret›")
            for _, f in ipairs { function() return #s end, function() return s.x end, function() s.x = 1 end } do
              local ok, e = pcall(f)
              assert(not ok and not e:find("hunter2"))
            end
            assert(not pcall(rt.secret) and not pcall(rt.secret, {}))
            assert(tostring(rt.null) == "null" and rt.null == perform('echo', { rt.null })[1] and getmetatable(rt.null) == "null")
            """)
    }

    @Test func `a million members cross`() throws {
        try check(
            """
            local t = {}
            for i = 1, 1000000 do t[i] = i end
            local back = perform('echo_later', t)
            assert(#back == 1000000 and back[1000000] == 1000000)
            local many = perform('echo', ("x"):rep(10000000))
            assert(#many == 10000000)
            """)
    }

    @Test func `a wrong primitive name is an error`() throws {
        #expect(try failure("perform('no.such')").failure.message == "there is no primitive no.such")
    }
}
