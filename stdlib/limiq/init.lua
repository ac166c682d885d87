---The library: `local limiq = require "limiq"`.
---
---Each primitive hangs where its name says: `disk.overlay` is `limiq.disk.overlay`. What a script sees beyond them is
---put together here: handles, tasks, parameters.
local runtime = require "limiq.runtime"
local bake = require "limiq.bake"
local host = require "limiq.host"
local hosts = require "limiq.hosts"
local Domain = require "limiq.domain"
local Fleet = require "limiq.fleet"
local Network = require "limiq.network"
local params = require "limiq.params"
local peers = require "limiq.peers"
local recipes = require "limiq.recipe"
local VM = require "limiq.vm"

local perform = runtime.perform

---A function of each primitive, in a table of each group, but for the groups that hang elsewhere.
---@return table
local function namespaces()
    local groups = {}
    for _, name in ipairs(runtime.primitives) do
        local group, verb = name:match "^([%w_]+)%.([%w_]+)$"
        if group then
            groups[group] = groups[group] or {}
            groups[group][verb] = function(...) return perform(name, ...) end
        end
    end
    local others = { "vm", "runtime", "params", "env", "inventory", "windows", "spec" }
    for _, group in ipairs(others) do groups[group] = nil end
    groups.image.resolve, groups.ssh.keys, groups.host.connect, groups.cidata.problem = nil, nil, nil, nil
    return groups
end

local env = setmetatable({}, {
    __index = function(_, name) return perform("env.get", name) end,
    __newindex = function() error("limiq.env is read only", 2) end,
    __metatable = false,
})

---`limiq.domain`: what takes no handle.
---@param bound? string the host of calls that name none
local function domains(bound)
    local function placed(name, fields)
        if fields ~= nil and type(fields) ~= "table" then
            local message = ("%s: it takes a table, not %s"):format(name, runtime.described(fields))
            runtime.fail { code = "bad_field", message = message }
        end
        local copy = { uri = bound }
        for field, value in pairs(fields or {}) do copy[field] = value end
        return copy
    end
    return {
        define = function(spec, options)
            options = placed("domain.define", options)
            local name = perform("domain.define", VM.resolve(spec, options.uri), options).name
            return Domain.handle(name, options.uri)
        end,
        get = function(name, uri)
            uri = uri or bound
            return Domain.handle(perform("domain.get", name, uri).name, uri)
        end,
        list = function(filter)
            filter = placed("domain.list", filter)
            local handles = {}
            for index, domain in ipairs(perform("domain.list", filter)) do
                handles[index] = Domain.handle(domain.name, filter.uri)
            end
            return handles
        end,
    }
end

---`limiq.network`: called, it describes one; and what takes no handle.
---@param bound? string the host of calls that name none
local function networks(bound)
    return setmetatable({
        get = function(name, uri) return Network.get(name, uri or bound) end,
        list = function(filter)
            local copy = { uri = bound }
            for field, value in pairs(filter or {}) do copy[field] = value end
            return perform("network.list", copy)
        end,
    }, { __call = function(_, spec) return Network.new(spec, bound) end })
end

