local limiq = require "limiq"
local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

---What the engine is called in each family, and what else it needs. Debian's starts by itself.
local engines = {
    -- The engine only recommends apparmor, and starts no container without it where the kernel has AppArmor.
    debian = { packages = { "docker.io", "apparmor" }, starts = true },
    fedora = { packages = { "moby-engine", "docker-cli" } },
    -- They have none of their own: these are Docker's.
    rhel = {
        packages = { "docker-ce", "docker-ce-cli", "containerd.io" },
        yum_repos = { ["docker-ce-stable"] = {
            name = "Docker CE", enabled = true, gpgcheck = true,
            baseurl = "https://download.docker.com/linux/centos/$releasever/$basearch/stable",
            gpgkey = "https://download.docker.com/linux/centos/gpg",
        } },
    },
    amazon = { packages = { "docker" } },
    suse = { packages = { "docker" } },
    alpine = { packages = { "docker" } },
    arch = { packages = { "docker" } },
}

local restarts = { no = true, always = true, ["unless-stopped"] = true, ["on-failure"] = true }

local function words(what, list)
    for index, word in ipairs(list or {}) do
        if type(word) ~= "string" then
            part.refuse("docker", ("%s[%d] is %s, not a string"):format(what, index, runtime.described(word)))
        end
    end
    return list or {}
end

---A container's name where the author gives none: `registry/team/app:1.2` is `app`.
local function name_of(image)
    return image:gsub("@.*$", ""):gsub(":[^:/]*$", ""):match "([^/]+)$"
end

---@param taken table<string, integer> the names so far
---@return string command
local function run(index, container, taken)
    local what = ("run[%d]"):format(index)
    if type(container) == "string" then container = { image = container } end
    part.check("docker: " .. what, container, {
        image = "string", name = "string?", args = "table?", command = "table?", restart = "string?",
    })
    local image = container.image
    if not image:match "^[%w][%w@:./_-]*$" then
        part.refuse("docker", ("%s.image is no image's name: %s"):format(what, image),
            "options go into args: { image = \"nginx\", args = { \"-p\", \"80:80\" } }")
    end
    local name = container.name or name_of(image)
    if not name:match "^[%w][%w_.-]+$" then part.refuse("docker", ("%s.name is no name: %s"):format(what, name)) end
    if taken[name] then
        part.refuse("docker", ("run[%d] and run[%d] are both named %s"):format(taken[name], index, name),
            "give one of them a name")
    end
    taken[name] = index
    local restart = container.restart or "unless-stopped"
    if not restarts[restart:match "^[^:]*"] then
        part.refuse("docker", ("%s.restart is no restart policy: %s"):format(what, restart),
            "no, always, unless-stopped, on-failure")
    end
    local line = { "docker", "run", "--detach", "--name", name, "--restart", restart }
    table.move(words(what .. ".args", container.args), 1, #(container.args or {}), #line + 1, line)
    line[#line + 1] = image
    table.move(words(what .. ".command", container.command), 1, #(container.command or {}), #line + 1, line)
    for position, word in ipairs(line) do line[position] = part.quoted(word) end
    return table.concat(line, " ")
end

local function daemon(options)
    local mirrors = words("registry_mirrors", options.registry_mirrors)
    for _, mirror in ipairs(mirrors) do
        if not mirror:match "^https?://[%w.:%[%]-]+/?$" then
            part.refuse("docker", ("a registry mirror is the address of a host, not %s"):format(mirror),
                "such as \"https://mirror.example.org\"")
        end
    end
    if #mirrors == 0 then return nil end
    return {
        path = "/etc/docker/daemon.json", permissions = "0644",
        content = limiq.json.encode({ ["registry-mirrors"] = mirrors }, { pretty = true }) .. "\n",
    }
end

---The script that cloud-init runs once in the life of the guest, after the packages are there. Of its own, not in
---`runcmd`: there a command that fails is passed over in silence unless it is the last.
local function script(options, family)
    local lines = { "#!/bin/sh", "set -eu" }
    if not engines[family].starts then
        for _, command in ipairs(part.enable(family, "docker")) do lines[#lines + 1] = table.concat(command, " ") end
    end
    for _, user in ipairs(words("users", options.users)) do
        if not user:match "^[%l_][%w_-]*$" then part.refuse("docker", ("%s is no user's name"):format(user)) end
        lines[#lines + 1] = family == "alpine" and ("addgroup %s docker"):format(user)
            or "usermod --append --groups docker " .. user
    end
    local taken = {}
    for index, container in ipairs(options.run or {}) do lines[#lines + 1] = run(index, container, taken) end
    if #lines == 2 then return nil end
    return {
        path = "/var/lib/cloud/scripts/per-instance/50-docker", permissions = "0755",
        content = table.concat(lines, "\n") .. "\n",
    }
end

---Docker's engine from the distribution's own packages, whatever they are called there. CentOS Stream, Rocky, AlmaLinux
---and Oracle Linux have none, and get Docker's. The family is that of the image the VM starts from, or `family`.
---
---`users` are put into the group `docker`, and so may become root. Each of `run` is a container that is started once
---and kept running by the engine: an image, or that with `docker run`'s own options (`args`) and a `command`. One that
---cannot be started makes cloud-init fail, and with it `vm:up()`.
---
---Example:
---```lua
---recipes.docker {
---    users = { "admin" },
---    run = { "redis:7", { image = "nginx:1.27", args = { "-p", "80:80" }, restart = "always" } },
---}
---```
---@param options? { users?: string[], registry_mirrors?: string[],
---run?: (string|{ image: string, name?: string, args?: string[], command?: string[], restart?: string })[],
---family?: string }
---@return limiq.recipes.Part|limiq.recipes.Late
local function docker(options)
    options = options or {}
    part.check("docker", options, {
        users = "table?", run = "table?", registry_mirrors = "table?", family = "string?",
    })
    -- What is wrong in them is the caller's, whatever the family.
    script(options, "debian")
    daemon(options)
    return part.by_family("docker", options.family, function(family)
        local engine = engines[family]
        if not engine then
            part.refuse("docker", ("it knows no packages of the family %s"):format(family),
                "Fedora CoreOS and Flatcar have the engine: Ignition starts docker.service there")
        end
        local files = {}
        -- Before the package: the engine starts with it.
        files[#files + 1] = daemon(options)
        files[#files + 1] = script(options, family)
        return part.new("docker", {
            user_data = {
                package_update = true,
                yum_repos = engine.yum_repos,
                packages = { table.unpack(engine.packages) },
                write_files = #files > 0 and files or nil,
            },
        })
    end)
end

return docker
