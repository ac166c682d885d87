---Recipes: functions that return parts of a `cloud_init` description, joined by `compose`.
---
---Example:
---```lua
---local recipes = require "limiq.recipes"
---cloud_init = recipes.compose {
---    recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
---    recipes.packages { "htop" },
---}
---```
local M = {
    compose = require "limiq.recipes.compose",
    admin = require "limiq.recipes.admin",
    dhcp = require "limiq.recipes.dhcp",
    docker = require "limiq.recipes.docker",
    files = require "limiq.recipes.files",
    guest_agent = require "limiq.recipes.guest_agent",
    hosts = require "limiq.recipes.hosts",
    mounts = require "limiq.recipes.mounts",
    packages = require "limiq.recipes.packages",
    ssh_host_keys = require "limiq.recipes.ssh_host_keys",
    static_ip = require "limiq.recipes.static_ip",
    swap = require "limiq.recipes.swap",
    timezone = require "limiq.recipes.timezone",
    web = require "limiq.recipes.web",
    windows_unattend = require "limiq.recipes.windows_unattend",
}

return M
