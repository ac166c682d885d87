local limiq = require "limiq"
local spec = require "limiq.spec"

spec.describe("a handle's method called with a point", function()
    spec.it("says to call it with a colon", function()
        local vm = limiq.vm { name = "web-01" }
        for _, method in ipairs { vm.up, vm.domain.start } do
            local problem = spec.raises(method, "is missing")
            assert(tostring(problem):find("with a colon", 1, true), tostring(problem))
        end
    end)
end)
