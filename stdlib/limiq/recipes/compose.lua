local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

local documents = { "user_data", "meta_data", "network_config", "vendor_data" }

---A table whose keys are 1 to n; an empty one is both a list and a map.
local function is_list(value)
    return type(value) == "table" and (#value > 0 or next(value) == nil)
end

local function is_map(value)
    return type(value) == "table" and getmetatable(value) == nil and #value == 0
end

---A copy, so that two machines never share a table.
local function copy(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
    local result = {}
    for key, inner in pairs(value) do result[key] = copy(inner) end
    return result
end

---As a message shows it.
local function shown(value)
    if type(value) ~= "table" or getmetatable(value) ~= nil then return tostring(value) end
    return is_list(value) and "a list" or "a map"
end

---Which recipe set what is at a path, or what it is within.
local function maker(makers, path)
    while path and not makers[path] do path = path:match "^(.*)%." end
    return path and makers[path] or "?"
end

---Joins `value` into `target[key]`: lists append, maps merge, equal scalars stay.
---@param makers table<string, string> which recipe set what, by path
local function join(target, key, value, path, recipe, makers)
    local before = target[key]
    if before == nil then
        target[key] = copy(value)
        makers[path] = recipe
    elseif is_list(before) and is_list(value) then
        for _, member in ipairs(value) do before[#before + 1] = copy(member) end
    elseif is_map(before) and is_map(value) then
        for name, inner in pairs(value) do
            join(before, name, inner, path .. "." .. tostring(name), recipe, makers)
        end
    elseif before ~= value then
        runtime.fail {
            code = "recipe_conflict",
            message = ("%s is %s for recipe %s and %s for recipe %s"):format(
                path, shown(before), maker(makers, path), shown(value), recipe),
            hint = "give it in one of them",
        }
    end
end

---@param parts (limiq.recipes.Part|limiq.recipes.Late)[]
---@param vm? limiq.VM what a part that is a function is called with
---@return table cloud_init
local function joined(parts, vm)
    local result, makers = {}, {}
    for index, each in ipairs(parts) do
        local value = each
        if type(each) == "function" then value = each(vm) end
        if type(value) ~= "table" then
            part.refuse("compose", ("part %d is %s, not what a recipe returns"):format(index, runtime.described(value)))
        end
        local recipe = value.recipe or ("number " .. index)
        for name in pairs(value) do
            if name ~= "recipe" and name ~= "check" and not part.documents[name] then
                part.refuse("compose", ("part %d has a field %s"):format(index, tostring(name)),
                    "its fields are " .. table.concat(documents, ", ") .. " and check")
            end
        end
        -- A part that cannot pass the check takes all with it.
        if value.check ~= nil and result.check ~= "warn" then result.check = value.check end
        for _, document in ipairs(documents) do
            local content = value[document]
            if content ~= nil then
                if type(content) ~= "table" then
                    part.refuse("compose",
                        ("%s of recipe %s is text, which cannot be joined"):format(document, recipe),
                        "give it as a table")
                end
                result[document] = result[document] or {}
                for name, inner in pairs(content) do
                    join(result[document], name, inner, document .. "." .. tostring(name), recipe, makers)
                end
            end
        end
    end
    return result
end

---Joins parts into one `cloud_init`: lists append, maps merge; two different scalars are an error that names both
---recipes. What no recipe knows is a part of its own: `{ user_data = { locale = "de_CH.UTF-8" } }`.
---
---A part with `check = "warn"` says so of the whole.
---
---A part that must know the VM, such as `static_ip`, is a function of it, and so is the whole: `limiq.vm` calls it.
---
---Example:
---```lua
---recipes.compose { recipes.packages { "htop" }, recipes.timezone "Europe/Zurich" }
---```
---@param parts (limiq.recipes.Part|limiq.recipes.Late)[]
---@return table|fun(vm: limiq.VM): table cloud_init
local function compose(parts)
    if not is_list(parts) then
        part.refuse("compose", ("it takes a list of parts, not %s"):format(runtime.described(parts)))
    end
    local count = 0
    for _ in pairs(parts) do count = count + 1 end
    if count ~= #parts then
        part.refuse("compose", "one of its parts is nil, or has a name", "a part that is not wanted is {}")
    end
    for _, each in ipairs(parts) do
        if type(each) == "function" then
            return function(vm) return joined(parts, vm) end
        end
    end
    return joined(parts)
end

return compose
