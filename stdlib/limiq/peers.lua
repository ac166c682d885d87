---What other tools call what limiq has, and answers to names that there are not.
local runtime = require "limiq.runtime"

local M = {}

---Fields of other tools' descriptions, and of limiq's own documents in other spellings.
local fields = {
    cpus = "cpu_cores", vcpus = "cpu_cores", vcpu = "cpu_cores", cpu = "cpu_cores", cores = "cpu_cores",
    numcpus = "cpu_cores", smp = "cpu_cores",
    ram = "memory", mem = "memory", memory_mb = "memory", memory_gib = "memory", memory_gb = "memory",
    maxmem = "memory",
    image = 'disks = { { backing_file = limiq.image "debian-12", bootable = true } }',
    box = 'disks = { { backing_file = limiq.image "debian-12", bootable = true } }',
    template = 'disks = { { backing_file = limiq.image "debian-12", bootable = true } }',
    os = 'disks = { { backing_file = limiq.image "debian-12", bootable = true } }, or guest_os = "windows" for devices',
    os_variant = "guest_os", os_type = "guest_os", osinfo = "guest_os",
    disk = "disks = { { … } }", disk_size = 'disks = { { size = "20GiB", … } }', drive = "disks = { { … } }",
    volumes = "disks", drives = "disks", hdd = "disks",
    size = 'disks = { { size = "20GiB", … } }',
    hostname = "name: it is the guest's hostname too", vm_name = "name", host_name = "name", id = "name",
    user_data = "cloud_init = { user_data = … }", userdata = "cloud_init = { user_data = … }",
    network_config = "cloud_init = { network_config = … }", meta_data = "cloud_init = { meta_data = … }",
    vendor_data = "cloud_init = { vendor_data = … }", cloudinit = "cloud_init", ["cloud-init"] = "cloud_init",
    provision = "cloud_init = { user_data = { runcmd = { … } } }, or vm:exec { … } when it is up",
    provisioner = "cloud_init = { user_data = { runcmd = { … } } }, or vm:exec { … } when it is up",
    provisioning = "cloud_init = { user_data = { runcmd = { … } } }, or vm:exec { … } when it is up",
    cmds = "cloud_init = { user_data = { runcmd = { … } } }",
    scripts = "cloud_init = { user_data = { runcmd = { … } } }",
    packages = 'limiq.vm { recipes.packages { "nginx" }, name = … }',
    files = "limiq.vm { recipes.files { … }, name = … }", users = "limiq.vm { recipes.user { … }, name = … }",
    user = "limiq.vm { recipes.user { … }, name = … }", keys = "limiq.vm { recipes.admin { … }, name = … }",
    ssh_keys = "limiq.vm { recipes.admin { ssh_authorized_keys = limiq.ssh_keys(), … }, name = … }",
    ssh_authorized_keys = "limiq.vm { recipes.admin { ssh_authorized_keys = limiq.ssh_keys(), … }, name = … }",
    timezone = 'limiq.vm { recipes.timezone "Europe/Zurich", name = … }',
    synced_folder = 'shares = { { host = "site", guest = "/srv/site" } }',
    synced_folders = 'shares = { { host = "site", guest = "/srv/site" } }',
    mounts = "shares, or recipes.mounts for disks",
    filesystem = 'shares = { { host = "site", guest = "/srv/site" } }', mount = "shares", folders = "shares",
    network = "nics = { { network = … } }", networks = "nics = { { network = … } }", nets = "nics", nic = "nics",
    interfaces = "nics", network_interface = "nics", bridge = "nics = { { bridge = … } }", net = "nics",
    forwarded_port = "nics = { { forward = { { guest = 80, host = 8080 } } } }",
    port_forwards = "nics = { { forward = { { guest = 80, host = 8080 } } } }",
    ports = "nics = { { forward = { { guest = 80, host = 8080 } } } }",
    forward = "nics = { { forward = { { guest = 80, host = 8080 } } } }",
    ip = 'nics = { { network = …, address = "10.77.0.10" } }', cdrom = "cdroms = { { iso_path = … } }",
    iso = "cdroms = { { iso_path = … } }", location = "cdroms = { { iso_path = … } }", boot = "boot_order",
    uefi = 'firmware = "uefi"', bios = 'firmware = "bios"', efi = 'firmware = "uefi"', graphics = "console",
    vnc = "console", spice = "console", tags = "labels", metadata = "labels", autoboot = "autostart",
    start_on_boot = "autostart", profile = "a recipe: limiq.recipe { … }", profiles = "recipes: limiq.recipe { … }",
}

