local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

local documents = { "user_data", "meta_data", "network_config", "vendor_data" }

---A table whose keys are 1 to n; an empty one is both a list and a map.
local function is_list(value)
    return type(value) == "table" and (#value > 0 or next(value) == nil)
end

---A copy, so that two machines never share a table.
local function copy(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
    local result = {}
    for key, inner in pairs(value) do result[key] = copy(inner) end
    return result
end

---Joins `value` into `target[key]`: lists append, maps merge, equal scalars stay.
---@param makers table<string, string> which recipe set what, by path
local function join(target, key, value, path, recipe, makers)
    local before = target[key]
    if before == nil then
        target[key] = copy(value)
    elseif is_list(before) and is_list(value) then
        for _, member in ipairs(value) do before[#before + 1] = copy(member) end
    elseif type(before) == "table" and type(value) == "table" and getmetatable(value) == nil
        and not (#before > 0 or #value > 0) then
        for name, inner in pairs(value) do
            join(before, name, inner, path .. "." .. tostring(name), recipe, makers)
        end
        return
    elseif before ~= value then
        local above = path
        local first = makers[above]
        while not first and above:find "%." do
            above = above:match "^(.*)%."
            first = makers[above]
        end
        runtime.fail {
            code = "recipe_conflict",
            message = ("%s is %s for recipe %s and %s for recipe %s"):format(
                path, tostring(before), first or "?", tostring(value), recipe),
            hint = "give it in one of them",
        }
    end
    makers[path] = makers[path] or recipe
    if type(value) == "table" then
        for name in pairs(value) do
            makers[path .. "." .. tostring(name)] = makers[path .. "." .. tostring(name)] or recipe
        end
    end
end

---Joins parts into one `cloud_init`: lists append, maps merge; two different scalars are an error that names both
---recipes.
---
---Example:
---```lua
---recipes.compose { recipes.packages { "htop" }, recipes.timezone "Europe/Zurich" }
---```
---@param parts limiq.recipes.Part[]
---@return table cloud_init
local function compose(parts)
    if not is_list(parts) then part.refuse("compose", "it takes a list of parts") end
    local result, makers = {}, {}
    for index, each in ipairs(parts) do
        if type(each) ~= "table" then
            part.refuse("compose", ("part %d is a %s, not what a recipe returns"):format(index, type(each)))
        end
        local recipe = each.recipe or ("number " .. index)
        for _, document in ipairs(documents) do
            local value = each[document]
            if value ~= nil then
                if type(value) ~= "table" then
                    part.refuse("compose", ("%s of recipe %s is text, which cannot be joined"):format(document, recipe),
                        "give it as a table")
                end
                result[document] = result[document] or {}
                for name, inner in pairs(value) do
                    join(result[document], name, inner, document .. "." .. tostring(name), recipe, makers)
                end
            end
        end
    end
    return result
end

return compose
