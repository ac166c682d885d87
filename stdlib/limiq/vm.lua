---A virtual machine as a script describes it.
---
---Example:
---```lua
---local web = limiq.vm { name = "web", memory = "1GiB",
---                       disks = { { id = "boot", backing_file = limiq.image "debian-12" } } }
---web:up { wait = "cloud-init", timeout = "10m" }
---```
local runtime = require "limiq.runtime"
local handle = require "limiq.handle"
local parts = require "limiq.parts"
local peers = require "limiq.peers"
local Domain = require "limiq.domain"

local perform = runtime.perform

---A virtual machine. What it does not do itself, its domain does: it has every method of `limiq.Domain` too.
---@class limiq.VM: limiq.Domain
---@field spec limiq.VMSpec nil for one of an earlier run that is known by its name alone
---@field domain limiq.Domain
local VM = {}
VM.__name = "limiq.VM"

---What a VM does not say itself, its domain does: `vm:exec { "uptime" }` is `vm.domain:exec { "uptime" }`.
function VM.__index(vm, key)
    local own = VM[key]
    if own ~= nil then return own end
    local method = Domain.methods[key]
    if type(method) == "function" then
        return function(receiver, ...)
            if getmetatable(receiver) == nil then handle.refuse_point(VM, "vm", key) end
            return method(receiver == vm and vm.domain or receiver, ...)
        end
    end
    return handle.missing(vm, key, VM, Domain.methods)
end

function VM:__tostring()
    return "vm " .. self.name
end

-- Those are for the library.
handle.add_methods(VM, "vm", {
    check = true, problem = true, placements = true, up_options = true, lend = true, discard = true,
})

local M = {}

---A VM by its name alone: one of an earlier run, whose spec is not known.
---@param name string
---@param uri? string
---@return limiq.VM
function M.handle(name, uri)
    return setmetatable({ name = name, uri = uri, domain = Domain.handle(name, uri) }, VM)
end

---@param spec limiq.VMSpec
---@param uri? string
---@return limiq.VM
local function described(spec, uri)
    local checked = perform("vm.check", spec, uri)
    local vm = M.handle(checked.name, uri)
    vm.spec = checked
    return vm
end

---What a machine of a warm one does not say itself is as it is there.
---@param spec table
---@return table
local function of_warm(spec)
    local document = type(spec.spec) == "table" and spec or nil
    local fields = document and document.spec or spec
    local warm = rawget(fields, "warm")
    if type(warm) ~= "string" then return spec end
    local copy = { disks = { { id = "boot", backing_file = warm, bootable = true } } }
    for name, value in pairs(perform("image.warm_spec", warm)) do
        -- The same with a unit, in the place of the number.
        if not (name == "memory_mib" and fields.memory) then copy[name] = value end
    end
    for name, value in pairs(fields) do copy[name] = value end
    return document and { name = document.name, spec = copy } or copy
end

---A spec without parts and functions: the recipes of its list part, and of its `cloud_init`, joined with what it says
---itself. What a recipe can only say when it knows the VM is a function of it, which is called here, with the VM as the
---rest of its spec describes it.
---@param spec table
---@param uri? string
---@return limiq.VMSpec spec without functions
function M.resolve(spec, uri)
    if type(spec) ~= "table" then return spec end
    spec = of_warm(spec)
    local document = type(spec.spec) == "table" and spec or nil
    local function whole(fields) return document and { name = document.name, spec = fields } or fields end
    peers.refuse_fields(document and document.spec or spec)
    return whole(parts.resolved(document and document.spec or spec, function(fields)
        return described(whole(fields), uri)
    end))
end

---@param spec limiq.VMSpec
---@param uri? string
---@return limiq.VM
function M.new(spec, uri) return described(M.resolve(spec, uri), uri) end

---Brings a machine up, gives it to a function, and removes it when that returns or raises.
---@param vm limiq.VM
---@param body function
function M.lent(vm, body)
    local _ <close> = setmetatable({}, { __close = function() perform("vm.discard", vm) end })
    perform("vm.lend", vm)
    return body(vm)
end

return M
