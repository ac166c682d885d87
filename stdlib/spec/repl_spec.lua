local spec = require "limiq.spec"
local repl = require "limiq.repl"

spec.describe("repl.compile", function()
    local function does(text) return repl.compile(text)() end

    spec.it("takes an expression for its value, else a statement", function()
        spec.equal(does "1 + 1", 2)
        spec.equal(does "local x = 3 return x", 3)
        spec.equal(does "recipes ~= nil and limiq.vm ~= nil", true)
    end)

    spec.it("keeps what a line assigns for the next, and away from all else", function()
        does "kept = 7"
        spec.equal(does "kept", 7)
        spec.raises(function() return _G["kept"] end, "undeclared global")
        spec.raises(function() does "keptt" end, "undeclared global keptt")
    end)

    spec.it("tells a text that is not whole from one that is wrong", function()
        local _, _, open = repl.compile("for i = 1, 2 do")
        spec.equal(open, true)
        local chunk, complaint, wrong = repl.compile(")(")
        spec.equal({ chunk == nil, complaint, wrong }, { true, "repl:1: unexpected symbol near ')'", false })
    end)
end)

spec.describe("repl.show", function()
    spec.it("writes tables as Lua, and a text as it is", function()
        spec.equal(repl.show { 1, { b = "yes" } }, "{ 1, { b = \"yes\" } }")
        spec.equal(repl.show "text", "text")
        spec.equal(repl.show(nil), "nil")
        spec.equal(repl.show(print), "function")
    end)
end)

spec.describe("repl.words", function()
    spec.it("has the library's names, and the methods of what a line has assigned", function()
        repl.compile("machine = limiq.vm { name = 'web' }")()
        local found = {}
        for _, word in ipairs(repl.words()) do found[word] = true end
        local some = { "print", "string.format", "limiq.disk.overlay", "recipes.docker", "machine:up", "help" }
        for _, word in ipairs(some) do assert(found[word], word) end
    end)
end)
