import Basics
import Glibc
import LuaRuntime
import Synchronization
import Testing

@Suite struct `Limits` {
    @Test func `a runaway script ends with an error`() throws {
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

    @Test func `a string larger than Lua can make is a script error`() throws {
        #expect(try failure("return ('x'):rep(1 << 40)").failure.message == "resulting string too large")
    }

    @Test func `the limit is catchable`() throws {
        let outcome = try run(
            """
            local ok, e = pcall(string.rep, "x", 1 << 30)
            assert(not ok and e == "not enough memory")
            return perform('echo_later', 1)
            """
        ) { $0.memoryLimit = 16 << 20 }
        #expect(outcome.values == [1])
    }

    @Test func `an answer larger than the limit is not refused on its way`() throws {
        let outcome = try run(
            "return #perform('large')",
            primitives: [
                Primitive("large", .pooled) { _ in [.bytes([UInt8](repeating: 120, count: 32 << 20))] }
            ]
        ) { $0.memoryLimit = 16 << 20 }
        #expect(outcome.values == [.int(32 << 20)])
    }

    @Test func `endless recursion is a script error`() throws {
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

    @Test func `errors in error handlers end`() throws {
        try check(
            """
            local ok, e = xpcall(error, function(m) error(m) end, "x")
            assert(not ok)
            local ok, e = xpcall(function() local x = nil; x() end, function(m) return perform('echo', m) end)
            assert(not ok)
            """)
    }

    // MARK: what crosses to a primitive

    @Test(arguments: [
        "local t = {} for _ = 1, 40 do t = { t, t } end perform('echo', t)",
        "local t = {} for i = 1, 200 do t = { a = t, b = t, [\"c\" .. i] = t } if i % 90 == 0 then t = {} end end perform('echo_later', t)",
        "local t = {} for i = 1, 2000001 do t[i] = true end perform('echo', t)",
        "local t = {} for i = 1, 2000 do t[i] = {} end local u = {} for i = 1, 2000 do u[i] = t end perform('echo', 1, u)",
    ]) func `tables that are shared`(_ source: String) throws {
        let error = try failure(
            source.replacing("if i % 90 == 0 then t = {} end", with: "if i == 50 then break end"))
        #expect(error.failure.code == .badField)
        #expect(error.failure.message.hasSuffix(": what it is given holds more than 2000000 values"))
        #expect(error.failure.hint == "a table that is in several places counts in each of them")
    }

    @Test func `texts that are shared`() throws {
        for value in ["s", "rt.secret(s)"] {
            let error = try failure(
                "local s, t = ('x'):rep(1 << 20), {} for i = 1, 300 do t[i] = \(value) end perform('echo', t)"
            )
            #expect(error.failure.message == "echo: what it is given holds more than 256 MiB of text")
        }
        // The path of what is wrong is no place for a megabyte.
        let error = try failure("perform('echo', { [('x'):rep(1 << 20)] = print })")
        #expect(error.failure.message.count < 400)
    }

    @Test func `what is shared and small crosses`() throws {
        #expect(try value("local t = { 1 } return #perform('echo', { t, t, { a = t, b = { t } } })") == 3)
    }

    // MARK: files

    @Test func `a module is a regular file of bounded size`() throws {
        try withFolder(["main.lua": "", "long.lua": "return 1"]) { folder in
            #expect(truncate(folder + "/long.lua", 8 << 30) == 0)
            #expect(mkfifo(folder + "/pipe.lua", 0o600) == 0)
            for (call, complaint) in [
                ("dofile '/dev/zero'", "/dev/zero is a device, not a file"),
                ("assert(loadfile '/dev/zero')", "/dev/zero is a device, not a file"),
                ("dofile 'pipe.lua'", "\(folder)/pipe.lua is a FIFO, not a file"),
                ("require 'pipe'", "\(folder)/pipe.lua is a FIFO, not a file"),
                ("dofile 'long.lua'", "long.lua is 8 GiB, more than the 16 MiB that are read at once"),
                ("require 'long'", "long.lua is 8 GiB, more than the 16 MiB that are read at once"),
                ("dofile '/etc'", "/etc is a folder, not a file"),
            ] {
                let file = try #require(fopen(folder + "/main.lua", "w"))
                fputs(call, file)
                fclose(file)
                let script = try Script()
                defer { script.runtime.close() }
                let error = try #require(script.run(file: folder + "/main.lua").error)
                #expect("\(error)".contains(complaint), "\(call): \(error)")
            }
        }
    }

    /// Nothing interrupts one call of Lua's own: whoever runs the script is told, and ends it from outside.
    @Test(arguments: [
        "print(('a'):rep(20):find(('.-'):rep(11) .. 'b'))",
        "print(#(''):rep(1000000000))",
    ]) func `a call that does not end is told of`(_ call: String) throws {
        let undone = Mutex(false)
        let work = Primitive("work", .pooled, grace: .seconds(10)) { request in
            let mailbox = Mailbox<Void>()
            request.cancellation.withHandler({ mailbox.put(()) }) { mailbox.next() }
            undone.withLock { $0 = true }
            return []
        }
        let script = try Script([work])
        defer { script.runtime.close() }
        let interrupter = script.runtime.interrupter
        let ends = Mailbox<[Bool]>()
        startThread {
            usleep(100_000)
            interrupter.interrupt()
            interrupter.interrupt()
            let atOnce = interrupter.runEnds(within: .milliseconds(10))
            interrupter.cancelRequests(waiting: .seconds(10))
            ends.put([atOnce, undone.withLock(\.self), interrupter.runEnds(within: .seconds(600))])
        }
        let outcome = script.run(
            "local rt = require 'limiq.runtime' rt.spawn(rt.perform, 'work') rt.sleep(0.01) \(call)")
        #expect(outcome.error?.failure.code == .interrupted)
        #expect(ends.next() == [false, true, true])
    }
}
