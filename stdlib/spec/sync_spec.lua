local limiq = require "limiq"
local spec = require "limiq.spec"

spec.describe("vm:sync", function()
    local vm <const> = limiq.vm { name = "sync-one", memory = "96MiB" }

    ---The code of the error, and what it says.
    local function refused(...)
        local arguments = table.pack(...)
        local _, problem = limiq.try(function() vm:sync(table.unpack(arguments, 1, arguments.n)) end)
        return problem.code, problem.message
    end

    spec.it("names what is missing, misspelt or of the wrong kind", function()
        spec.raises(function() vm:sync() end, "from")
        spec.raises(function() vm:sync "site" end, "to")
        spec.raises(function() vm:sync("site", "/srv", { wacth = true }) end, "did you mean watch")
        spec.raises(function() vm:sync("site", "/srv", { exclude = "*.log" }) end, "exclude")
        spec.raises(function() vm:sync("site", "/srv", { watch = 1 }) end, "watch")
        spec.raises(function() vm.sync("site", "/srv") end, "sync")
    end)

    spec.it("takes a folder of this machine, one of the guest, and patterns that are such", function()
        spec.equal(refused("nowhere", "/srv"), "not_found")
        spec.equal(refused("sync_spec.lua", "/srv"), "bad_field")
        for _, to in ipairs { "srv", "/", "/srv/../etc", "" } do spec.equal(refused("site", to), "bad_field") end
        local code, message = refused("site", "/etc", { delete = true })
        spec.equal(code, "bad_field")
        assert(message:find("delete would remove", 1, true), message)
        code, message = refused("site", "/srv", { exclude = { "ok", "[" } })
        spec.equal(code, "bad_field")
        assert(message:find("exclude[2]", 1, true), message)
    end)

    spec.it("says that the guest cannot be asked", function()
        spec.equal(refused("site", "/srv"), "not_found")
        vm:up { start = false }
        spec.equal(refused("site", "/srv", { watch = true }), "guest_stopped")
        vm:up { wait = "running" }
        spec.equal(refused("site", "/srv"), "guest")
        vm:remove()
    end)
end)

spec.describe("a shared folder", function()
    spec.it("stands beside recipes that must know the machine", function()
        local recipes = require "limiq.recipes"
        local vm = limiq.vm {
            name = "share-one", memory = "96MiB", shares = { { host = "site", guest = "/work" } },
            cloud_init = recipes.compose { recipes.timezone "UTC", recipes.ssh_host_keys() },
        }
        spec.equal(#vm.spec.shares, 1)
        spec.equal(type(vm.spec.cloud_init), "table")
    end)
end)
