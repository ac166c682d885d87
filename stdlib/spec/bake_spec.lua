local limiq = require "limiq"
local spec = require "limiq.spec"

---The message of the error that a function raises.
local function message(body)
    local _, problem = limiq.try(body)
    return problem and problem.message
end

for call, make in pairs { ["image.bake"] = limiq.image.bake, warm = limiq.warm } do
    spec.describe("limiq." .. call, function()
        spec.it("names what is missing or of the wrong kind", function()
            spec.equal(message(function() make("web") end), call .. ": it takes a table, not \"web\"")
            spec.equal(message(function() make { from = "debian-12" } end), call .. ": name must be a string, not nil")
            spec.equal(message(function() make { name = "a" } end), call .. ": from must be a string, not nil")
            spec.equal(
                message(function() make { name = "a", from = "b", run = "apt-get" } end),
                call .. ": run must be a function, not \"apt-get\"")
        end)

        spec.it("says that an image has no disks, and no life of its own", function()
            for _, field in ipairs { "disks", "ttl", "protect", "autostart", "labels", "shares" } do
                spec.equal(
                    message(function() make { name = "a", from = "b", [field] = {} } end),
                    ("%s: an image has no %s"):format(call, field))
            end
        end)
    end)
end

spec.describe("a machine of a warm one", function()
    spec.it("is refused where there is none", function()
        local said = message(function() limiq.vm { name = "t", warm = "bake_spec.lua" } end)
        spec.equal(said:match "[^/]+$", "bake_spec.lua is no warm machine")
    end)
end)
