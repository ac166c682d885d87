local nic = require "limiq.recipes.nic"
local part = require "limiq.recipes.part"

---A nic that asks a DHCP server for its address: for the others of a VM with a `static_ip`. A VM without any of the two
---needs neither.
---
---Example:
---```lua
---recipes.compose { recipes.dhcp { nic = 1 }, recipes.static_ip { nic = 2, addresses = { "192.168.1.10/24" } } }
---```
---@param options { nic?: integer|string }
---@return limiq.recipes.Late
local function dhcp(options)
    part.check("dhcp", options, { nic = "any?" })
    return nic.part("dhcp", options.nic, { dhcp4 = true })
end

return dhcp