---The library of a host.
---@param bound? string its URI, nil for the run's own
---@return limiq
local function bound_to(bound)
    local library = namespaces()

    ---The host's URI; nil for the run's own.
    ---@type string?
    library.uri = bound

    ---A virtual machine as it is to be. Nothing is made before `vm:up`.
    ---
    ---Example:
    ---```lua
    ---local web = limiq.vm { name = "web", memory = "1GiB", disks = { { backing_file = limiq.image "debian-12" } } }
    ---web:up()
    ---```
    ---@param spec limiq.VMSpec
    ---@return limiq.VM
    function library.vm(spec) return VM.new(spec, bound) end

    ---A machine for a while: it is made, brought up and given to a function, and removed when that returns or raises,
    ---and after Ctrl-C. What a run that was killed could not remove `limiq gc` does, and the next `limiq.with` of its
    ---name. A machine of this name that is there already is an error, and stays.
    ---
    ---Example:
    ---```lua
    ---local version = limiq.with({ name = "try-01", disks = { { size = "1GiB" } } }, function(vm)
    ---    vm:wait "running"
    ---    return vm:state()
    ---end)
    ---```
    ---@async
    ---@generic T
    ---@param spec limiq.VMSpec
    ---@param body fun(vm: limiq.VM): T
    ---@return T
    function library.with(spec, body)
        if type(body) ~= "function" then
            runtime.fail {
                code = "bad_field",
                message = "with: the second argument is a function, not " .. runtime.described(body),
                hint = "limiq.with({ name = … }, function(vm) … end)",
            }
        end
        return VM.lent(VM.new(spec, bound), body)
    end

    ---Machines that are alike.
    ---
    ---Example:
    ---```lua
    ---local web = limiq.fleet {
    ---    name = "web", count = 3, spec = function(i) return { labels = { number = tostring(i) } } end,
    ---}
    ---web:up { limit = 16 }
    ---```
    ---@param definition limiq.FleetDefinition
    ---@return limiq.Fleet
    function library.fleet(definition) return Fleet.new(definition, bound) end

    library.network = networks(bound)
    library.domain = domains(bound)
    library.image = setmetatable(library.image, {
        __call = function(_, name) return perform("image.resolve", name) end,
    })
    for _, inner in ipairs { "bake_host", "bake_begin", "bake_keep", "bake_end", "warm_keep", "warm_spec" } do
        library.image[inner] = nil
    end

    ---An image of a machine that is made once: it boots from `from`, does what the recipe says, is sealed, and thrown
    ---away. What starts from the image boots as for the first time, with everything there already. The same call again
    ---is an image that is there; anything else in the recipe makes another, beside the first.
    ---
    ---Example:
    ---```lua
    ---local base = limiq.image.bake {
    ---    name = "web-base", from = "debian-12", cloud_init = { user_data = { packages = { "nginx" } } },
    ---    run = function(vm) vm:exec { "systemctl", "enable", "nginx" } end,
    ---}
    ---limiq.vm { name = "web-01", disks = { { backing_file = base } } }:up()
    ---```
    ---@async
    ---@param recipe limiq.BakeRecipe
    ---@return string path
    function library.image.bake(recipe) return bake.bake(recipe, library) end

    ---A machine that has booted and waits in the middle of its work: its memory is kept beside its disk. A machine
    ---with `warm = ` what this gives is that one going on, ready in seconds, under a name, UUID, MAC address,
    ---machine-id, ssh host key, random numbers and clock of its own. The same call again is one that is there; where
    ---it cannot go on, because QEMU, the processor or the memory's size is another, the machine boots from `from` and
    ---says why.
    ---
    ---Example:
    ---```lua
    ---local warm = limiq.warm { name = "web-warm", from = "debian-12", memory = "1GiB", cpu_cores = 2 }
    ---limiq.vm { name = "t-01", warm = warm }:up()
    ---```
    ---@async
    ---@param recipe limiq.WarmRecipe
    ---@return string path
    function library.warm(recipe) return bake.warm(recipe, library) end
    library.host.run = function(command, options) return perform("host.run", host.split_command(command, options)) end
    library.host.info = function(uri) return perform("host.info", uri or bound) end
    library.ssh_keys = function() return perform "ssh.keys" end
    library.inventory = function(format, uri) return perform("inventory.text", format, uri or bound) end

    ---The script's parameters. Each is a default, by which it is typed (a text, a number, a boolean, a list of texts
    ---written `a,b,c`), or is declared: `{ default =, doc =, choices =, min =, max =, match =, required =, secret =,
    ---type = }`, where a type is `"string"`, `"integer"`, `"number"`, `"boolean"`, `"size"`, `"duration"`, or a list
    ---such as `{ "integer" }`. `--set name=value` goes before `--set-file params.yaml`, that before the variable
    ---`LIMIQ_SET_name`, that before the default. `limiq help SCRIPT` lists them.
    ---
    ---Example:
    ---```lua
    ---local p = limiq.params {
    ---    name = "web-01", count = { default = 1, min = 1, max = 9, doc = "how many" }, packages = { "nginx" },
    ---}
    ---```
    ---@param declarations table<string, limiq.Option|string|number|boolean|string[]>
    ---@return table<string, any>
    function library.params(declarations) return params(declarations) end

    ---A recipe: a function with declared options that returns a part of a machine. It has strict options with nearest
    ---names, errors at the script's line that name it, and `limiq help recipes.NAME` where it is one of the library's.
    ---The part may hold any of a spec (`disks`, `nics`, `labels`, `memory` …), and the documents of its cloud-init by
    ---their own names. `limiq.vm { recipe { … }, name = … }` takes it, and so does `recipes.compose`.
    ---
    ---Example:
    ---```lua
    ---local motd = limiq.recipe {
    ---    name = "motd", doc = "What is said at a login",
    ---    options = { text = { type = "string", required = true, doc = "the words" } }, short = "text",
    ---    build = function(options)
    ---        return { user_data = { write_files = { { path = "/etc/motd", content = options.text .. "\n" } } } }
    ---    end,
    ---}
    ---limiq.vm { motd "welcome", name = "web-01" }
    ---```
    ---@param definition limiq.RecipeDefinition
    ---@return fun(options?: any): limiq.Part|limiq.Late
    function library.recipe(definition) return recipes.new(definition) end

    ---Raises an error of limiq's kind. In a recipe it names the recipe, and the line of the script that called it.
    ---
    ---Example:
    ---```lua
    ---local ok, e = pcall(limiq.fail, { code = "not_found", message = "the rack is full", hint = "use another" })
    ---```
    ---@param e { code?: string, message: string, hint?: string, resource?: string }
    function library.fail(e) recipes.fail(e) end

    library.inspect = runtime.inspect
    library.env = env

    library.spawn = runtime.spawn
    library.each = runtime.each
    library.sleep = runtime.sleep
    library.timeout = runtime.timeout
    library.retry = runtime.retry
    library.try = runtime.try
    library.shield = runtime.shield

    ---Stands for nothing inside a table, where nil would end a list or leave a field out: `{ vlan = limiq.null }`.
    ---@type userdata
    library.null = runtime.null

    ---A text that is shown nowhere: in logs and errors it is ‹secret›.
    ---
    ---Example:
    ---```lua
    ---local token = limiq.secret(limiq.file.read "token.txt")
    ---```
    ---@param text string
    ---@return userdata
    library.secret = runtime.secret

    ---The script's own words: those after `--` on the command line.
    ---@type string[]
    library.args = runtime.constants.args

    ---The library of another host: every call of it works there.
    ---
    ---Example:
    ---```lua
    ---local node = limiq.connect "qemu+ssh://node2/system"
    ---node.vm { name = "web-01" }:up()
    ---```
    ---@async
    ---@param uri string libvirt's name of the host
    ---@return limiq
    function library.connect(uri)
        perform("host.connect", uri)
        return bound_to(uri)
    end

    ---Several hosts as one place for machines. A host that does not answer is an error, unless `allow_down`.
    ---
    ---Example:
    ---```lua
    ---local hosts = limiq.hosts({ "qemu+ssh://node1/system", "qemu+ssh://node2/system" }, {
    ---    place = function(candidates, spec) return candidates[#spec.name % #candidates + 1] end,
    ---})
    ---hosts.vm { name = "web-01", memory = "2GiB" }:up()
    ---```
    ---@async
    ---@param uris string[]
    ---@param options? limiq.HostsOptions
    ---@return limiq.Hosts
    function library.hosts(uris, options) return hosts.open(uris, options, bound_to) end

    return peers.strict(library, "limiq")
end

return bound_to(nil)
