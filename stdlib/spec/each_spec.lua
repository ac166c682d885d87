local limiq = require "limiq"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

describe("limiq.each", function()
    it("runs all whatever fails, and lists every failure", function()
        local ran = {}
        local problem = raises(function()
            limiq.each({ "a", "b", "c" }, { limit = 1 }, function(name)
                ran[#ran + 1] = name
                if name ~= "b" then error(name .. " is bad", 0) end
            end)
        end, "each")
        equal(ran, { "a", "b", "c" })
        equal(problem.message, "2 of 3 failed:\n  a: a is bad\n  c: c is bad")
    end)

    it("begins no more after a failure with stop_on_error", function()
        local ran = {}
        local problem = raises(function()
            limiq.each({ "a", "b", "c", "d" }, { limit = 1, stop_on_error = true }, function(name)
                ran[#ran + 1] = name
                if name == "b" then error("b is bad", 0) end
            end)
        end, "each")
        equal(ran, { "a", "b" })
        equal(problem.message, "1 of 4 failed, which stopped 2 more:\n  b: b is bad")
    end)

    it("cancels those that run with stop_on_error, and waits for their clean-up", function()
        local cleaned = {}
        local problem = raises(function()
            limiq.each({ "slow", "bad", "slower" }, { stop_on_error = true }, function(name)
                if name == "bad" then error("no", 0) end
                local _ <close> = setmetatable({}, { __close = function()
                    limiq.sleep "10ms"
                    cleaned[#cleaned + 1] = name
                end })
                limiq.sleep "1h"
            end)
        end, "each")
        table.sort(cleaned)
        equal(cleaned, { "slow" })
        equal(problem.message, "1 of 3 failed, which stopped 2 more:\n  bad: no")
    end)

    it("lists what fails while it is being stopped", function()
        local problem = raises(function()
            limiq.each({ "slow", "bad" }, { stop_on_error = true }, function(name)
                if name == "bad" then error("no", 0) end
                local ok = pcall(limiq.sleep, "1h")
                assert(not ok)
                error("cannot be undone", 0)
            end)
        end, "each")
        equal(problem.message, "2 of 2 failed:\n  slow: cannot be undone\n  bad: no")
    end)

    it("says what stop_on_error must be", function()
        raises(function() limiq.each({}, { stop_on_error = 1 }, print) end, "true or false, not 1")
    end)
end)
