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

---@param spec limiq.VMSpec
---@param uri? string
---@return limiq.VM
function VM.new(spec, uri)
    local checked = perform("vm.spec", spec)
    return setmetatable({
        name = checked.name,
        spec = checked,
        uri = uri,
        domain = Domain.handle(checked.name, uri),
    }, VM)
end

---Brings the machine to what its spec says: makes what is missing, starts it, waits. Does nothing where all is so.
---@async
---@param options? { start?: boolean, wait?: string, timeout?: string|number, keep?: boolean }
---@return { changed: boolean, phases: { name: string, seconds: number }[] } report
function VM:up(options) return perform("vm.up", self, options) end

---Shuts the guest down; after the timeout, ends it.
---@async
---@param options? { timeout?: string|number }
function VM:down(options) return perform("vm.down", self, options) end

---Removes the domain and all that was made for it, nothing else.
---@async
function VM:remove() return perform("vm.remove", self) end

---The fields in which the machine differs from its spec.
---@async
---@return string[]
function VM:diff() return perform("vm.diff", self) end

---Where a port of the guest is reached from this host: `"127.0.0.1:8080"`.
---@async
---@param port integer the guest's port
---@param proto? "tcp"|"udp"
---@return string
function VM:forward(port, proto) return perform("vm.forward", self, port, proto) end

return VM
