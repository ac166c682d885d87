---What `static_ip` and `dhcp` share: a nic's entry in a network configuration.
local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

local M = {}

---The position of a nic that a script names by its position or its id.
---@param recipe string
---@param vm limiq.VM
---@param wanted? integer|string
---@return integer
local function position(recipe, vm, wanted)
    local nics = vm.spec.nics or {}
    if #nics == 0 then part.refuse(recipe, ("vm %s has no nic"):format(vm.name), "nics = { {} } gives it one") end
    wanted = wanted or 1
    local ids = {}
    for index, nic in ipairs(nics) do
        if index == wanted or nic.id == wanted then return index end
        ids[index] = nic.id
    end
    return part.refuse(recipe, ("vm %s has no nic %s"):format(vm.name, tostring(wanted)),
        ("it has %d: %s"):format(#nics, table.concat(ids, ", ")))
end

---The option by which a caller names a nic.
M.option = {
    type = "any", doc = "its position or its id; the first where left out",
    check = function(nic)
        if type(nic) ~= "string" and math.type(nic) ~= "integer" then
            return ("it must be a position or an id, not %s"):format(runtime.described(nic))
        end
    end,
}

---A part that configures one nic. The guest knows it by its MAC address, the only name that host and guest share, and
---calls it `eth0` and so on by its position: what kernels call it depends on the bus, and not every renderer of
---cloud-init can do without a name.
---@param recipe string
---@param nic? integer|string
---@param config table
---@return limiq.Late
function M.part(recipe, nic, config)
    return function(vm)
        local index = position(recipe, vm, nic)
        local name = ("eth%d"):format(index - 1)
        local entry = { match = { macaddress = vm:mac_address(index) }, ["set-name"] = name }
        for key, value in pairs(config) do entry[key] = value end
        return { network_config = { version = 2, ethernets = { [name] = entry } } }
    end
end

return M
