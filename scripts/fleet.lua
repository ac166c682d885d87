-- A fleet of small Debian machines, brought up together: as many as --set count says, those beyond are removed.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local wanted = limiq.params { name = "node", count = 3, memory = "512MiB" }

local nodes = limiq.fleet {
    name = wanted.name,
    count = wanted.count,
    spec = function()
        return {
            memory = wanted.memory,
            disks = { { id = "boot", bootable = true, backing_file = limiq.image "debian-12" } },
            nics = { { id = "lan" } },
            cloud_init = recipes.compose { recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() } },
        }
    end,
}

nodes:scale(wanted.count, {
    drain = function(vm) limiq.log.info("draining " .. vm.name) end,
    limit = 4,
    timeout = "20m",
})
local uptimes = nodes:exec { "uptime", "--pretty" }
for _, vm in ipairs(nodes:members()) do
    print(vm.name, (uptimes[vm.name].stdout:gsub("\n$", "")))
end
