local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

---Packages of the distribution.
---
---Example:
---```lua
---recipes.packages { "htop", "tmux" }
---```
---@param names string[]
---@return limiq.recipes.Part
local function packages(names)
    if type(names) ~= "table" or #names == 0 then
        part.refuse("packages", ("it takes a list of package names, not %s"):format(runtime.described(names)),
            'write { "htop", "tmux" }')
    end
    for index, name in ipairs(names) do
        if type(name) ~= "string" then
            part.refuse("packages", ("name %d is %s, not a string"):format(index, runtime.described(name)))
        end
    end
    return part.new("packages", { user_data = { package_update = true, packages = names } })
end

return packages
