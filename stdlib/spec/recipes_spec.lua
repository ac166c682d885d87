local limiq = require "limiq"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

---A part without its maker.
local function user_data(part) return part.user_data end

describe("recipes.compose", function()
    it("appends lists and merges maps", function()
        equal(recipes.compose {
            { user_data = { packages = { "a" }, apt = { proxy = "p", sources = { x = 1 } } } },
            { user_data = { packages = { "b" }, apt = { sources = { y = 2 } } }, meta_data = { region = "here" } },
        }, {
            user_data = { packages = { "a", "b" }, apt = { proxy = "p", sources = { x = 1, y = 2 } } },
            meta_data = { region = "here" },
        })
    end)

    it("takes the same scalar from two recipes", function()
        equal(user_data(recipes.compose { recipes.packages { "a" }, recipes.packages { "b" } }),
            { package_update = true, packages = { "a", "b" } })
    end)

    it("names both recipes and the path where two scalars differ", function()
        local problem = raises(function()
            recipes.compose { recipes.timezone "UTC", recipes.packages { "a" }, recipes.timezone "Europe/Zurich" }
        end, "recipe_conflict")
        assert(tostring(problem):find("user_data.timezone is UTC for recipe timezone and Europe/Zurich", 1, true),
            tostring(problem))
    end)

    it("names the recipe of a value deep within a map", function()
        raises(function()
            recipes.compose {
                { recipe = "one", user_data = { a = { b = { c = 1 } } } },
                { recipe = "two", user_data = { a = { b = { c = 2 } } } },
            }
        end, "user_data.a.b.c is 1 for recipe one and 2 for recipe two")
    end)

    it("raises where one recipe has a list and another a map or a scalar", function()
        raises(function() recipes.compose { { user_data = { a = { 1 } } }, { user_data = { a = { x = 1 } } } } end,
            "recipe_conflict")
        raises(function() recipes.compose { { user_data = { a = { 1 } } }, { user_data = { a = 1 } } } end,
            "recipe_conflict")
    end)

    it("leaves its parts as they were", function()
        local first, second = recipes.packages { "a" }, recipes.packages { "b" }
        recipes.compose { first, second }
        equal(first.user_data.packages, { "a" })
        equal(second.user_data.packages, { "b" })
    end)

    it("takes parts that have been composed", function()
        local inner = recipes.compose { recipes.packages { "a" } }
        equal(user_data(recipes.compose { inner, recipes.packages { "b" } }).packages, { "a", "b" })
    end)

    it("refuses what is no list of parts", function()
        raises(function() recipes.compose { user_data = {} } end, "bad_field")
        raises(function() recipes.compose { "x" } end, "bad_field")
        raises(function() recipes.compose { { user_data = "#!/bin/sh" } } end, "bad_field")
    end)
end)

describe("recipes.admin", function()
    it("makes a user with keys who may become root and cannot log in by password", function()
        equal(user_data(recipes.admin { name = "admin", ssh_authorized_keys = { "ssh-ed25519 AAAA me" } }), {
            users = { {
                name = "admin", groups = { "sudo" }, sudo = "ALL=(ALL) NOPASSWD:ALL", shell = "/bin/bash",
                lock_passwd = true, ssh_authorized_keys = { "ssh-ed25519 AAAA me" },
            } },
        })
    end)

    it("takes a password's hash", function()
        local user = recipes.admin({ name = "admin", hashed_passwd = "$6$salt$hash" }).user_data.users[1]
        equal({ user.hashed_passwd, user.lock_passwd }, { "$6$salt$hash", false })
    end)

    it("refuses a plain password and says how to make a hash", function()
        local problem = raises(function() recipes.admin { name = "admin", hashed_passwd = "secret" } end, "bad_field")
        assert(problem.hint:find("mkpasswd", 1, true), problem.hint)
    end)

    it("refuses a user nobody could log in as, and an option it does not have", function()
        raises(function() recipes.admin { name = "admin" } end, "could never log in")
        local problem = raises(function() recipes.admin { name = "admin", ssh_keys = {} } end, "ssh_keys")
        equal(problem.code, "bad_field")
    end)
end)

describe("recipes.web", function()
    it("writes the folder's files, text as text and anything else as base64", function()
        local files = user_data(recipes.web { root = "site/" }).write_files
        equal(files, {
            { path = "/var/www/html/img/dot.gif", permissions = "0644", encoding = "b64",
                content = limiq.base64.encode(limiq.file.read "site/img/dot.gif") },
            { path = "/var/www/html/index.html", permissions = "0644", content = "<h1>wörter</h1>\n" },
        })
    end)

    it("configures another port or name", function()
        local files = user_data(recipes.web { root = "site", port = 8080, server_name = "www.example.org" }).write_files
        equal(files[3].path, "/etc/nginx/conf.d/limiq.conf")
        equal(files[3].content, "server {\n    listen 8080;\n    server_name www.example.org;\n"
            .. "    root /var/www/html;\n    index index.html;\n}\n")
    end)

    it("refuses a folder that is not there, a wrong port and a wrong name", function()
        raises(function() recipes.web { root = "none" } end, "not_found")
        raises(function() recipes.web { root = "site", port = 70000 } end, "port must be")
        raises(function() recipes.web { root = "site", server_name = "a; evil" } end, "server_name")
    end)
end)

describe("the small recipes", function()
    it("make the user-data they are named after", function()
        equal(user_data(recipes.timezone "Europe/Zurich"), { timezone = "Europe/Zurich" })
        equal(user_data(recipes.files { { path = "/etc/motd", content = "hi\n" } }),
            { write_files = { { path = "/etc/motd", content = "hi\n", permissions = "0644" } } })
        equal(user_data(recipes.guest_agent()).packages, { "qemu-guest-agent" })
    end)

    it("refuse what they cannot use", function()
        raises(function() recipes.timezone(3) end, "bad_field")
        raises(function() recipes.packages {} end, "bad_field")
        raises(function() recipes.files { { path = "motd", content = "" } } end, "no absolute path")
    end)

    it("can be required one by one", function()
        assert(require "limiq.recipes.web" == recipes.web)
    end)
end)

describe("a composed description", function()
    it("is YAML that reads back as itself", function()
        local config = recipes.compose {
            recipes.admin { name = "admin", ssh_authorized_keys = { "ssh-ed25519 AAAA me" } },
            recipes.web { root = "site" },
        }
        equal(limiq.yaml.decode(limiq.yaml.encode(config.user_data)), config.user_data)
    end)
end)
