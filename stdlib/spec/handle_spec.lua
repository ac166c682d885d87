local limiq = require "limiq"
local spec = require "limiq.spec"

spec.describe("a handle's method called with a point", function()
    spec.it("says to call it with a colon", function()
        local vm = limiq.vm { name = "web-01" }
        for _, method in ipairs { vm.up, vm.domain.start } do
            local problem = spec.raises(method, "is called without its")
            assert(tostring(problem):find("with a colon", 1, true), tostring(problem))
        end
    end)
end)

spec.describe("a handle", function()
    spec.it("says which of its names was meant", function()
        local vm = limiq.vm { name = "web-01" }
        local fleet = limiq.fleet { name = "web", count = 1, spec = function() return {} end }
        for wrong, handle in pairs { upp = vm, shutdwon = vm, strat = vm.domain, rollin = fleet } do
            local problem = spec.raises(function() return handle[wrong] end, "bad_field")
            assert(tostring(problem):find("did you mean", 1, true), tostring(problem))
        end
        local problem = spec.raises(function() vm:upp() end, "vm web-01 has no upp")
        assert(problem.hint == "did you mean up?", problem.hint)
    end)

    spec.it("may lack what is not known of it", function()
        assert(limiq.vm { name = "web-01" }.uri == nil)
        assert(limiq.fleet { name = "web", count = 1, spec = function() return {} end }.names == nil)
    end)
end)
