local limiq = require "limiq"
local spec = require "limiq.spec"

---The message of the error that a function raises.
local function message(body)
    local _, problem = limiq.try(body)
    return problem and problem.message
end

spec.describe("vm:clone", function()
    local source <const> = limiq.vm { name = "clone-source", memory = "96MiB", labels = { tier = "web" } }

    spec.it("makes a machine with the same spec and a name of its own, and what the call says of it", function()
        source:up { wait = "running" }
        local clone = source:clone { name = "clone-one", memory = "128MiB", up = { wait = "running" } }
        spec.equal(clone.name, "clone-one")
        spec.equal(clone.spec.labels.tier, "web")
        spec.equal(clone.spec.memory_mib, 128)
        spec.equal(clone:state(), "running")
        spec.equal(source:state(), "running")
        spec.equal(source:mac_address() == clone:mac_address(), false)
    end)

    spec.it("is the machine of that name where there is one, started where it is off", function()
        local clone = limiq.vm { name = "clone-one", memory = "128MiB", labels = { tier = "web" } }
        source:up { wait = "running" }
        source:clone { name = "clone-one", memory = "128MiB", up = { start = false } }
        spec.equal(clone:state(), "shut off")
        spec.equal(source:clone({ name = "clone-one" }):state(), "running")
        clone:remove()
        source:remove()
    end)

    spec.it("names what is missing or of the wrong kind", function()
        spec.equal(message(function() source:clone "b" end), "clone: it takes a table, not \"b\"")
        spec.equal(message(function() source:clone {} end), "clone: name must be a string, not nil")
        spec.equal(
            message(function() source:clone { name = "b", disks = {} } end),
            "clone: its disks are those of clone-source")
        spec.equal(message(function() source:clone { name = "B_" } end), "name \"B_\" is not a host name")
    end)
end)
