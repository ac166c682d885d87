local limiq = require "limiq"
local nic = require "limiq.recipes.nic"

return limiq.recipe {
    name = "dhcp",
    doc = [[
A nic that asks a DHCP server for its address: for the others of a VM with a `static_ip`. A VM without any of the two
needs neither.]],
    options = { nic = nic.option },
    example = 'recipes.compose { recipes.dhcp { nic = 1 }, '
        .. 'recipes.static_ip { nic = 2, addresses = "192.168.1.10/24" } }',
    build = function(options) return nic.part("dhcp", options.nic, { dhcp4 = true }) end,
}
