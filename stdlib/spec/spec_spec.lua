local spec = require "limiq.spec"

spec.describe("spec.equal", function()
    spec.it("takes tables by what they hold", function()
        spec.equal({ a = { 1, { b = "x" } } }, { a = { 1, { b = "x" } } })
        spec.equal(nil, nil)
        spec.equal(1, 1.0)
    end)

    spec.it("says where two values differ, in order", function()
        local problem = spec.raises(function()
            spec.equal({ a = { 1, 2 }, b = "x", ["c d"] = 1 }, { a = { 1, 3, 4 }, b = "y" })
        end)
        spec.equal(tostring(problem):gsub("^[^:]+:%d+: ", ""),
            'a[2] is 2, not 3\na[3] is nil, not 4\nb is "x", not "y"\n["c d"] is 1, not nil')
    end)

    spec.it("shows tables on one line", function()
        spec.raises(function() spec.equal({ 1, x = { "a\n" } }, 3) end, 'it is { 1, x = { "a\\n" } }, not 3')
    end)
end)

spec.describe("spec.raises", function()
    spec.it("returns the error and compares its code or a part of its text", function()
        local problem = { code = "bad_field" }
        assert(spec.raises(function() error(problem) end, "bad_field") == problem)
        spec.raises(function() error "the disk is full" end, "disk is full")
    end)

    spec.it("raises where nothing or something else was raised", function()
        spec.raises(function() spec.raises(function() end) end, "nothing was raised")
        spec.raises(function() spec.raises(function() error "a" end, "b") end, 'not "b"')
    end)
end)
