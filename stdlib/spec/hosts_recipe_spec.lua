local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local lab = limiq.connect("test:///default").network {
    name = "hosts-recipe", cidr = "10.91.0.0/24", mode = "isolated", domain = "lab.internal",
}

local function hosts_of(name, options)
    local vm = limiq.connect("test:///default").vm {
        name = name, nics = { { network = lab } }, cloud_init = recipes.compose { recipes.hosts(options) },
    }
    local data = vm.spec.cloud_init.user_data
    return data.write_files[1], data
end

spec.describe("recipes.hosts", function()
    spec.it("gives each machine the names and addresses of all, known before they are made", function()
        local file, data = hosts_of("web", { network = lab, names = { "db", "web" } })
        spec.equal(file.path, "/etc/hosts")
        spec.equal(file.append, true)
        spec.equal(data.manage_etc_hosts, false)
        spec.equal(file.content, ("%s db.lab.internal db\n%s web.lab.internal web\n"):format(
            lab:address "db", lab:address "web"))
    end)

    spec.it("keeps the machine's own name where it is none of them", function()
        local file = hosts_of("other", { network = lab, names = { "db" } })
        assert(file.content:find("127.0.1.1 other\n", 1, true))
    end)

    spec.it("refuses what is no network, and no names", function()
        for _, options in ipairs { { network = {}, names = { "a" } }, { network = lab, names = {} } } do
            local _, e = limiq.try(function() return recipes.hosts(options) end)
            spec.equal(e.code, "bad_field")
        end
    end)
end)
