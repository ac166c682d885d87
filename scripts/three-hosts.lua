-- Web servers spread over several hosts. Each is put where most memory is free, and stays there: run it again and
-- nothing changes; name a host that does not answer and the others are not held up.
--
--   limiq run scripts/three-hosts.lua --set hosts="qemu+ssh://node1/system qemu+ssh://node2/system" --set count=4
local limiq   = require "limiq"
local recipes = require "limiq.recipes"

local wanted = limiq.params {
    hosts  = "qemu+ssh://node1/system qemu+ssh://node2/system qemu+ssh://node3/system",
    count  = 6,
    image  = "debian-12",
    memory = "1GiB",
    wait   = "cloud-init",
}

local uris = {}
for uri in wanted.hosts:gmatch "%S+" do uris[#uris + 1] = uri end
local hosts = limiq.hosts(uris, { allow_down = true })
for _, down in ipairs(hosts.down) do limiq.log.warn(("without %s: %s"):format(down.uri, down.error)) end

-- A file of this machine; each host gets it once.
local image = limiq.image(wanted.image)

local names = {}
for number = 1, wanted.count do names[number] = ("web-%02d"):format(number) end

local machines = limiq.each(names, { limit = 16 }, function(name)
    local vm = hosts.vm {
        name = name,
        memory = wanted.memory,
        disks = { { id = "boot-disk", backing_file = image } },
        nics = { { id = "lan" } },
        cloud_init = recipes.compose {
            recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
            recipes.web { root = "site/" },
        },
    }
    vm:up { wait = wanted.wait, timeout = "20m" }
    return vm
end)

for _, vm in ipairs(machines) do print(vm.name, vm.uri) end
