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

    it("passes on that a part's errors are to be warnings", function()
        local parts = { { check = "warn", user_data = { a = 1 } }, { check = "error" }, recipes.timezone "UTC" }
        equal(recipes.compose(parts), { check = "warn", user_data = { a = 1, timezone = "UTC" } })
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
        local files = user_data(recipes.web { root = "site/", family = "debian" }).write_files
        equal(files, {
            { path = "/var/www/html/img/dot.gif", permissions = "0644", encoding = "b64",
                content = limiq.base64.encode(limiq.file.read "site/img/dot.gif") },
            { path = "/var/www/html/index.html", permissions = "0644", content = "<h1>wörter</h1>\n" },
        })
    end)

    it("configures another port or name", function()
        local files = user_data(recipes.web {
            root = "site", port = 8080, server_name = "www.example.org", family = "debian",
        }).write_files
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

describe("a recipe that knows the family of the image", function()
    ---The part for a VM that starts from an image.
    local function from(part, image)
        return part { name = "x", spec = { name = "x", disks = { { bootable = true, backing_file = image } } } }
    end

    it("takes the packages of the image's family, and Debian's where nobody knows the image", function()
        local docker = recipes.docker()
        equal(from(docker, "/srv/own.qcow2").user_data,
            { package_update = true, packages = { "docker.io", "apparmor" } })
        equal(from(docker, "ubuntu-24.04").user_data.packages, { "docker.io", "apparmor" })
        equal(from(docker, "fedora").user_data.packages, { "moby-engine", "docker-cli" })
        equal(from(docker, "opensuse-tumbleweed").user_data.packages, { "docker" })
    end)

    it("takes Docker's own packages where the distribution has none", function()
        local data = from(recipes.docker { users = { "admin" }, run = { "nginx" } }, "rocky-9").user_data
        equal(data.packages, { "docker-ce", "docker-ce-cli", "containerd.io" })
        equal(data.yum_repos["docker-ce-stable"].gpgkey, "https://download.docker.com/linux/centos/gpg")
        equal(data.write_files[1].content, [[
#!/bin/sh
set -eu
systemctl enable --now docker
usermod --append --groups docker admin
docker run --detach --name nginx --restart unless-stopped nginx
]])
        local alpine = from(recipes.docker { users = { "admin" } }, "alpine").user_data.write_files[1].content
        equal(alpine,
            "#!/bin/sh\nset -eu\nrc-update add docker default\nrc-service docker start\naddgroup admin docker\n")
    end)

    it("puts the pages where that nginx has them, after the package, and starts it", function()
        local data = from(recipes.web { root = "site" }, "almalinux-10").user_data
        equal(data.packages, { "nginx" })
        equal(data.write_files[2], {
            path = "/usr/share/nginx/html/index.html", permissions = "0644", content = "<h1>wörter</h1>\n",
            defer = true,
        })
        equal(data.runcmd, { { "systemctl", "enable", "--now", "nginx" } })
        local suse = recipes.web({ root = "site", family = "suse" }).user_data
        equal(suse.write_files[2].path, "/srv/www/htdocs/index.html")
        equal(recipes.web({ root = "site", family = "debian" }).user_data.runcmd, nil)
        local alpine = recipes.web({ root = "site", family = "alpine" }).user_data
        equal(alpine.write_files[3].path, "/etc/nginx/http.d/default.conf")
        equal(alpine.runcmd, { { "rc-update", "add", "nginx", "default" }, { "rc-service", "nginx", "start" } })
    end)

    it("knows the first bootable disk's image", function()
        local vm = { spec = { disks = {
            { id = "data", backing_file = "debian-12" }, { id = "boot", bootable = true, backing_file = "fedora-44" },
        } } }
        equal(recipes.docker()(vm).user_data.packages, { "moby-engine", "docker-cli" })
        equal(recipes.docker()({ spec = {} }).user_data.packages, { "docker.io", "apparmor" })
    end)

    it("refuses a family that is none, and one it has nothing for, and wrong options before it knows the VM", function()
        local problem = raises(function() recipes.docker { family = "debain" } end, "bad_field")
        equal(problem.hint, "did you mean debian?")
        raises(function() recipes.docker { family = "flatcar" } end, "knows no packages of the family flatcar")
        raises(function() recipes.web { root = "site", family = "freebsd" } end, "knows no nginx")
        raises(function() recipes.web { root = "site", port = 81, family = "arch" } end, "reads no other sites")
        raises(function() recipes.docker { run = { "a b" } } end, "bad_field")
        raises(function() recipes.docker { users = { "a b" } } end, "no user's name")
    end)

    it("can be composed with others, and asked for in a VM", function()
        local composed = recipes.compose { recipes.packages { "htop" }, recipes.docker() }
        equal(from(composed, "centos-stream-9").user_data.packages,
            { "htop", "docker-ce", "docker-ce-cli", "containerd.io" })
        local vm = limiq.vm { name = "family-01", disks = { { size = "1GiB" } }, cloud_init = composed }
        equal(vm.spec.cloud_init.user_data.packages, { "htop", "docker.io", "apparmor" })
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
        raises(function() recipes.files { { path = "motd", content = "" } } end, "must be an absolute path")
    end)

    it("write a file of another owner than root when users and packages are there", function()
        local function late(owner)
            return user_data(recipes.files { { path = "/x", content = "", owner = owner } }).write_files[1].defer
        end
        for _, owner in ipairs { "ops", "ops:ops", "root:docker", "www-data:www-data" } do equal(late(owner), true) end
        for _, owner in ipairs { "root", "root:root" } do equal(late(owner), nil) end
        equal(late(nil), nil)
    end)

    it("refuse what a guest would trip over in silence", function()
        local function refused(make, message) equal(raises(make, message).code, "bad_field") end
        local function admin(options)
            options.name = options.name or "ops"
            options.ssh_authorized_keys = options.ssh_authorized_keys or { "ssh-ed25519 AAAA me" }
            return function() recipes.admin(options) end
        end
        refused(admin { name = "Ops User" }, 'recipe admin: user_data.users[1].name "Ops User" is no name of a user')
        refused(admin { sudo = "ALL" }, "is no rule that sudo understands")
        refused(admin { shell = "bash" }, "no absolute path")
        refused(admin { groups = { "sudo docker" } }, "no name of a group")
        refused(admin { ssh_authorized_keys = { "hello" } }, "is no public key")
        local private = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----\n"
        local problem = raises(admin { ssh_authorized_keys = { private } }, "is a private key")
        assert(not (tostring(problem) .. problem.hint):find "b3Blbn", problem.hint)
        refused(function() recipes.files { { path = "/a", content = "", permissions = "u+x" } } end, "no octal number")
        refused(function() recipes.packages { "a", "b c" } end, "no name of a package")
        refused(function() recipes.timezone "Europe/Zuerich" end, "is no time zone")
        equal(raises(function() recipes.timezone "Europe/Zuric" end, "time zone").hint, "did you mean Europe/Zurich?")
    end)

    it("can be required one by one", function()
        assert(require "limiq.recipes.web" == recipes.web)
    end)
end)

describe("a composed description", function()
    it("is YAML that reads back as itself", function()
        local config = recipes.compose {
            recipes.admin { name = "admin", ssh_authorized_keys = { "ssh-ed25519 AAAA me" } },
            recipes.web { root = "site", family = "debian" },
        }
        equal(limiq.yaml.decode(limiq.yaml.encode(config.user_data)), config.user_data)
    end)
end)
