---A virtual machine as a script describes it.
---
---Example:
---```lua
---local web = limiq.vm { name = "web", memory = "1GiB",
---                       disks = { { id = "boot", backing_file = limiq.image "debian-12" } } }
---web:up { wait = "cloud-init", timeout = "10m" }
---```
local runtime = require "limiq.runtime"
local Domain = require "limiq.domain"

local perform = runtime.perform

---@class limiq.VM
---@field name string
---@field spec limiq.VMSpec
---@field uri? string the host's URI, nil for the run's own
---@field domain limiq.Domain
local VM = {}
VM.__name = "limiq.VM"

---What a VM does not say itself, its domain does: `vm:exec { "uptime" }` is `vm.domain:exec { "uptime" }`.
function VM.__index(vm, key)
    local own = VM[key]
    if own ~= nil then return own end
    local method = Domain[key]
    if type(method) == "function" then
        return function(receiver, ...)
            return method(receiver == vm and vm.domain or receiver, ...)
        end
    end
    return nil
end

function VM:__tostring()
    return "vm " .. self.name
end

---A VM by its name alone: one of an earlier run, whose spec is not known.
---@param name string
---@param uri? string
---@return limiq.VM
function VM.handle(name, uri)
    return setmetatable({ name = name, uri = uri, domain = Domain.handle(name, uri) }, VM)
end

---@param spec limiq.VMSpec
---@param uri? string
---@return limiq.VM
local function described(spec, uri)
    local checked = perform("vm.check", spec)
    local vm = VM.handle(checked.name, uri)
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

---What a recipe can only say when it knows the VM is a function of it, in the place of `cloud_init` or of a CD-ROM.
---Here it is called, with the VM as the rest of its spec describes it.
---@param spec table
---@param uri? string
---@return limiq.VMSpec spec without functions
function VM.resolve(spec, uri)
    if type(spec) ~= "table" then return spec end
    local document = type(spec.spec) == "table" and spec or nil
    local fields = document and document.spec or spec
    local makes_media, other_cdroms = without_functions(fields.cdroms)
    local makes_cloud_init = type(fields.cloud_init) == "function"
    if not makes_media and not makes_cloud_init then return spec end

    local function with(cloud_init, cdroms)
        local copy = {}
        for name, value in pairs(fields) do copy[name] = value end
        copy.cloud_init, copy.cdroms = cloud_init, cdroms
        return document and { name = document.name, spec = copy } or copy
    end
    local vm = described(with(nil, other_cdroms), uri)
    local cloud_init, cdroms = fields.cloud_init, fields.cdroms
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
function VM.new(spec, uri) return described(VM.resolve(spec, uri), uri) end

---A field in which a machine differs from its spec. `kind` is what it takes: `live` (at once), `restart` (when the
---guest starts anew) or `replace` (when the machine is made anew). `cause` is `script`, `drift` (changed by hand) or
---`pending`.
---@class limiq.Change
---@field path string
---@field current? string
---@field wanted? string
---@field kind "live"|"restart"|"replace"|"make"
---@field cause "script"|"drift"|"pending"

---@class limiq.VMUpOptions
---@field start? boolean
---@field wait? string
---@field timeout? string|number the longest silence: it starts anew while the guest gets on; 10 minutes where left out
---@field deadline? string|number the end of the whole, whatever the guest does; none where left out
---@field keep? boolean
---@field restart? boolean
---@field replace? boolean

---@class limiq.VMUpReport
---@field changed boolean
---@field changes limiq.Change[] what was done to a machine that was there
---@field pending limiq.Change[]
---@field phases { name: string, seconds: number }[]

---Brings the machine to what its spec says: makes what is missing, changes what differs, starts it, waits. Does nothing
---where all is so.
---
---What a running guest takes only when it starts anew is in the report's `pending`; `restart = true` starts it. A
---machine that would have to be made anew is an error, and `replace = true` does it: its disks are thrown away.
---
---Example:
---```lua
---local vm = limiq.vm { name = "web", memory = "2GiB" }
---for _, change in ipairs(vm:up({ restart = true }).changes) do print(change.path, change.kind) end
---```
---@async
---@param options? limiq.VMUpOptions
---@return limiq.VMUpReport report
function VM:up(options) return perform("vm.up", self, options) end

---Shuts the guest down; after the timeout, ends it.
---@async
---@param options? { timeout?: string|number }
function VM:down(options) return perform("vm.down", self, options) end

---Removes the domain and all that was made for it, nothing else.
---@async
function VM:remove() return perform("vm.remove", self) end

---Whether the machine could be made as its spec says, as far as can be told beforehand: an error where it could not.
---Nothing is made, and one that is there stays as it is.
---
---Example:
---```lua
---local new = limiq.vm { name = "web", disks = { { backing_file = "next.qcow2" } } }
---new:preflight()
---new:up { replace = true }
---```
---@async
---@return string[] warnings what a guest would pass over
function VM:preflight() return perform("vm.preflight", self) end

---The fields in which the machine differs from its spec, and what `up` would have to do.
---@async
---@return limiq.Change[]
function VM:diff() return perform("vm.diff", self) end

---Where a port of the guest is reached from this host: `"127.0.0.1:8080"`.
---@async
---@param port integer the guest's port
---@param proto? "tcp"|"udp"
---@return string
function VM:forward(port, proto) return perform("vm.forward", self, port, proto) end

---The MAC address of a nic: its spec's, else the one made from the VM's name and the nic's position.
---@async
---@param nic? integer its position, 1 where left out
---@return string
function VM:mac_address(nic) return perform("vm.mac_address", self, nic) end

return VM
