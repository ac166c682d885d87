local limiq = require "limiq"
local part = require "limiq.recipes.part"

local home = "/var/www/html/"

---nginx's own configuration of a site that is not its default one.
local function site(options)
    local server_name = options.server_name
    return ("server {\n    listen %d;\n%s    root /var/www/html;\n    index index.html;\n}\n"):format(
        options.port or 80, server_name and ("    server_name %s;\n"):format(server_name) or "")
end

---A file for cloud-init's `write_files`: text stays readable, anything else travels as base64.
local function file(path, content)
    if utf8.len(content) then return { path = path, content = content, permissions = "0644" } end
    return { path = path, content = limiq.base64.encode(content), encoding = "b64", permissions = "0644" }
end

---A web server (nginx) with the files of a folder beside the script, those of its subfolders included.
---
---Example:
---```lua
---recipes.web { root = "site/" }
---```
---@param options { root: string, port?: integer, server_name?: string }
---@return limiq.recipes.Part
local function web(options)
    part.check("web", options, { root = "string", port = "number?", server_name = "string?" })
    local port = math.tointeger(options.port or 80)
    if not port or port < 1 or port > 65535 then part.refuse("web", "port must be from 1 to 65535") end
    if options.server_name and not options.server_name:match "^[%w.*-]+$" then
        part.refuse("web", ("server_name is no host name: %s"):format(options.server_name))
    end
    local root = options.root:gsub("(.)/+$", "%1")
    local names = limiq.file.list(root)
    if #names == 0 then part.refuse("web", ("there is no file in %s"):format(options.root)) end
    local files = {}
    for index, name in ipairs(names) do
        files[index] = file(home .. name, limiq.file.read(root .. "/" .. name))
    end
    if port ~= 80 or options.server_name then
        files[#files + 1] = file("/etc/nginx/conf.d/limiq.conf", site(options))
    end
    -- The files come before the package: Debian's nginx leaves an index.html that is there alone, and starts by itself.
    return part.new("web", {
        user_data = { package_update = true, packages = { "nginx" }, write_files = files },
    })
end

return web
