local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

---Whether a file can be written only when users and packages are there: before, nobody but root is sure to be.
local function is_late(owner)
    for name in (owner or ""):gmatch "[^:]+" do
        if name ~= "root" then return true end
    end
end

---Files in the guest. A content may be a secret. One with an `owner` other than root is written when users and packages
---are there.
---
---Example:
---```lua
---recipes.files { { path = "/etc/motd", content = "welcome\n" } }
---```
---@param files { path: string, content: string|userdata, permissions?: string, owner?: string }[]
---@return limiq.recipes.Part
local function write_files(files)
    if type(files) ~= "table" or #files == 0 and next(files) ~= nil then
        part.refuse("files", ("it takes a list of files, not %s"):format(runtime.described(files)),
            'write { { path = "/etc/motd", content = "welcome\\n" } }')
    end
    local written = {}
    for index, file in ipairs(files) do
        part.check(("files[%d]"):format(index), file,
            { path = "string", content = "text", permissions = "string?", owner = "string?" })
        if file.path:sub(1, 1) ~= "/" then
            part.refuse("files", ("%s is no absolute path"):format(file.path))
        end
        written[index] = {
            path = file.path, content = file.content, permissions = file.permissions or "0644", owner = file.owner,
            defer = is_late(file.owner),
        }
    end
    return part.new("files", { user_data = { write_files = written } })
end

return write_files
