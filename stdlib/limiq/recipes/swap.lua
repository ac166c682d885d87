local part = require "limiq.recipes.part"

---A file the guest swaps to. Its disk must have room for it.
---
---Example:
---```lua
---recipes.swap "2GiB"
---```
---@param options string|{ size: string, path?: string } a size, or that and the file, `/swapfile` where left out
---@return limiq.recipes.Part
local function swap(options)
    if type(options) == "string" then options = { size = options } end
    part.check("swap", options, { size = "string", path = "string?" })
    local path = options.path or "/swapfile"
    if path:sub(1, 1) ~= "/" then part.refuse("swap", ("%s is no absolute path"):format(path)) end
    local bytes = part.bytes("swap", "size", options.size)
    if bytes < 1 << 20 then part.refuse("swap", "size is less than 1MiB") end
    return part.new("swap", { user_data = { swap = { filename = path, size = bytes, maxsize = bytes } } })
end

return swap
