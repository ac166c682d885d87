---Machines made of other machines: `vm:clone`.
local runtime = require "limiq.runtime"
local VM = require "limiq.vm"

local perform = runtime.perform

-- What is not the spec's, and what cannot be another.
local of_clone = { name = true, up = true, disks = true }

---@param source limiq.Domain
---@param spec limiq.CloneSpec
---@return limiq.VM
return function(source, spec)
    if type(spec) ~= "table" or type(spec.name) ~= "string" then
        runtime.fail {
            code = "bad_field",
            message = type(spec) == "table"
                and ("clone: name must be a string, not %s"):format(runtime.described(spec.name))
                or ("clone: it takes a table, not %s"):format(runtime.described(spec)),
            hint = "vm:clone { name = \"" .. source.name .. "-2\" }",
        }
    end
    if spec.disks ~= nil then
        runtime.fail {
            code = "bad_field", message = "clone: its disks are those of " .. source.name,
            hint = "leave disks out, and change them by an up of its own afterwards",
        }
    end
    local begun = perform("domain.clone_begin", source, spec.name)
    if not begun.spec then
        local standing = VM.handle(spec.name, source.uri)
        -- A run may have been killed in between.
        if standing:state() == "shut off" then standing:start() end
        return standing
    end

    local fields = begun.spec
    for field, value in pairs(spec) do
        if not of_clone[field] then fields[field] = value end
    end
    -- The same with a unit, in the place of the number.
    if spec.memory then fields.memory_mib = nil end
    if begun.sealer then
        local unsealed = begun.sealer.disks[1].backing_file
        local _ <close> = setmetatable({}, { __close = function()
            perform("image.remove", unsealed:match "([^/]+)%.%w+$")
        end })
        fields.disks[begun.boot].backing_file = VM.lent(VM.new(begun.sealer, source.uri), function(vm)
            vm:wait("agent", { timeout = "10m" })
            return perform("domain.clone_keep", vm, spec.name, begun.instance, source.name)
        end)
    end
    local clone = VM.new(fields, source.uri)
    clone:up(spec.up)
    return clone
end
