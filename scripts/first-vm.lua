-- The smallest machine with a login: Debian 12 and a user with your ssh key. Then: limiq ssh first-vm
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local vm = limiq.vm {
    name = "first-vm",
    disks = { { id = "boot-disk", bootable = true, backing_file = limiq.image "debian-12" } },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
        recipes.ssh_host_keys(),
    },
}
vm:up()
io.write(vm.name, " runs Linux ", vm:exec({ "uname", "-r" }).stdout)
