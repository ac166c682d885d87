local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

---A recipe of a team's.
local shop = limiq.recipe {
    name = "shop", doc = "The shop", short = "port",
    options = {
        port = { type = "integer", min = 1, max = 65535, default = 80, doc = "where it listens" },
        tier = { choices = { "test", "live" }, doc = "what it is" },
        mirror = { match = "^https://", doc = "such as https://mirror.example.org" },
        tags = { "string" },
        rules = { type = { { short = "to", fields = { to = { required = true }, metric = "integer" } } } },
        token = { secret = true }, size = { type = "size", min = "1MiB" },
    },
    build = function(options)
        if options.tier == "live" and not options.mirror then
            limiq.fail { code = "no_mirror", message = "a live shop needs a mirror", hint = "mirror = …" }
        end
        return {
            memory = "2GiB", labels = { shop = tostring(options.port) },
            disks = { { id = "data", size = "1GiB" } },
            nics = { { forward = { { guest = options.port, host = 8080 } } } },
            user_data = { packages = { "shop" } },
        }
    end,
}

---A machine's spec as it becomes.
local function described(fields)
    fields.name = fields.name or "shop-01"
    return limiq.connect("test:///default").vm(fields).spec
end

local function forwards(nic)
    local list = {}
    for index, forward in ipairs(nic.forward) do list[index] = { forward.guest, forward.host } end
    return list
end

describe("limiq.recipe", function()
    it("checks options: names, types, choices, bounds, patterns, members, fields", function()
        local function refused(options, message, hint)
            local problem = raises(function() shop(options) end, message)
            equal(problem.code, "bad_field")
            assert(tostring(problem):find("recipe shop: ", 1, true), tostring(problem))
            if hint then equal(problem.hint, hint) end
        end
        refused({ prot = 80 }, "prot is not one of its options", "did you mean port?")
        refused({ port = "eighty" }, "port must be a whole number, not \"eighty\"")
        refused({ port = 70000 }, "port must be from 1 to 65535, not 70000")
        refused({ port = 0 / 0 }, "port must be a whole number")
        refused({ tier = "tset" }, "tier must be one of test, live, not \"tset\"", "did you mean test?")
        refused({ mirror = "http://x" }, "mirror must match ^https://, not \"http://x\"",
            "such as https://mirror.example.org")
        refused({ tags = "a" }, "tags must be a list, not \"a\"", "tags = { \"a\" }")
        refused({ tags = { "a", 2 } }, "tags[2] must be a string, not 2")
        refused({ tags = { "a", nil, "c", n = 1 } }, "tags has a hole or a name in it")
        refused({ rules = { { metric = 1 } } }, "rules[1].to is missing")
        refused({ rules = { { to = "a", metirc = 1 } } }, "rules[1].metirc is not one of its options",
            "did you mean rules[1].metric?")
        refused({ size = "1KiB" }, "size must be 1MiB or more, not 1KiB")
        refused({ size = "1GB" }, "size must be a size such as \"2GiB\", not \"1GB\"")
        refused(function() end, "port must be a whole number, not a function")
    end)

    it("never shows a secret", function()
        local strict = limiq.recipe {
            name = "strict", doc = "x", options = { token = { secret = true, min = 1, match = "^%x+$" } },
            build = function(options)
                equal(tostring(options.token), "‹secret›")
                return {}
            end,
        }
        local problem = raises(function() strict { token = "hunter2" } end, "token must match")
        assert(not (tostring(problem) .. tostring(problem.traceback)):find("hunter2", 1, true))
        strict { token = "abc123" }
        raises(function() strict { token = { "hunter2" } } end, "token must be a string")
    end)

    it("names the recipe and the line that called it, also for what fails when the machine is known", function()
        local problem = raises(function() shop { tier = "live" } end, "no_mirror")
        equal(problem.message, "recipe shop: a live shop needs a mirror")
        assert(problem.where:find "^recipe_spec.lua:%d+$", problem.where)
        local late = limiq.recipe {
            name = "late", doc = "x", build = function()
                return function() limiq.fail "it is too late" end
            end,
        }
        local part, here = late(), limiq.try(error, nil)
        equal(here, nil)
        local line = raises(function() late { x = 1 } end, "bad_field").where
        assert(line:find "^recipe_spec.lua:", line)
        local e = raises(function() described { part } end, "recipe late: it is too late")
        assert(e.where:find "^recipe_spec.lua:%d+$", e.where)
    end)

    it("takes a value for the option it is most called with", function()
        equal(shop(8000).labels, { shop = "8000" })
        equal(shop().labels, { shop = "80" })
        equal(shop({ rules = { "10.0.0.0/8", { to = "x", metric = 3 } } }).recipe, "shop")
        raises(function() shop({}, 2) end, "it takes one table of options")
    end)

    it("refuses what is no recipe, at the author's line", function()
        local function wrong(definition, message) raises(function() limiq.recipe(definition) end, message) end
        wrong({ name = "x", doc = "x", buidl = print }, "buidl is not an option")
        wrong({ doc = "x", build = print }, "name must be a string")
        wrong({ name = "x", doc = "x" }, "build must be a function")
        local function option(declaration, message)
            wrong({ name = "x", doc = "x", options = { a = declaration }, build = print }, message)
        end
        option("strnig", "a has a type that there is not: strnig")
        option({ type = "string", chioces = {} }, "a is declared with chioces")
        option({ type = "integer", default = "x" }, "its own default: a must be a whole number")
        option({ type = "integer", secret = true }, "a is a secret, and so a string")
        option(3, "a is declared by 3")
    end)

    it("refuses a part that no machine could have, and a user-data that no guest would take", function()
        local function making(part)
            return function() limiq.recipe { name = "odd", doc = "x", build = function() return part end }() end
        end
        raises(making { diskz = {} }, "recipe odd: diskz is not a field")
        raises(making { disks = { { sizze = "1GiB" } } }, "recipe odd: disks[1].sizze is not a field")
        raises(making { userdata = {} }, "recipe odd: userdata is not a field")
        raises(making { name = "x" }, "recipe odd: a part has no name")
        raises(making { cloud_init = {} }, "recipe odd: a part has no cloud_init")
        raises(making { user_data = { users = { { name = "Ops User" } } } }, "no name of a user")
        raises(making(nil), "it made nil, not a part")
        raises(making { { user_data = {} } }, "it made a list, not a part")
        raises(making { check = "yes" }, "check must be")
    end)
end)

