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
    clone_begin = true, clone_keep = true,
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

---What a clone has that its source has not: fields of its spec. Its disks are copies.
---@class limiq.CloneSpec: limiq.VMSpec
---@field name string The clone's name.
---@field up? limiq.UpOptions How it is brought up.

---Makes another machine of this one's disks, as they are, with the same spec: what was installed in it and what it
---holds is in the clone too, and what its cloud-init has done is not done again. Addresses, ports of the host,
---hostname, machine-id and ssh host keys are its own. A guest that runs stands still while its disks are copied,
---its file systems frozen where its agent answers. Where there is a machine of the name already, that is the
---clone, and is started where it is off.
---
---Example:
---```lua
---local copy = limiq.domain.get("web-01"):clone { name = "web-02", memory = "2GiB" }
---print(copy:exec({ "hostname" }).stdout)
---```
---@async
---@param spec limiq.CloneSpec
---@return limiq.VM
function Domain:clone(spec) return require "limiq.clone" (self, spec) end

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
