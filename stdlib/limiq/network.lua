---A network of machines: each has one address on it for life, and a name in its DNS.
---
---Example:
---```lua
---local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24", domain = "lab.internal" }
---local db = limiq.vm { name = "db", nics = { { network = lab, address = "10.77.0.10" } } }
---local web = limiq.vm { name = "web", nics = { { network = lab } } }
---print(web:address())
---```
local runtime = require "limiq.runtime"
local handle = require "limiq.handle"

local perform = runtime.perform

---A network of machines.
---@class limiq.Network
---@field name string
---@field spec? limiq.NetworkSpec nil for one that limiq did not make
---@field uri? string the host's URI, nil for the run's own
local Network = {}
Network.__index = Network
Network.__name = "limiq.Network"

function Network:__tostring() return "network " .. self.name end

handle.add_methods(Network, "network", { check = true, get = true, list = true })

local M = {}

---@param spec limiq.NetworkSpec
---@param uri? string
---@return limiq.Network
function M.new(spec, uri)
    local checked = perform("network.check", spec, uri)
    return setmetatable({ name = checked.name, spec = checked, uri = uri }, Network)
end

---@param name string
---@param uri? string
---@return limiq.Network
function M.get(name, uri)
    local found = perform("network.get", name, uri)
    return setmetatable({ name = found.name, spec = found.spec, uri = uri }, Network)
end

return M