---Verbs of other tools, by the handle's own.
local verbs = {
    create = "up", launch = "up", apply = "up", boot = "start", provision = "up, or exec", define = "up",
    ensure = "up", deploy = "up", run = "exec", shell = "exec", execute = "exec", command = "exec", cmd = "exec",
    ssh = "exec, or ssh_command for the words to run", delete = "remove", rm = "remove", purge = "remove",
    terminate = "remove", halt = "down", stop = "down", poweroff = "down", power_off = "destroy", kill = "destroy",
    pause = "suspend", unpause = "resume", reload = "reboot", restart = "reboot", ip = "address", addr = "address",
    address_of = "address", ip_address = "address", status = "state", info = "state", upload = "copy_in",
    put = "copy_in", push = "copy_in", download = "copy_out", fetch = "copy_out", pull = "copy_out", port = "forward",
    plan = "diff", wait_for = "wait", snapshot_create = "snapshot", rollback = "revert", restore = "revert",
    logs = "console", log = "console", print = "console",
}

---Calls of other tools, by the library's.
local calls = {
    machine = "limiq.vm { … }", instance = "limiq.vm { … }", server = "limiq.vm { … }", define = "limiq.vm { … }",
    create = "limiq.vm { … }", launch = "limiq.vm { … }:up()", up = "limiq.vm { … }:up()", run = "limiq.host.run { … }",
    exec = "limiq.host.run { … }, or vm:exec { … } in the guest", shell = "limiq.host.run { … }",
    list = "limiq.domain.list()", get = 'limiq.domain.get "web-01"', provider = 'limiq.connect "qemu:///system"',
    recipes = 'local recipes = require "limiq.recipes"', print = "print(…), or limiq.log.info(…)",
    wait = "limiq.sleep, or vm:wait", parallel = "limiq.each", map = "limiq.each", async = "limiq.spawn",
    read = "limiq.file.read(path)", write = "limiq.file.write(path, text)", getenv = "limiq.env.NAME",
    args_table = "limiq.args", error = "limiq.fail { … }", raise = "limiq.fail { … }", sh = "limiq.host.run { … }",
    dump = "limiq.inspect(value)", pretty = "limiq.inspect(value)", cloud_init = "limiq.cidata.create { … }",
}

---Refuses a field of another tool's description, with ours.
---@param spec table
---@param prefix? string of the message
function M.refuse_fields(spec, prefix)
    local found
    for name in next, spec do
        if type(name) == "string" and fields[name] and (not found or name < found) then found = name end
    end
    if found then
        runtime.fail {
            code = "bad_field", message = ("%s%s is not a field of limiq.VMSpec"):format(prefix or "", found),
            hint = "it is " .. fields[found],
        }
    end
end

---The hint for a handle's method that there is not: ours, or the nearest.
---@param key string
---@param names table<string, any> those there are
---@return string?
function M.verb_hint(key, names)
    local other = verbs[key]
    if other and names[other:match "^[%w_]+"] then return "it is " .. other end
    local nearest = runtime.nearest(key, names)
    return nearest and ("did you mean %s?"):format(nearest) or nil
end

---Refuses reads of what a table has not, with the nearest of what it has.
---@generic T: table
---@param members T
---@param name string what it is called
---@param others? table<string, string> what to say for names of others
---@param later? table<string, function> what gives a member at its first use
---@return T
local function strict(members, name, others, later)
    local meta = getmetatable(members) or {}
    meta.__index = function(_, key)
        if later and later[key] then
            local member = later[key](key)
            rawset(members, key, member)
            return member
        end
        if type(key) ~= "string" or key:sub(1, 2) == "__" or key == "uri" then return nil end
        local nearest = runtime.nearest(key, later or members)
        runtime.fail {
            code = "bad_field", message = ("%s has no %s"):format(name, key),
            hint = others and others[key] and "it is " .. others[key]
                or nearest and ("did you mean %s.%s?"):format(name, nearest)
                or ("limiq help %s lists what it has"):format(name),
        }
    end
    return setmetatable(members, meta)
end

---Makes the library and its tables strict.
---@generic T: table
---@param library T
---@param name string
---@return T
function M.strict(library, name)
    for key, group in pairs(library) do
        if type(group) == "table" and key ~= "args" and key ~= "env" then strict(group, name .. "." .. key) end
    end
    return strict(library, name, calls)
end

---The recipes, strict, each read at its first use.
---@param names string[]
---@param read fun(name: string): any
---@return table<string, any>
function M.strict_recipes(names, read)
    local later, recipes = {}, {}
    for _, name in ipairs(names) do later[name] = read end
    -- Whoever looks at all of them has them all.
    setmetatable(recipes, { __pairs = function(members)
        for _, name in ipairs(names) do members[name] = members[name] or read(name) end
        return next, members, nil
    end })
    return strict(recipes, "recipes", {
        ssh = "recipes.ssh_hardening, recipes.ssh_host_keys or recipes.admin", nginx = "recipes.web",
        container = "recipes.docker or recipes.podman", containers = "recipes.docker or recipes.podman",
        kubernetes = "recipes.k3s",
        users = "recipes.user", package = "recipes.packages", file = "recipes.files",
        chrony = "recipes.ntp", postgresql = "recipes.postgres", ca = "recipes.certificate",
        unit = "recipes.systemd_unit",
        join = "recipes.compose", merge = "recipes.compose",
        sshd = "recipes.ssh_hardening", static = "recipes.static_ip",
    }, later)
end

return M
