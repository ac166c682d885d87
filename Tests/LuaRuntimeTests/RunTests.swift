import Basics
import LuaRuntime
import Testing

@Suite struct `A run` {
    @Test func `a script returns plain values`() throws {
        let outcome = try run("return 1, 2.5, 'text', true, nil, { a = { 1, 2 } }")
        #expect(outcome.error == nil)
        #expect(outcome.values == [1, .double(2.5), "text", true, .null, ["a": [1, 2]]])
    }

    @Test func `an inline primitive answers`() throws {
        #expect(try value("return (perform('echo', { b = 1, a = 'x' }))") == ["a": "x", "b": 1])
    }

    @Test func `a pooled primitive answers`() throws {
        #expect(try value("return select('#', perform('echo_later', 1, nil, 3))") == 3)
    }

    @Test func `a primitive's failure names the line of the call`() throws {
        let error = try failure("local x = 1\nperform('fail', 'no such thing')")
        #expect(error.failure == Failure(word: "boom", "no such thing", hint: "do not", resource: "thing"))
        #expect(error.location == "test.lua:2")
        #expect(error.traceback == "stack traceback:\n\ttest.lua:2: in main chunk")
    }

    @Test func `a task is spawned and joined`() throws {
        #expect(
            try value(
                "local t = rt.spawn(function(a) return perform('echo_later', a) end, 7); return t:join()")
                == 7)
    }

    @Test func `a failure is a table that reads as one line and a hint`() throws {
        let text = try value("local ok, e = pcall(perform, 'fail', 'no'); return tostring(e)")
        #expect(text == "test.lua:1: thing: no\n  hint: do not")
        let inFunction = try value(
            "local ok, e = pcall(function() local _ = perform('fail_later', 'no') end); return tostring(e)")
        #expect(inFunction == "test.lua:1: no\n  hint: do not")
    }

    @Test func `a pooled primitive knows where it was called`() throws {
        #expect(try value("\n\nlocal where = perform('location')\nreturn where") == "test.lua:3")
    }
}
