import Basics
import LuaRuntime
import Testing

@Suite struct `Modules` {
    /// Runs `main.lua` of a folder with these files.
    private func run(_ files: [String: String], search: [String] = []) throws -> Outcome {
        try withFolder(files) { folder in
            let script = try Script { $0.search = search.map { "\(folder)/\($0)" } }
            defer { script.runtime.close() }
            return script.run(file: folder + "/main.lua")
        }
    }

    @Test func `modules lie beside the script and then in the search path`() throws {
        let outcome = try run(
            [
                "main.lua": """
                local a, where = require "a"
                assert(a.name == "a" and where:find("/a.lua$") and require "a" == a)
                return a.name, require("b.c").name, require("pack").name, require "both", package.loaded["b.c"].name
                """,
                "a.lua": "local name, path = ... return { name = name, path = path }",
                "b/c.lua": "return { name = ... }",
                "pack/init.lua": "return { name = ... }",
                "both.lua": "return 'beside'",
                "other/both.lua": "return 'other'",
            ], search: ["other"])
        #expect(outcome.error == nil)
        #expect(outcome.values == ["a", "b.c", "pack", "beside", "b.c"])
    }

    @Test func `a module's body may call primitives`() throws {
        let outcome = try run([
            "main.lua": "return (require 'slow')",
            "slow.lua":
                "local rt = require 'limiq.runtime' rt.sleep(0.001) return rt.perform('echo_later', 'done')",
        ])
        #expect(outcome.values == ["done"])
    }

    @Test func `two tasks load a module once`() throws {
        let outcome = try run([
            "main.lua": """
            local rt = require "limiq.runtime"
            local tasks = {}
            for i = 1, 5 do tasks[i] = rt.spawn(require, "slow") end
            for i = 2, 5 do assert(tasks[i]:join() == tasks[1]:join()) end
            """,
            "slow.lua": "print 'loading' require 'limiq.runtime'.sleep(0.001) return {}",
        ])
        #expect(outcome.error == nil)
        #expect(outcome.output == "loading\n")
    }

    @Test func `a cycle is named`() throws {
        let outcome = try run(["main.lua": "require 'a'", "a.lua": "require 'b'", "b.lua": "\nrequire 'a'"])
        #expect(outcome.error?.failure.message == "modules require each other: a → b → a")
        #expect(outcome.error?.location == "main.lua:1 (b.lua:2)")
    }

    @Test func `a missing module says where it was looked for`() throws {
        let outcome = try run(["main.lua": "\nrequire 'machnies'", "machines.lua": ""], search: ["other"])
        let message = outcome.error?.failure.message ?? ""
        #expect(message.contains("module 'machnies' not found:"))
        for path in ["/machnies.lua'", "/machnies/init.lua'", "/other/machnies.lua'"] {
            #expect(message.contains(path))
        }
        #expect(outcome.error?.failure.hint == "did you mean machines?")
        #expect(outcome.error?.location == "main.lua:2")
        #expect(try run(["main.lua": "require 'limiq.runtmie'"]).error?.failure.code == .notFound)
    }

    @Test func `errors in modules name their line`() throws {
        let outcome = try run(["main.lua": "require 'sub.broken'", "sub/broken.lua": "local x\n\nx.y = 1"])
        #expect(outcome.error?.location == "sub/broken.lua:3")
        #expect(
            outcome.error?.traceback
                == "stack traceback:\n\tsub/broken.lua:3: in main chunk\n\tmain.lua:1: in main chunk")
        let syntax = try run(["main.lua": "require 'broken'", "broken.lua": "x ="])
        #expect(syntax.error?.description.contains("broken.lua:1: unexpected symbol near <eof>") == true)
        #expect(syntax.error?.description.hasPrefix("error loading module 'broken' from file") == true)
    }

    @Test func `searchers and preload and path work as the manual says`() throws {
        let outcome = try run([
            "main.lua": """
            package.preload.virtual = function(name, extra) return { name, extra } end
            local v = require "virtual"
            assert(v[1] == "virtual" and v[2] == ":preload:")
            table.insert(package.searchers, function(name)
              if name == "made" then return function(n, x) return n .. x end, "-extra" end
              return "\\n\\tno made thing"
            end)
            assert(require "made" == "made-extra")
            package.loaded.given = 5
            assert(require "given" == 5)
            package.path = package.path .. ";" .. package.path:match("^(.-)/%?") .. "/deep/?.lua"
            assert(require "hidden" == true and select(2, require "hidden") == nil)
            local file, e = package.searchpath("hidden", package.path)
            assert(file:find("/deep/hidden.lua$"), e)
            local file, e = package.searchpath("nothing.here", "./?.x")
            assert(file == nil and e == "\\n\\tno file './nothing/here.x'", e)
            assert(package.config:sub(1, 1) == "/")
            assert(not pcall(require))
            """,
            "deep/hidden.lua": "",
        ])
        #expect(outcome.error == nil, "\(outcome.error?.traceback ?? "")")
    }

    @Test func `dofile and loadfile take text that may wait`() throws {
        let outcome = try run([
            "main.lua": """
            local value = dofile "part.lua"
            local f = assert(loadfile "part.lua")
            local g, e = loadfile "none.lua"
            assert(g == nil and e:find("cannot open"), e)
            local h, e = loadfile "broken.lua"
            assert(h == nil and e:find("^broken.lua:1:"), e)
            assert(not pcall(dofile, "none.lua") and not pcall(dofile))
            return value, f(), loadfile("env.lua", "t", { x = 3 })()
            """,
            "part.lua": "#!/usr/bin/lua\nreturn require('limiq.runtime').perform('echo_later', 7)",
            "broken.lua": "x =",
            "env.lua": "return x",
        ])
        #expect(outcome.error == nil, "\(outcome.error?.traceback ?? "")")
        #expect(outcome.values == [7, 7, 3])
    }

    @Test func `a script may begin with an interpreter line`() throws {
        #expect(try run(["main.lua": "#!/usr/bin/env limiq\nreturn 1"]).values == [1])
        #expect(try run(["main.lua": "#!/usr/bin/env limiq\nerror 'x'"]).error?.location == "main.lua:2")
        #expect(try run(["main.lua": "\u{FEFF}return 1"]).values == [1])
        #expect(try run(["other.lua": ""]).error?.failure.code == .notFound)
    }

    @Test func `the library is found by its name`() throws {
        try withFolder([
            "limiq/init.lua": "return 'root'", "limiq/x.lua": "return 'x'",
            "limiq/y/init.lua": "return { ... }", "main.lua": "",
        ]) {
            folder in
            try withFolder([:]) { _ in
                let script = try Script { options in
                    options.constants = ["arguments": ["a", "b"], "empty": []]
                }
                defer { script.runtime.close() }
                let outcome = script.run(
                    """
                    local rt = require "limiq.runtime"
                    assert(rt.constants.arguments[2] == "b" and #rt.constants.empty == 0)
                    assert(rt.primitives[1] == "block")
                    """)
                #expect(outcome.error == nil)
            }
        }
    }
}