describe("limiq.fail", function()
    it("raises limiq's own kind of error", function()
        local problem = raises(function() limiq.fail { code = "no_room", message = "full", hint = "other" } end, "full")
        equal({ problem.code, problem.hint }, { "no_room", "other" })
        equal(raises(function() limiq.fail "full" end, "full").code, "script")
        raises(function() limiq.fail { mesage = "x" } end, "mesage is not an option")
        raises(function() limiq.fail {} end, "message must be a string")
    end)
end)

describe("limiq.vm with parts", function()
    it("joins what recipes bring with what it says itself", function()
        local made = described {
            shop(), recipes.packages { "htop" }, memory = "1GiB", labels = { team = "a" },
            disks = { { id = "boot", size = "2GiB" } },
            nics = { { id = "lan", forward = { { guest = 443 } } } },
            cloud_init = { user_data = { packages = { "last" } } },
        }
        equal(made.memory_mib, 2048)
        equal(made.labels, { shop = "80", team = "a" })
        equal({ made.disks[1].id, made.disks[2].id, #made.disks }, { "boot", "data", 2 })
        equal(forwards(made.nics[1]), { { 443 }, { 80, 8080 } })
        equal(made.cloud_init.user_data.packages, { "shop", "htop", "last" })
    end)

    it("keeps the larger memory, whoever asks for it and in whatever unit", function()
        equal(described({ shop(), memory = "4GiB" }).memory_mib, 4096)
        equal(described({ shop(), memory_mib = 512 }).memory_mib, 2048)
        equal(described({ shop(), { memory = "3GiB" }, {} }).memory_mib, 3072)
    end)

    it("keeps a way in where a recipe's port is its only nic", function()
        equal(forwards(described({ shop() }).nics[1]), { { 80, 8080 }, { 22 } })
        equal(forwards(described({ shop(22) }).nics[1]), { { 22, 8080 } })
    end)

    it("opens no port of this host for a machine that is on a network", function()
        local made = described { shop(), nics = { { bridge = "br0" } } }
        equal({ #made.nics, #made.nics[1].forward }, { 1, 0 })
    end)

    it("joins nics, disks and shares of one id, and names both where they disagree", function()
        local made = described {
            { nics = { { id = "lan", forward = { { guest = 80 } } } } },
            { nics = { { id = "lan", forward = { { guest = 80, host = 8080 }, { guest = 443 } } } } },
            { shares = { { host = ".", guest = "/srv", readonly = true } } },
            shares = { { host = ".", guest = "/srv" } },
            nics = { { id = "lan", model = "virtio" } },
        }
        equal(forwards(made.nics[1]), { { 80, 8080 }, { 443 } })
        equal(#made.shares, 1)
        local problem = raises(function()
            described { shop(), { recipe = "other", disks = { { id = "data", size = "2GiB" } } } }
        end, "recipe_conflict")
        equal(problem.message, "disks[data].size is 1GiB for recipe shop and 2GiB for recipe other")
        problem = raises(function() described { shop(), shop(81) } end, "labels.shop is 80 for recipe shop")
        assert(problem.hint:find("recipe_spec.lua:", 1, true), problem.hint)
        raises(function() described { { cpu_cores = 2 }, cpu_cores = 4 } end,
            "cpu_cores is 4 for the machine itself and 2 for recipe number 1")
    end)

    it("calls what must know the machine when all else is joined", function()
        local made = described {
            recipes.mounts { { disk = "data", path = "/srv" } }, shop(), function(vm)
                return { labels = { disks = tostring(#vm.spec.disks) } }
            end,
        }
        equal(made.labels, { disks = "1", shop = "80" })
        equal(made.cloud_init.user_data.mounts[1][2], "/srv")
    end)

    it("takes what compose has joined, in its list and as its cloud_init", function()
        local both = recipes.compose { shop(), recipes.timezone "UTC" }
        for _, made in ipairs { described { both }, described { cloud_init = both } } do
            equal(made.labels, { shop = "80" })
            equal(made.cloud_init.user_data, { packages = { "shop" }, timezone = "UTC" })
        end
        raises(function() described { both, recipes.timezone "Europe/Zurich" } end,
            "user_data.timezone is UTC for recipe timezone and Europe/Zurich for recipe timezone")
    end)

    it("keeps two machines of one part apart", function()
        local part = shop()
        described { part, disks = { { id = "data", bootable = true } }, name = "a" }
        equal(#part.nics[1].forward, 1)
        equal(part.disks[1].bootable, nil)
    end)

    it("says of a recipe that is not called that it is not, and of a hole what ends there", function()
        for _, wrong in ipairs { { recipes.docker }, { cloud_init = recipes.docker } } do
            local problem = raises(function() described(wrong) end, "docker itself, which is not called")
            equal(problem.hint, "recipes.docker { … }")
        end
        raises(function() recipes.compose { recipes.docker } end, "which is not called")
        raises(function() described { nil, shop() } end, "one of its parts is nil")
        raises(function() described { "docker" } end, "part 1 is \"docker\", not what a recipe returns")
    end)
end)

describe("parts of a machine", function()
    it("leave a wrong size to be told, and are no other's nic", function()
        raises(function() described { shop {}, memory = "8GB" } end, "8GB")
        equal(described({ shop {}, memory = "4GiB" }).memory_mib, 4096)
        local two = { nics = { { id = "a" }, {} } }
        equal(#described({ two, { nics = { {}, { mac_address = "52:54:00:00:00:07" } } } }).nics, 3)
    end)
end)

describe("a name that there is not", function()
    it("is answered with the nearest, or with ours for another tool's", function()
        local function hint(body, text)
            local problem = raises(body, "bad_field")
            assert(problem.hint and problem.hint:find(text, 1, true), tostring(problem))
        end
        local vm = limiq.vm { name = "a" }
        hint(function() return limiq.vmm end, "did you mean limiq.vm?")
        hint(function() return limiq.disk.overly end, "did you mean limiq.disk.overlay?")
        hint(function() return limiq.machine end, "it is limiq.vm { … }")
        hint(function() return recipes.dockr end, "did you mean recipes.docker?")
        hint(function() return recipes.kubernetes end, "it is recipes.k3s")
        hint(function() vm:upp() end, "did you mean up?")
        hint(function() vm:delete() end, "it is remove")
        hint(function() vm:halt() end, "it is down")
        hint(function() vm:launch() end, "it is up")
        hint(function() vm.up() end, "with a colon: vm:up(…)")
        hint(function() vm.start() end, "with a colon: vm:start(…)")
        for field, ours in pairs {
            cpus = "cpu_cores", vcpus = "cpu_cores", ram = "memory", image = "backing_file", disk_size = "disks",
            hostname = "name", provision = "cloud_init", synced_folder = "shares",
        } do
            hint(function() limiq.vm { name = "a", [field] = 1 } end, "it is ")
            hint(function() limiq.vm { name = "a", [field] = 1 } end, ours)
        end
    end)

    it("is nil of what a machine may lack", function() equal(limiq.uri, nil) end)
end)
