-- A web server: Debian 12, nginx, and the pages of site/ on http://127.0.0.1:8080.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local web = limiq.vm {
    name = "web-server-01",
    cpu_cores = 2,
    memory = "1GiB",
    disks = { { id = "boot-disk", size = "20GiB", bootable = true, backing_file = limiq.image "debian-12" } },
    nics = { { id = "lan", forward = { { host = 8080, guest = 80 }, { guest = 22 } } } },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
        recipes.web { root = "site/" },
    },
}

web:up { wait = "cloud-init", timeout = "10m" }
print(web.name, web:address(), "http://" .. web:forward(80))
