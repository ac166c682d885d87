local limiq = require "limiq"
local compose_parts = require "limiq.recipes.compose"
local containers = require "limiq.recipes.containers"
local mounts = require "limiq.recipes.mounts"
local part = require "limiq.recipes.part"

---What the engine is called in each family, and what else it needs. Debian's starts by itself.
local engines = {
    -- The engine only recommends apparmor, and starts no container without it where the kernel has AppArmor.
    debian = { packages = { "docker.io", "apparmor" }, compose = "docker-compose", starts = true },
    fedora = { packages = { "moby-engine", "docker-cli" }, compose = "docker-compose" },
    -- They have none of their own: these are Docker's.
    rhel = {
        packages = { "docker-ce", "docker-ce-cli", "containerd.io" }, compose = "docker-compose-plugin",
        yum_repos = { ["docker-ce-stable"] = {
            name = "Docker CE", enabled = true, gpgcheck = true,
            baseurl = "https://download.docker.com/linux/centos/$releasever/$basearch/stable",
            gpgkey = "https://download.docker.com/linux/centos/gpg",
        } },
    },
    amazon = { packages = { "docker" } },
    suse = { packages = { "docker" }, compose = "docker-compose" },
    alpine = { packages = { "docker" }, compose = "docker-cli-compose" },
    arch = { packages = { "docker" }, compose = "docker-compose" },
}

---@return string command
local function run(container)
    local line = { "docker", "run", "--detach", "--name", container.name, "--restart", container.restart }
    table.move(container.args or {}, 1, #(container.args or {}), #line + 1, line)
    line[#line + 1] = container.image
    table.move(container.command or {}, 1, #(container.command or {}), #line + 1, line)
    for position, word in ipairs(line) do line[position] = part.quoted(word) end
    return table.concat(line, " ")
end

local function daemon(mirrors)
    if not mirrors or #mirrors == 0 then return nil end
    return {
        path = "/etc/docker/daemon.json", permissions = "0644",
        content = limiq.json.encode({ ["registry-mirrors"] = mirrors }, { pretty = true }) .. "\n",
    }
end

-- The first release of compose is a program of its own, the second a plug-in of docker.
local compose = 'compose() { if docker compose version >/dev/null 2>&1; then docker compose "$@"; '
    .. 'else docker-compose "$@"; fi; }'

---The script that starts the engine where the package does not, and what runs on it.
local function script(options, family)
    local lines = {}
    if not engines[family].starts then
        for _, command in ipairs(part.enable(family, "docker")) do lines[#lines + 1] = command end
    end
    for _, user in ipairs(options.users or {}) do
        lines[#lines + 1] = family == "alpine" and ("addgroup %s docker"):format(user)
            or "usermod --append --groups docker " .. user
    end
    for _, container in ipairs(options.run) do lines[#lines + 1] = run(container) end
    if #(options.stacks or {}) > 0 then lines[#lines + 1] = compose end
    for _, stack in ipairs(options.stacks or {}) do
        lines[#lines + 1] = ("cd %s && compose --project-name %s --file compose.yaml up --detach"):format(
            containers.folder(stack), stack.name)
    end
    return #lines > 0 and part.script("50-docker", lines) or nil
end

---The part for one family.
local function for_family(family, options, files)
    local engine = engines[family]
    if not engine then
        part.refuse("docker", ("it knows no packages of the family %s"):format(family),
            "Fedora CoreOS and Flatcar have the engine: Ignition starts docker.service there")
    end
    local packages = { table.unpack(engine.packages) }
    if #(options.stacks or {}) > 0 then
        if not engine.compose then
            part.refuse("docker", ("it knows no compose of the family %s"):format(family), "run = { … } needs none")
        end
        packages[#packages + 1] = engine.compose
    end
    -- Before the package: the engine starts with it.
    local written = { daemon(options.registry_mirrors) }
    table.move(files, 1, #files, #written + 1, written)
    written[#written + 1] = script(options, family)
    return {
        nics = containers.nics(options.ports),
        user_data = {
            package_update = true, yum_repos = engine.yum_repos, packages = packages,
            write_files = #written > 0 and written or nil,
        },
    }
end

---A mirror is the address of a host alone.
local function mirror_problem(mirror)
    if not mirror:match "^https?://[%w.:%[%]-]+/?$" then
        return ("a registry mirror is the address of a host, not %s"):format(mirror),
            "such as \"https://mirror.example.org\""
    end
end

return limiq.recipe {
    name = "docker",
    doc = [[
Docker's engine from the distribution's own packages, whatever they are called there, and the containers and compose
stacks to run on it. CentOS Stream, Rocky, AlmaLinux and Oracle Linux have no engine, and get Docker's. The family is
that of the image the VM starts from, or `family`.

`users` are put into the group `docker`, and so may become root. What cannot be started makes cloud-init fail, and with
it `vm:up()`. `ports` are opened on this host, and `data` gives the engine a disk of its own: for the list part of
`limiq.vm`, or its `cloud_init`.]],
    options = {
        users = { type = { { check = part.user_problem } }, doc = "users who may talk to the engine" },
        run = containers.run_option, stacks = containers.stacks_option, ports = containers.ports_option,
        data = { type = "size", min = "1GiB", doc = "a disk for images and volumes, at /var/lib/docker" },
        registry_mirrors = { type = { { check = mirror_problem } }, doc = "mirrors of Docker's registry" },
        family = part.family_option,
    },
    example = [[
recipes.docker {
    users = { "admin" },
    run = { "redis:7", { image = "nginx:1.27", args = { "-p", "80:80" }, restart = "always" } },
}]],
    build = function(options)
        options.run = containers.named("docker", options.run)
        local files = containers.files("docker", options.stacks)
        local made = part.by_family(options.family, function(family) return for_family(family, options, files) end)
        if not options.data then return made end
        local disk = { disks = { { id = "docker", size = options.data } } }
        return compose_parts { disk, made, mounts { { disk = "docker", path = "/var/lib/docker" } } }
    end,
}
