import Basics
import LuaRuntime
import Testing

@Suite struct `A check of a script` {
    private func check(_ text: String) throws -> [String] {
        try withFolder(["sub/script.lua": text]) { folder in
            try LuaRuntime.check(file: folder + "/sub/script.lua").map(\.description)
        }
    }

    @Test func `a syntax error is found`() throws {
        #expect(try check("local a = 1\nlocal = 2") == ["script.lua:2: <name> expected near '='"])
    }

    @Test func `undeclared globals are found wherever they are`() throws {
        let found = try check(
            """
            #!/usr/bin/env limiq
            local known = require "x"
            local function f(a) return function() return a + b end end

            prnt(known, f)
            total = 1
            for i = 1, 3 do print(i, io.write, string.format, _G, load, pcall) end
            """)
        #expect(
            found == [
                "script.lua:3: undeclared global b\n  hint: declare it first: local b",
                "script.lua:5: undeclared global prnt\n  hint: did you mean print?",
                "script.lua:6: write to the undeclared global total\n  hint: declare it: local total",
            ])
    }

    @Test func `lines are right far down`() throws {
        let source = (1...300).map { _ in "local function f()\n\n\n  return 1\nend\nf()" }.prefix(150).joined(
            separator: "\n")
        #expect(try check(source + String(repeating: "\n", count: 500) + "nothing()").count == 1)
        #expect(
            try check(source + String(repeating: "\n", count: 500) + "nothing()")[0].hasPrefix(
                "script.lua:1400: "))
    }

    @Test func `declared globals and own environments are fine`() throws {
        #expect(
            try check(
                "rawset(_G, 'mine', 1)\nmine = mine + 1\ndo local _ENV = { x = 1 } y = x end\nlocal x <const> = 1 return x"
            ) == [])
    }

    @Test func `what check knows is what a script finds`() throws {
        let outcome = try run(
            "local t = {} for name in pairs(_G) do t[#t + 1] = 'local _ = ' .. name end return table.concat(t, '\\n')"
        )
        #expect(try check(outcome.values.first?.string ?? "none") == [])
    }

    @Test func `a missing file is an error`() {
        #expect(throws: Failure.self) { try LuaRuntime.check(file: "/no/such/file.lua") }
    }
}
