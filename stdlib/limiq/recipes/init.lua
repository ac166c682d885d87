---Recipes: functions that return parts of a machine, for the list part of `limiq.vm`, or joined by `compose`.
---
---Example:
---```lua
---local recipes = require "limiq.recipes"
---limiq.vm {
---    recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
---    recipes.packages { "htop" },
---    name = "web-01",
---}
---```
local peers = require "limiq.peers"

-- A recipe is read when it is first used: a script uses few of them.
local M = peers.strict_recipes({
    "admin", "apt_mirror", "certificate", "compose", "dhcp", "docker", "files", "guest_agent", "hosts", "k3s", "mounts",
    "nfs", "ntp", "packages", "podman", "postgres", "proxy", "ssh_hardening", "ssh_host_keys", "static_ip", "swap",
    "systemd_unit", "timezone", "user", "web", "windows_unattend",
}, function(name) return require("limiq.recipes." .. name) end)

return M
