local part = require "limiq.recipes.part"

---The guest's time zone.
---
---Example:
---```lua
---recipes.timezone "Europe/Zurich"
---```
---@param name string
---@return limiq.recipes.Part
local function timezone(name)
    if type(name) ~= "string" or not name:match "^[%w_+/-]+$" then
        part.refuse("timezone", "it takes a name such as \"Europe/Zurich\"")
    end
    return part.new("timezone", { user_data = { timezone = name } })
end

return timezone
