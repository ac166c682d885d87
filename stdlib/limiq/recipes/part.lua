---What recipes share: the shape of a part and the checks of what a caller gave.
local runtime = require "limiq.runtime"

local M = {}

---@class limiq.recipes.Part
---@field recipe string who made it, for messages
---@field user_data? table
---@field meta_data? table
---@field network_config? table
---@field vendor_data? table
---@field check? "error"|"warn"

---A part that must know the VM: its name, its nics, its disks.
---@alias limiq.recipes.Late fun(vm: limiq.VM): limiq.recipes.Part

---The fields of a part, but for its maker.
M.documents = { user_data = true, meta_data = true, network_config = true, vendor_data = true }

---A part, of which no guest would trip over the user-data.
---@param recipe string
---@param parts table
---@return limiq.recipes.Part
function M.new(recipe, parts)
    local problem = parts.user_data and runtime.perform("cidata.problem", parts.user_data)
    if problem then M.refuse(recipe, problem.message, problem.hint) end
    parts.recipe = recipe
    return parts
end

---Raises a `bad_field` error for the caller of the recipe.
---@param recipe string
---@param message string
---@param hint? string
function M.refuse(recipe, message, hint)
    runtime.fail { code = "bad_field", message = ("recipe %s: %s"):format(recipe, message), hint = hint }
end

---Whether a value is what `limiq.secret` made.
---@param value any
---@return boolean
function M.is_secret(value) return type(value) == "userdata" and value ~= runtime.null end

local function is_a(value, wanted)
    return wanted == "any" or type(value) == wanted
        or wanted == "text" and (type(value) == "string" or M.is_secret(value))
end

local units = { KiB = 10, MiB = 20, GiB = 30, TiB = 40 }

---The bytes of a text such as `"2GiB"`; refused where it is none.
---@param recipe string
---@param what string
---@param text any
---@return integer
function M.bytes(recipe, what, text)
    local digits, unit = tostring(text):match "^(%d+)(%aiB)$"
    if type(text) ~= "string" or not units[unit] or #digits > 9 then
        M.refuse(recipe, ("%s is no size: %s"):format(what, tostring(text)), "such as \"2GiB\" or \"512MiB\"")
    end
    return math.tointeger(tonumber(digits)) << units[unit]
end

---One word of a POSIX shell, whatever it contains.
---@param word string
---@return string
function M.quoted(word)
    if word:match "^[%w@%%+=:,./_-]+$" then return word end
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

---Checks options against their types: `{ name = "string", sudo = "string?", nic = "any?" }`. `text` is a
---string or a secret, `any` is checked by the recipe itself.
---@param recipe string
---@param options table
---@param types table<string, string>
function M.check(recipe, options, types)
    if type(options) ~= "table" then
        M.refuse(recipe, ("it takes a table, not %s"):format(runtime.described(options)))
    end
    local names = {}
    for name in pairs(types) do names[#names + 1] = name end
    table.sort(names)
    for name in pairs(options) do
        if not types[name] then
            local nearest = type(name) == "string" and runtime.nearest(name, types)
            M.refuse(recipe, ("%s is not one of its options"):format(tostring(name)),
                nearest and ("did you mean %s?"):format(nearest)
                or ("its options are %s"):format(table.concat(names, ", ")))
        end
    end
    for _, name in ipairs(names) do
        local wanted, optional = types[name]:match "^(%a+)(%??)$"
        local value = options[name]
        if value == nil then
            if optional == "" then M.refuse(recipe, ("%s is missing"):format(name)) end
        elseif not is_a(value, wanted) then
            M.refuse(recipe, ("%s must be a %s, not %s"):format(
                name, wanted == "text" and "string" or wanted, runtime.described(value)))
        end
    end
end

---The families of distributions, as the catalogue of images has them.
M.families = {
    debian = true, fedora = true, rhel = true, amazon = true, suse = true, alpine = true, arch = true, freebsd = true,
    coreos = true, flatcar = true,
}

---The family of the image a VM starts from; `nil` where the catalogue does not know the image.
---@param vm limiq.VM
---@return string?
function M.family(vm)
    local first
    for _, disk in ipairs(vm.spec.disks or {}) do
        if disk.backing_file or disk.path then
            if disk.bootable then first = disk break end
            first = first or disk
        end
    end
    local image = first and runtime.perform("image.describe", first.backing_file or first.path)
    return image and image.family or nil
end

---A part that is another for each family of distributions. Where the caller tells the family it is made at once, else
---when the VM is known, of the image it starts from. An image that the catalogue does not know counts as Debian's.
---@param recipe string
---@param family string? as the caller gave it
---@param make fun(family: string): limiq.recipes.Part
---@return limiq.recipes.Part|limiq.recipes.Late
function M.by_family(recipe, family, make)
    if family == nil then
        return function(vm) return make(M.family(vm) or "debian") end
    end
    if not M.families[family] then
        local nearest = runtime.nearest(family, M.families)
        M.refuse(recipe, ("family is no family of distributions: %s"):format(family),
            nearest and ("did you mean %s?"):format(nearest) or "such as debian, fedora, rhel, suse, alpine")
    end
    return make(family)
end

---The commands that start a service now and at each start.
---@param family string
---@param service string
---@return string[][]
function M.enable(family, service)
    if family == "alpine" then
        return { { "rc-update", "add", service, "default" }, { "rc-service", service, "start" } }
    end
    return { { "systemctl", "enable", "--now", service } }
end

return M
