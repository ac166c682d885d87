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
    check = true, placements = true, up_options = true, lend = true, discard = true,
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

---Whether a list has a function in it, and a copy without.
local function without_functions(list)
    local kept, has_functions = {}, false
    for _, member in ipairs(type(list) == "table" and list or {}) do
        if type(member) == "function" then has_functions = true else kept[#kept + 1] = member end
    end
    return has_functions, has_functions and kept or list
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

---What a recipe can only say when it knows the VM is a function of it, in the place of `cloud_init` or of a CD-ROM.
---Here it is called, with the VM as the rest of its spec describes it.
---@param spec table
---@param uri? string
---@return limiq.VMSpec spec without functions
function M.resolve(spec, uri)
    if type(spec) ~= "table" then return spec end
    spec = of_warm(spec)
    local document = type(spec.spec) == "table" and spec or nil
    local fields = document and document.spec or spec
    -- It may be a handle, whose lack of a field is an error.
    local cloud_init, cdroms = rawget(fields, "cloud_init"), rawget(fields, "cdroms")
    local makes_media, other_cdroms = without_functions(cdroms)
    local makes_cloud_init = type(cloud_init) == "function"
    if not makes_media and not makes_cloud_init then return spec end

    local function with(own_cloud_init, own_cdroms)
        local copy = {}
        for name, value in pairs(fields) do copy[name] = value end
        copy.cloud_init, copy.cdroms = own_cloud_init, own_cdroms
        -- Shares are mounted by the cloud-init that is still to come.
        if makes_cloud_init and own_cloud_init == nil then copy.shares = nil end
        return document and { name = document.name, spec = copy } or copy
    end
    local vm = described(with(nil, other_cdroms), uri)
    if makes_cloud_init then cloud_init = cloud_init(vm) end
    if makes_media then
        cdroms = {}
        for index, cdrom in ipairs(fields.cdroms) do
            cdroms[index] = type(cdrom) == "function" and cdrom(vm) or cdrom
        end
    end
    return with(cloud_init, cdroms)
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
