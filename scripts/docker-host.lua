-- A Docker host: Debian 12 with Docker from its packages, and a container that is published on http://127.0.0.1:8081.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    name = "docker-host",
    image = "nginx:alpine", -- what runs, and listens on port 80
    port = 8081,            -- where it is reached on this machine
    mirror = "",            -- a registry mirror, such as https://mirror.example.org
}

local host = limiq.vm {
    name = params.name,
    cpu_cores = 2,
    memory = "2GiB",
    disks = { { id = "boot-disk", size = "20GiB", bootable = true, backing_file = limiq.image "debian-12" } },
    nics = { { id = "lan", forward = { { host = params.port, guest = 80 } } } },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
        recipes.ssh_host_keys(),
        recipes.swap "1GiB",
        recipes.docker {
            users = { "admin" },
            registry_mirrors = params.mirror ~= "" and { params.mirror } or nil,
            run = { { image = params.image, name = "web", args = { "--publish", "80:80" } } },
        },
    },
}

host:up { timeout = "30m" }
print(host.name, "http://" .. host:forward(80))
print((host:exec { "docker", "ps", "--format", "{{.Names}}\t{{.Image}}\t{{.Status}}" }).stdout)
