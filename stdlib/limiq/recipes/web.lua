local limiq = require "limiq"
local part = require "limiq.recipes.part"

---Where nginx has its pages in each family, and where it reads other sites from. Debian's starts by itself, and leaves
---a page alone that was there before it; elsewhere the pages come after the package.
local servers = {
    debian = { home = "/var/www/html", sites = "/etc/nginx/conf.d", starts = true },
    fedora = { home = "/usr/share/nginx/html", sites = "/etc/nginx/conf.d" },
    rhel = { home = "/usr/share/nginx/html", sites = "/etc/nginx/conf.d" },
    amazon = { home = "/usr/share/nginx/html", sites = "/etc/nginx/conf.d" },
    suse = { home = "/srv/www/htdocs", sites = "/etc/nginx/conf.d" },
    -- Its default site answers nothing but 404.
    alpine = { home = "/var/www/html", sites = "/etc/nginx/http.d", has_no_site = true },
    arch = { home = "/usr/share/nginx/html" },
}

---nginx's own configuration of a site that is not its default one.
local function site(options, home)
    local server_name = options.server_name
    return ("server {\n    listen %d;\n%s    root %s;\n    index index.html;\n}\n"):format(
        options.port, server_name and ("    server_name %s;\n"):format(server_name) or "", home)
end

---A file for cloud-init's `write_files`: text stays readable, anything else travels as base64.
local function file(path, content, defer)
    if utf8.len(content) then
        return { path = path, content = content, permissions = "0644", defer = defer }
    end
    return {
        path = path, content = limiq.base64.encode(content), encoding = "b64", permissions = "0644", defer = defer,
    }
end

---What is wrong with a server's name.
local function name_problem(name)
    if not name:match "^[%w.*-]+$" then return ("it is no host name: %s"):format(name) end
end

---The part for one family.
local function for_family(family, options, names, contents)
    local server, is_default = servers[family], options.port == 80 and not options.server_name
    if not server then part.refuse("web", ("it knows no nginx of the family %s"):format(family)) end
    if not is_default and not server.sites then
        part.refuse("web", ("nginx of the family %s reads no other sites"):format(family),
            "leave port and server_name out")
    end
    local defer = not server.starts or nil
    local files = {}
    for index, name in ipairs(names) do files[index] = file(server.home .. "/" .. name, contents[index], defer) end
    if server.has_no_site and is_default then
        files[#files + 1] = file(server.sites .. "/default.conf", site(options, server.home), defer)
    elseif not is_default then
        files[#files + 1] = file(server.sites .. "/limiq.conf", site(options, server.home), defer)
    end
    return {
        nics = options.forward and { { forward = { { guest = options.port, host = options.forward } } } } or nil,
        user_data = {
            package_update = true, packages = { "nginx" }, write_files = files,
            runcmd = not server.starts and part.enable(family, "nginx") or nil,
        },
    }
end

return limiq.recipe {
    name = "web",
    doc = [[
A web server (nginx) with the files of a folder beside the script, those of its subfolders included. Where they lie,
and how it is started, is that of the family of the image the VM starts from, or of `family`.]],
    options = {
        root = { required = true, doc = "the folder" },
        port = { type = "integer", min = 1, max = 65535, default = 80, doc = "where it listens" },
        forward = { type = "integer", min = 1, max = 65535, doc = "the port of this host that leads to it" },
        server_name = { check = name_problem, doc = "the host's name that it answers to; any where left out" },
        family = part.family_option,
    },
    example = 'recipes.web { root = "site/" }',
    build = function(options)
        local root = options.root:gsub("(.)/+$", "%1")
        local names = limiq.file.list(root)
        if #names == 0 then part.refuse("web", ("there is no file in %s"):format(options.root)) end
        local contents = {}
        for index, name in ipairs(names) do contents[index] = limiq.file.read(root .. "/" .. name) end
        return part.by_family(options.family, function(family) return for_family(family, options, names, contents) end)
    end,
}
