local parts = require "limiq.parts"

---Joins parts into one: lists append, maps merge; disks, nics, CD-ROMs and shares of one id are one; the larger memory
---wins; two different scalars are an error that names both recipes. What no recipe knows is a part of its own:
---`{ user_data = { locale = "de_CH.UTF-8" } }`.
---
---A part with `check = "warn"` says so of the whole.
---
---A part that must know the VM, such as `static_ip`, is a function of it, and so is the whole: `limiq.vm` calls it.
---
---Example:
---```lua
---recipes.compose { recipes.packages { "htop" }, recipes.timezone "Europe/Zurich" }
---```
---@param list (limiq.Part|limiq.Late)[]
---@return limiq.Part|limiq.Late part for the list part of `limiq.vm`, or its `cloud_init`
local function compose(list) return parts.composed(list) end

return compose
