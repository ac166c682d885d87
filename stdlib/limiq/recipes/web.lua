local limiq = require "limiq"
local part = require "limiq.recipes.part"

---A web server (nginx) with the files of a folder beside the script.
---
---Example:
---```lua
---recipes.web { root = "site/" }
---```
---@param options { root: string, port?: integer }
---@return limiq.recipes.Part
local function web(options)
    part.check("web", options, { root = "string", port = "number?" })
    local root = options.root:gsub("/+$", "")
    local names = limiq.file.list(root)
    if #names == 0 then part.refuse("web", ("there is no file in %s"):format(options.root)) end
    local files = {}
    for index, name in ipairs(names) do
        files[index] = {
            path = "/var/www/html/" .. name, content = limiq.file.read(root .. "/" .. name), permissions = "0644",
        }
    end
    local port = options.port or 80
    if port ~= 80 then
        files[#files + 1] = {
            path = "/etc/nginx/conf.d/limiq.conf", permissions = "0644",
            content = ("server {\n    listen %d;\n    root /var/www/html;\n}\n"):format(port),
        }
    end
    return part.new("web", {
        user_data = { package_update = true, packages = { "nginx" }, write_files = files },
    })
end

return web
