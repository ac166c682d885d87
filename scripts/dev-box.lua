-- A machine to work in: your user, with your keys and your user's number, a folder of this machine as /work, and what
-- listens on port 8000 there seen at http://127.0.0.1:8000. Where this host shares folders it is one folder; else the
-- guest's is kept in step with the one here, until Ctrl-C.
--
--   limiq run scripts/dev-box.lua --set folder=../project
--   limiq ssh dev-box
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local number = tonumber((limiq.host.run { "id", "-u" }).stdout)
local is_root = number == 0
local params = limiq.params {
    name = "dev-box",
    folder = "site",
    user = is_root and "dev" or limiq.env.USER or "dev",
    port = 8000,  -- of this machine
    share = true, -- false: in step although it could be shared
}

---@param shares limiq.ShareSpec[]
local function box(shares)
    local vm = limiq.vm {
        name = params.name,
        cpu_cores = 2,
        memory = "2GiB",
        disks = { { id = "boot-disk", bootable = true, backing_file = limiq.image "debian-12" } },
        nics = { { id = "lan", forward = { { guest = 22 }, { host = params.port, guest = 8000 } } } },
        shares = shares,
        cloud_init = recipes.compose {
            { user_data = { users = { {
                name = params.user,
                -- Of a shared folder the owners are numbers.
                uid = not is_root and number or nil,
                sudo = "ALL=(ALL) NOPASSWD:ALL", shell = "/bin/bash", lock_passwd = true,
                ssh_authorized_keys = limiq.ssh_keys(),
            } } } },
            -- The same also when a share has come or gone, with which cloud-init does all of it again.
            recipes.ssh_host_keys(),
        },
    }
    vm:up { timeout = "15m", restart = true }
    return vm
end

local is_shared, vm = false, nil
if params.share then
    is_shared, vm = pcall(box, { { id = "work", host = params.folder, guest = "/work" } })
    if not is_shared and vm.code ~= "host_not_able" then error(vm, 0) end
end
if not is_shared then
    vm = box {}
    vm:exec { "sudo", "install", "--directory", "--owner", params.user, "/work" }
    vm:sync(params.folder, "/work", { delete = true, user = params.user })
end
print(vm.name, params.user, is_shared and "shared" or "in step", "http://" .. vm:forward(8000))
if not is_shared then vm:sync(params.folder, "/work", { delete = true, user = params.user, watch = true }) end
