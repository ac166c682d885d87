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

handle.add_methods(Domain, "domain", {
    define = true, get = true, list = true, exec_begin = true, exec_next = true, exec_end = true,
})

---Runs a program whose lines are told as they come: it is begun, and asked for its next ones until it ends.
local function follow(domain, command, options, on_output)
    local begun = perform("domain.exec_begin", domain, command, options)
    -- Of a plan.
    if begun.result then return begun.result end
    -- Whoever follows it no more ends it.
    local _ <close> = setmetatable({}, {
        __close = function() perform("domain.exec_end", domain, begun.id) end,
    })
    while true do
        local news = perform("domain.exec_next", domain, begun.id)
        for _, line in ipairs(news.lines) do on_output(line) end
        if news.result then return news.result end
    end
end

function Domain:exec(command, options)
    local words, split = host.split_command(command, options)
    local on_output = split.on_output
    if on_output == nil then return perform("domain.exec", self, words, split) end
    if type(on_output) ~= "function" then
        runtime.fail {
            code = "bad_field", message = ("on_output must be a function, not %s"):format(runtime.described(on_output)),
        }
    end
    split.on_output = nil
    return follow(self, words, split, on_output)
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
