---What recipes share: the shape of a part and the checks of what a caller gave.
local runtime = require "limiq.runtime"

local M = {}

---@class limiq.recipes.Part
---@field recipe string who made it, for messages
---@field user_data? table
---@field meta_data? table
---@field network_config? table
---@field vendor_data? table

---@param recipe string
---@param parts table
---@return limiq.recipes.Part
function M.new(recipe, parts)
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

---Checks options against their types: `{ name = "string", sudo = "string?" }`.
---@param recipe string
---@param options table
---@param types table<string, string>
function M.check(recipe, options, types)
    if type(options) ~= "table" then
        M.refuse(recipe, ("it takes a table, not %s"):format(type(options)))
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
        elseif type(value) ~= wanted then
            M.refuse(recipe, ("%s must be a %s, not a %s"):format(name, wanted, type(value)))
        end
    end
end

return M
