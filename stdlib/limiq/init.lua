---The library: `local limiq = require "limiq"`.
---
---Each primitive hangs where its name says: `disk.overlay` is `limiq.disk.overlay`. What a script sees beyond them is
---put together here: handles, tasks, parameters.
local runtime = require "limiq.runtime"
local host = require "limiq.host"
local hosts = require "limiq.hosts"
local Domain = require "limiq.domain"
local Fleet = require "limiq.fleet"
local VM = require "limiq.vm"

local perform = runtime.perform

---A function of each primitive, in a table of each group, but for the groups that are handles.
---@return table
local function namespaces()
    local groups = {}
    for _, name in ipairs(runtime.primitives) do
        local group, verb = name:match "^([%w_]+)%.([%w_]+)$"
        if group then
            groups[group] = groups[group] or {}
            groups[group][verb] = function(...) return perform(name, ...) end
        end
    end
    groups.vm = nil
    groups.runtime = nil
    return groups
end

---What hangs off a host: everything that takes one.
---@param uri? string nil for the run's own
---@return table
local function bound_to(uri)
    local library = namespaces()
    library.uri = uri

    ---@param spec limiq.VMSpec
    ---@return limiq.VM
    function library.vm(spec) return VM.new(spec, uri) end

    ---@param definition limiq.FleetDefinition
    ---@return limiq.Fleet
    function library.fleet(definition) return Fleet.new(definition, uri) end

    library.domain = {
        define = function(spec)
            return Domain.handle(perform("domain.define", VM.resolve(spec, uri), { uri = uri }).name, uri)
        end,
        get = function(name)
            return Domain.handle(perform("domain.get", name, uri).name, uri)
        end,
        list = function(filter)
            if filter ~= nil and type(filter) ~= "table" then
                runtime.fail { code = "bad_field", message = "domain.list: it takes a table, not a " .. type(filter) }
            end
            local wanted, handles = { uri = uri }, {}
            for field, value in pairs(filter or {}) do wanted[field] = value end
            for index, domain in ipairs(perform("domain.list", wanted)) do
                handles[index] = Domain.handle(domain.name, uri)
            end
            return handles
        end,
    }

    local images = library.image
    library.image = setmetatable(images, {
        __call = function(_, name) return perform("image.resolve", name) end,
    })

    library.host.run = function(command)
        local words, options = host.split_command(command)
        options.command = words
        return perform("host.run", options)
    end
    library.host.info = function() return perform("host.info", uri) end
    library.ssh_keys = function() return perform "ssh.keys" end
    library.params = function(defaults) return perform("params.get", defaults) end
    return library
end

local limiq = bound_to(nil)

limiq.spawn = runtime.spawn
limiq.each = runtime.each
limiq.sleep = runtime.sleep
limiq.timeout = runtime.timeout
limiq.retry = runtime.retry
limiq.try = runtime.try
limiq.shield = runtime.shield
limiq.null = runtime.null
limiq.secret = runtime.secret
limiq.args = runtime.constants.args
limiq.env = setmetatable({}, {
    __index = function(_, name) return perform("env.get", name) end,
    __newindex = function() error("limiq.env is read only", 2) end,
    __metatable = false,
})

---Another host, with every call of the library: `limiq.connect "qemu+ssh://node2/system".vm { … }`.
---@async
---@param uri string
---@return table
function limiq.connect(uri)
    perform("host.connect", uri)
    return bound_to(uri)
end

---Several hosts as one place for machines. A host that does not answer is an error, unless `allow_down`.
---
---Example:
---```lua
---local hosts = limiq.hosts({ "qemu+ssh://node1/system", "qemu+ssh://node2/system" }, {
---    place = function(candidates, spec) return candidates[#spec.name % #candidates + 1] end,
---})
---hosts.vm { name = "web-01", memory = "2GiB" }:up()
---```
---@async
---@param uris string[]
---@param options? limiq.HostsOptions
---@return limiq.Hosts
function limiq.hosts(uris, options) return hosts.open(uris, options, bound_to) end

return limiq
