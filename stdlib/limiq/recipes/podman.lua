local limiq = require "limiq"
local containers = require "limiq.recipes.containers"
local part = require "limiq.recipes.part"

local families = { debian = true, fedora = true, rhel = true, amazon = false, suse = true, arch = true }

-- What systemd calls Docker's policies; a container that was stopped by hand stays so.
local policies = { no = "no", always = "always", ["unless-stopped"] = "always", ["on-failure"] = "on-failure" }

local head = "[Unit]\nDescription=%s %s\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\n"
local tail = "\n[Install]\nWantedBy=multi-user.target\n"

local function command(words)
    for index, word in ipairs(words) do words[index] = part.unit_word(word) end
    return table.concat(words, " ")
end

---The unit of a container, which systemd starts at each start of the guest.
local function container_unit(container)
    local line = { "/usr/bin/podman", "run", "--name", container.name, "--rm" }
    table.move(container.args or {}, 1, #(container.args or {}), #line + 1, line)
    line[#line + 1] = container.image
    table.move(container.command or {}, 1, #(container.command or {}), #line + 1, line)
    return head:format("Container", container.name)
        .. ("Restart=%s\nTimeoutStartSec=15min\nTimeoutStopSec=70\n"):format(policies[container.restart:match "^[^:]*"])
        .. ("ExecStartPre=-/usr/bin/podman rm --force --ignore %s\n"):format(container.name)
        .. ("ExecStart=%s\n"):format(command(line))
        .. ("ExecStop=/usr/bin/podman stop --time 60 %s\n"):format(container.name) .. tail
end

local function stack_unit(stack)
    local compose = "/usr/bin/podman-compose --project-name " .. stack.name .. " --file compose.yaml"
    return head:format("Compose stack", stack.name)
        .. ("Type=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=15min\nWorkingDirectory=%s\n"):format(
            containers.folder(stack))
        .. ("ExecStart=%s up --detach\nExecStop=%s down\n"):format(compose, compose) .. tail
end

---The part for one family.
local function for_family(family, options, files)
    if not families[family] then
        part.refuse("podman", ("it knows no podman with systemd of the family %s"):format(family), "recipes.docker")
    end
    local packages, written, units = { "podman" }, { table.unpack(files) }, {}
    if #(options.stacks or {}) > 0 then packages[2] = "podman-compose" end
    local function unit(name, content)
        written[#written + 1] = { path = "/etc/systemd/system/" .. name, permissions = "0644", content = content }
        units[#units + 1] = name
    end
    for _, container in ipairs(options.run) do
        unit(("podman-%s.service"):format(container.name), container_unit(container))
    end
    for _, stack in ipairs(options.stacks or {}) do
        unit(("compose-%s.service"):format(stack.name), stack_unit(stack))
    end
    if #units > 0 then
        written[#written + 1] = part.script("50-podman", {
            "systemctl daemon-reload", "systemctl enable --now " .. table.concat(units, " "),
        })
    end
    return {
        nics = containers.nics(options.ports),
        user_data = {
            package_update = true, packages = packages, write_files = #written > 0 and written or nil,
        },
    }
end

return limiq.recipe {
    name = "podman",
    doc = [[
Podman from the distribution's packages, and containers of root's that systemd starts and keeps running: each is a unit
`podman-NAME.service`, a compose stack `compose-NAME.service` (by podman-compose). Names of images are whole:
`docker.io/library/nginx`. A container that does not stay up is systemd's to start again.]],
    options = {
        run = containers.run_option, stacks = containers.stacks_option, ports = containers.ports_option,
        family = part.family_option,
    },
    example = [[
recipes.podman {
    run = { { image = "docker.io/library/nginx:1.27", name = "web", args = { "--publish", "80:80" } } },
    ports = { { guest = 80, host = 8080 } },
}]],
    build = function(options)
        options.run = containers.named("podman", options.run)
        local files = containers.files("podman", options.stacks)
        return part.by_family(options.family, function(family) return for_family(family, options, files) end)
    end,
}
