-- A cluster on a network of its own: a controller, and workers that it reaches by name. --set count says how many, and
-- those beyond are removed. An ordinary user, who cannot make a bridge, says --set mode=private.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params { name = "cluster", count = 4, cidr = "10.77.0.0/24", mode = "nat" }
local controller_name, worker_name = params.name .. "-controller", params.name .. "-worker"

local lan = limiq.network {
    name = params.name, cidr = params.cidr, mode = params.mode, domain = params.name .. ".internal",
}

---The key by which the controller logs in on the workers, made once beside this script.
local function cluster_key()
    local path = params.name .. "_ed25519"
    if not limiq.file.exists(path) then
        limiq.host.run { "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", params.name, "-f", path }
    end
    -- Where the script is only looked at there is none yet.
    local function text(name) return limiq.file.exists(name) and limiq.file.read(name) or "" end
    return limiq.secret(text(path)), (text(path .. ".pub"):gsub("\n$", ""))
end
local private_key, public_key = cluster_key()

---What every machine of the cluster has.
local function machine(...)
    local keys = limiq.ssh_keys()
    keys[#keys + 1] = public_key
    local nics = { { id = "lan", network = lan } }
    -- Nothing leaves a private network: the world is behind another nic.
    if params.mode == "private" then nics[2] = { id = "world", forward = { { guest = 22 } } } end
    return {
        memory = "1GiB", nics = nics,
        disks = { { id = "boot", bootable = true, backing_file = limiq.image "debian-12" } },
        cloud_init = recipes.compose { recipes.admin { name = "admin", ssh_authorized_keys = keys }, ... },
    }
end

-- A private network has no DNS.
local names = { controller_name }
for number = 1, params.count do names[#names + 1] = ("%s-%02d"):format(worker_name, number) end
local known = params.mode == "private" and recipes.hosts { network = lan, names = names } or {}

local workers = limiq.fleet { name = worker_name, count = params.count, spec = function() return machine(known) end }
local controller = machine(known, recipes.files {
    { path = "/etc/cluster/key", content = private_key, permissions = "0600", owner = "root:root" },
})
controller.name = controller_name
controller = limiq.vm(controller)

limiq.each({ function() controller:up() end, function() workers:scale(params.count) end }, function(make) make() end)

for _, worker in ipairs(workers:members()) do
    local answer = controller:exec {
        "ssh", "-i", "/etc/cluster/key", "-o", "StrictHostKeyChecking=accept-new", "admin@" .. worker.name, "hostname",
    }
    print(worker.name, worker:address(), (answer.stdout:gsub("\n$", "")))
end
