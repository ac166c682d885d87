local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

describe("limiq.inspect", function()
    it("writes a value as Lua would, names in order after the list", function()
        equal(limiq.inspect { 1, "two", b = true, a = { x = 1.5 }, ["a b"] = 0, ["end"] = 1, [10] = "ten" },
            '{ 1, "two", [10] = "ten", a = { x = 1.5 }, ["a b"] = 0, b = true, ["end"] = 1 }')
        equal(limiq.inspect "a\n\"b\"\1", '"a\\n\\"b\\"\\001"')
        equal({ limiq.inspect(nil), limiq.inspect {}, limiq.inspect(1 / 0), limiq.inspect(print) },
            { "nil", "{}", "math.huge", "function" })
    end)

    it("goes once through what is in itself, as deep as it is told", function()
        local ring = { name = "ring" }
        ring.self = ring
        equal(limiq.inspect(ring), '{ name = "ring", self = {…} }')
        local same = { 1 }
        equal(limiq.inspect { same, same }, "{ { 1 }, { 1 } }")
        equal(limiq.inspect({ { { 1 } } }, { depth = 2 }), "{ { {…} } }")
    end)

    it("shows no secret, and a handle as what it calls itself", function()
        local vm = limiq.vm { name = "web" }
        equal(limiq.inspect { token = limiq.secret "hunter2", vm = vm, none = limiq.null },
            "{ none = null, token = ‹secret›, vm = vm web }")
    end)

    it("breaks what is long into lines", function()
        local long = { first = ("x"):rep(60), second = ("y"):rep(60) }
        equal(limiq.inspect(long), ('{\n  first = "%s",\n  second = "%s",\n}'):format(long.first, long.second))
        equal(limiq.inspect(long, { indent = "" }):find("\n", 1, true), nil)
        raises(function() limiq.inspect({}, { dept = 1 }) end, "dept is not an option")
        raises(function() limiq.inspect({}, { depth = "x" }) end, "depth must be a whole number")
    end)
end)

describe("what Lua has, and a script has otherwise", function()
    it("says what to use", function()
        for name, hint in pairs {
            loadstring = "load(text)", unpack = "table.unpack", setfenv = "load(text, name", ["table.getn"] = "#list",
            ["os.execute"] = "limiq.host.run", ["io.popen"] = "limiq.host.run", ["io.open"] = "limiq.file.read",
            ["os.exit"] = "return", ["string.gfind"] = "gmatch", ["package.loadlib"] = "C modules",
        } do
            local problem = raises(load("return " .. name), "undeclared_global")
            assert(problem.message == name .. " is not there" and problem.hint:find(hint, 1, true), tostring(problem))
        end
    end)

    it("reads a file by lines", function()
        local lines = {}
        for line in io.lines "site/index.html" do lines[#lines + 1] = line end
        equal(lines, { "<h1>wörter</h1>" })
        equal(io.lines("site/index.html", "L")(), "<h1>wörter</h1>\n")
        raises(function() io.lines "none.txt" end, "none.txt")
    end)

    it("says which argument is no text, at the script's line", function()
        local _, e = pcall(function() io.write("a", nil) end)
        equal(e, "inspect_spec.lua:61: bad argument #2 to 'write' (string expected, got nil)")
    end)
end)

describe("help", function()
    it("is there for what the library has, by its name, and by itself", function()
        local help = require "limiq.help"
        for _, value in ipairs { "limiq.disk.overlay", limiq.disk.overlay } do
            equal(help.of(value):match "^[^\n]+", "limiq.disk.overlay(options) → string")
        end
        equal(help.of(recipes.docker):match "^[^\n]+", "recipes.docker { … } → a part of a machine")
        equal(help.of(limiq.vm { name = "web" }):match "^[^\n]+", "limiq.VM")
        equal(help.answer "vm:upp".nearest:lower(), "vm:up")
        equal(help.answer "recipes.dockr".nearest, "recipes.docker")
        equal(help.answer("zzzzzz", "zzzzzy").nearest, "zzzzzy")
    end)

    it("is there for every function and every recipe", function()
        local help = require "limiq.help"
        for name, recipe in next, recipes do
            if name ~= "compose" then assert(help.answer(name).text or recipe, name) end
        end
        for group, members in next, limiq do
            if type(members) == "table" and group ~= "args" then
                for name in next, members do
                    local path = ("limiq.%s.%s"):format(group, name)
                    if group ~= "env" then assert(help.answer(path).text, path) end
                end
            elseif type(members) == "function" then
                assert(help.answer("limiq." .. group).text, group)
            end
        end
    end)
end)
