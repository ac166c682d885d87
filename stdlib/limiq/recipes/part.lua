---What recipes share: the families of distributions, words of shells and units, checks of names.
local runtime = require "limiq.runtime"
local options = require "limiq.options"

local M = {}

---Raises a `bad_field` error for the caller of the recipe.
---@param recipe string
---@param message string
---@param hint? string
function M.refuse(recipe, message, hint)
    runtime.fail { code = "bad_field", message = ("recipe %s: %s"):format(recipe, message), hint = hint }
end

M.is_secret = options.is_secret

---One word of a POSIX shell, whatever it contains.
---@param word string
---@return string
function M.quoted(word)
    if word:match "^[%w@%%+=:,./_-]+$" then return word end
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

---One word of a systemd unit's command, whatever it contains (systemd.service(5), "Command lines").
---@param word string
---@return string
function M.unit_word(word)
    local text = word:gsub("%%", "%%%%"):gsub("%$", "$$")
    if text:match "^[%w@%%$+=:,./_-]+$" then return text end
    return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

---What is wrong with the name of a user; nil where nothing is.
---@param name string
---@return string?
function M.user_problem(name)
    if not name:match "^[%l_][%w_-]*$" then return name .. " is no user's name" end
end

---What is wrong with the address of a server on the web; nil where nothing is.
---@param address string
---@return string?
function M.address_problem(address)
    if not address:match "^https?://[%w.:%[%]@_~-]+[%w._~/%%:-]*$" then
        return ("%s is no address such as \"https://mirror.example.org\""):format(address)
    end
end

---A script that cloud-init runs once in the life of the guest, after the packages are there. Of its own, not in
---`runcmd`: there a command that fails is passed over in silence unless it is the last.
---@param name string they run in the order of their names
---@param lines (string|string[])[]
---@return table file of `write_files`
function M.script(name, lines)
    local text = { "#!/bin/sh", "set -eu" }
    for _, line in ipairs(lines) do text[#text + 1] = type(line) == "table" and table.concat(line, " ") or line end
    return {
        path = "/var/lib/cloud/scripts/per-instance/" .. name, permissions = "0755",
        content = table.concat(text, "\n") .. "\n",
    }
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

---The option by which a caller tells the family.
M.family_option = {
    choices = options.names(M.families),
    doc = "the family of distributions; that of the image the VM starts from where left out",
}

---A part that is another for each family of distributions. Where the caller tells the family it is made at once, else
---when the VM is known, of the image it starts from. An image that the catalogue does not know counts as Debian's.
---@param family string? as the caller gave it
---@param make fun(family: string): limiq.Part
---@return limiq.Part|limiq.Late
function M.by_family(family, make)
    if family == nil then
        return function(vm) return make(M.family(vm) or "debian") end
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
