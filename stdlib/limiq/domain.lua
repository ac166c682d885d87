---A libvirt domain: a handle that holds its name and host, with a method for each primitive of `limiq.domain` that is
---about one domain.
---
---Example:
---```lua
---local domain = limiq.domain.get "web-server-01"
---domain:reboot()
---domain:wait("cloud-init", { timeout = "10m" })
---```
local runtime = require "limiq.runtime"
local handle = require "limiq.handle"
local host = require "limiq.host"

local perform = runtime.perform

---A libvirt domain.
---@class limiq.Domain
---@field name string
---@field uri? string the host's URI, nil for the run's own
local Domain = {}
Domain.__name = "limiq.Domain"

function Domain.__index(domain, key)
    local own = rawget(Domain, key)
    if own ~= nil then return own end
    return handle.missing(domain, key, Domain)
end

function Domain:__tostring()
    return "domain " .. self.name
end

handle.add_methods(Domain, "domain", { define = true, get = true, list = true })

function Domain:exec(command, options)
    return perform("domain.exec", self, host.split_command(command, options))
end

local M = {
    ---What every domain's handle has.
    methods = Domain,
}

---@param name string
---@param uri? string
---@return limiq.Domain
function M.handle(name, uri)
    return setmetatable({ name = name, uri = uri }, Domain)
end

return M
