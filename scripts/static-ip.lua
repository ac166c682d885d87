-- A server with an address of its own. As it is, on user networking; on a bridge or network of yours with
--
--   limiq run scripts/static-ip.lua --set bridge=br0 --set address=192.168.1.50/24 --set gateway=192.168.1.1 \
--     --set nameserver=192.168.1.1
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    name = "static-ip",
    bridge = "",
    network = "",
    address = "10.0.2.50/24",
    gateway = "10.0.2.2",
    nameserver = "10.0.2.3",
    ssh_port = 2250, -- of this machine, on user networking
}

local nic = { id = "lan" }
if params.bridge ~= "" then
    nic.bridge = params.bridge
elseif params.network ~= "" then
    nic.network = params.network
else
    nic.forward = { { host = params.ssh_port, guest = 22 } }
end

local server = limiq.vm {
    name = params.name,
    disks = { { id = "boot-disk", bootable = true, backing_file = limiq.image "debian-12" } },
    nics = { nic },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
        recipes.ssh_host_keys(),
        recipes.static_ip {
            addresses = { params.address }, gateway = params.gateway, nameservers = { params.nameserver },
        },
    },
}

server:up { timeout = "15m" }
print(server.name, server:mac_address(), server:address())
print((server:exec { "ip", "-brief", "address" }).stdout)
