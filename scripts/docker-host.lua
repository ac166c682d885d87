-- A Docker host: Debian 12 with Docker from its packages, and a container that serves the pages of site/ on
-- http://127.0.0.1:8081. All of that is made once, into an image that each such machine starts from. The container's
-- image is made in the guest; --set image=nginx:alpine takes one from a registry instead.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    name = "docker-host",
    image = "site", -- what runs, and listens on port 80
    port = 8081,    -- where it is reached on this machine
}

---What makes the image `site`. cloud-init runs the scripts of that folder in the order of their names; docker's is 50.
local function site()
    return recipes.compose {
        recipes.packages { "busybox-static" },
        recipes.files {
            { path = "/srv/site/index.html", content = limiq.file.read "site/index.html" },
            {
                path = "/srv/site/Dockerfile",
                content = 'FROM scratch\nCOPY busybox index.html /\nCMD ["/busybox", "httpd", "-f", "-h", "/"]\n',
            },
            {
                path = "/var/lib/cloud/scripts/per-instance/40-site", permissions = "0755",
                content = "#!/bin/sh -e\ncp /bin/busybox /srv/site\ndocker build --tag site /srv/site\n",
            },
        },
    }
end

local base = limiq.image.bake {
    name = "docker-host", from = "debian-12", cpu_cores = 2, memory = "2GiB",
    cloud_init = recipes.compose {
        params.image == "site" and site() or {},
        recipes.docker { run = { { image = params.image, name = "web", args = { "--publish", "80:80" } } } },
    },
}

local host = limiq.vm {
    name = params.name,
    cpu_cores = 2,
    memory = "2GiB",
    disks = { { id = "boot-disk", size = "20GiB", bootable = true, backing_file = base } },
    nics = { { id = "lan", forward = { { host = params.port, guest = 80 } } } },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", groups = { "sudo", "docker" }, ssh_authorized_keys = limiq.ssh_keys() },
    },
}

host:up { timeout = "30m" }
print(host.name, "http://" .. host:forward(80))
print((host:exec { "docker", "ps", "--format", "{{.Names}}\t{{.Image}}\t{{.Status}}" }).stdout)
