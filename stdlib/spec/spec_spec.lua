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

spec.describe("spec.equal of texts", function()
    spec.it("shows the lines that differ", function()
        local problem = spec.expect_error(nil, function()
            spec.equal("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nx\ne\nf\n")
        end)
        spec.equal(tostring(problem):gsub("^[^:]+:%d+: ", ""),
            "it differs (- expected, + found):\n  b\n  c\n- x\n+ d\n  e\n  f")
    end)

    spec.it("takes tables that lead back to themselves", function()
        local left, right = { a = 1 }, { a = 1 }
        left.self, right.self = left, right
        spec.equal(left, right)
        right.a = 2
        spec.expect_error("a is 1, not 2", function() spec.equal(left, right) end)
    end)
end)

spec.describe("spec.expect_error", function()
    spec.it("compares the fields of an error", function()
        local function fail() error({ code = "bad_field", message = "disks[1].size is 1 GiB" }, 0) end
        spec.expect_error({ code = "bad_field", message = "is 1 GiB" }, fail)
        spec.expect_error("whose code is \"bad_field\", not \"timeout\"", function()
            spec.expect_error({ code = "timeout" }, fail)
        end)
        spec.expect_error("nothing was raised", function() spec.expect_error("x", function() end) end)
    end)
end)

spec.describe("spec.before_each and after_each", function()
    local order = {}
    spec.before_each(function() order[#order + 1] = "before" end)
    spec.after_each(function() order[#order + 1] = "after" end)

    spec.describe("of groups within", function()
        spec.before_each(function() order[#order + 1] = "inner before" end)
        spec.after_each(function() order[#order + 1] = "inner after" end)
        spec.it("frame each case", function() order[#order + 1] = "case" end)
    end)

    spec.it("frame no case of another group", function()
        spec.equal(order, { "before", "inner before", "case", "inner after", "after", "before" })
    end)
end)

spec.describe("a host outside of a case", function()
    local ok, problem = pcall(spec.host)
    spec.it("is refused", function()
        spec.equal({ ok, problem.hint }, { false, "call it in spec.it or in spec.before_each" })
        spec.expect_error("did you mean guests?", function() spec.host { geusts = {} } end)
        spec.expect_error("did you mean boot?", function() spec.host { guests = { bot = 1 } } end)
        spec.expect_error("boot", function() spec.host { guests = { boot = "soon" } } end)
        spec.expect_error("exec must be a function", function() spec.host { guests = { exec = "x" } } end)
    end)
end)
