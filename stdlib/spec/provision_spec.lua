local limiq = require "limiq"
local part = require "limiq.recipes.part"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

---A part that is a function of the VM, called with one.
local function of_vm(late, fields)
    fields = fields or {}
    fields.name = fields.name or "web-01"
    return late(limiq.vm(fields))
end

describe("a cloud_init that must know the VM", function()
    local function named(vm) return { user_data = { hostname = vm.name, fqdn = vm.name .. ".example.org" } } end

    it("is called by limiq.vm, with the VM as the rest of its spec says", function()
        local vm = limiq.vm {
            name = "web-01", memory = "2GiB",
            cloud_init = function(vm) return { user_data = ("#!/bin/sh\n: %d\n"):format(vm.spec.memory_mib) } end,
        }
        equal(vm.spec.cloud_init.user_data, "#!/bin/sh\n: 2048\n")
    end)

    it("is what compose makes of parts with a function among them", function()
        local late = recipes.compose { recipes.packages { "a" }, named }
        equal(of_vm(late), {
            user_data = { package_update = true, packages = { "a" }, hostname = "web-01", fqdn = "web-01.example.org" },
        })
        equal(of_vm(recipes.compose { late, recipes.packages { "b" } }).user_data.packages, { "a", "b" })
    end)

    it("serves each VM on its own", function()
        local late = recipes.compose { named }
        equal(of_vm(late, { name = "a" }).user_data.hostname, "a")
        equal(of_vm(late, { name = "b" }).user_data.hostname, "b")
    end)

    it("is called in the API's document too, and a CD-ROM may be one as well", function()
        local vm = limiq.vm {
            name = "web-01",
            spec = {
                cdroms = { { id = "a", iso_path = "/a.iso" }, function(vm) return { iso_path = "/" .. vm.name } end },
                cloud_init = named,
            },
        }
        equal(vm.spec.cdroms[2].iso_path, "/web-01")
        assert(vm.spec.cloud_init.user_data)
    end)

    it("leaves an error of the rest what it is", function()
        raises(function() limiq.vm { name = "x", memmory = "1GiB", cloud_init = named } end, "memmory")
        raises(function() limiq.vm { name = "x", cdroms = { iso_path = "/a" }, cloud_init = named } end, "cdroms")
    end)
end)

describe("recipes.compose", function()
    it("refuses a part whose field is none of a cloud_init's", function()
        raises(function() recipes.compose { { packages = { "a" } } } end, "part 1: packages is not a field")
    end)

    it("says what kinds differ where the kinds do", function()
        raises(function() recipes.compose { { user_data = { a = { 1 } } }, { user_data = { a = { x = 1 } } } } end,
            "user_data.a is a list for recipe number 1 and a map for recipe number 2")
    end)

    it("keeps a secret one, and finds the same secret to be the same", function()
        local function with(text) return { user_data = { password = limiq.secret(text) } } end
        equal(tostring(recipes.compose { with "a", with "a" }.user_data.password), "‹secret›")
        local problem = raises(function() recipes.compose { with "hunter1", with "hunter2" } end, "recipe_conflict")
        assert(not tostring(problem):find "hunter", tostring(problem))
        raises(function() recipes.compose { with "a", { user_data = { password = { x = 1 } } } } end, "recipe_conflict")
    end)
end)

describe("a list given to the library", function()
    it("has neither holes nor names", function()
        raises(function() recipes.compose { recipes.timezone "UTC", nil, recipes.packages { "nginx" } } end,
            "one of its parts is nil")
        raises(function() recipes.files { ["/etc/motd"] = "hi" } end, "/etc/motd is not one of its options")
        raises(function() limiq.each({ a = 1 }, print) end, "it takes a list")
    end)
end)

describe("recipes.swap", function()
    it("takes a size, or the file as well", function()
        equal(recipes.swap("2GiB").user_data,
            { swap = { filename = "/swapfile", size = 2147483648, maxsize = 2147483648 } })
        equal(recipes.swap { size = "512MiB", path = "/var/swap" }.user_data.swap.filename, "/var/swap")
    end)

    it("refuses what is no size or no path", function()
        for _, size in ipairs { "2", "2GB", "GiB", "2 GiB", "0MiB", "2PiB", "99999999999GiB" } do
            raises(function() recipes.swap(size) end, "bad_field")
        end
        raises(function() recipes.swap { size = "1GiB", path = "swap" } end, "must be an absolute path")
    end)
end)

describe("recipes.mounts", function()
    local disks = {
        { id = "boot", bootable = true, size = "1GiB" }, { id = "data", size = "1GiB" },
        { id = "a-name-longer-than-qemu-passes", size = "1GiB", bus = "scsi" },
        { id = "old", size = "1GiB", bus = "sata" },
    }

    it("names a disk as the guest's udev does, and makes a filesystem only where there is nothing", function()
        local data = of_vm(recipes.mounts { { disk = "data", path = "/srv" } }, { disks = disks }).user_data
        local device = "/dev/disk/by-id/virtio-data"
        equal(data.mounts, { { device, "/srv", "ext4", "defaults,nofail", "0", "2" } })
        equal(data.bootcmd,
            { ("blkid -p %s > /dev/null; if [ $? -eq 2 ]; then mkfs.ext4 -q %s || exit 1; fi"):format(device, device) })
    end)

    it("knows the names of other buses", function()
        local mounts = of_vm(recipes.mounts {
            { disk = "a-name-longer-than-qemu-passes", path = "/a", filesystem = "xfs" }, { disk = "old", path = "/b" },
        }, { disks = disks }).user_data.mounts
        equal(mounts[1][1], "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_a-name-longer-than-q")
        equal(mounts[2][1], "/dev/disk/by-id/ata-QEMU_HARDDISK_old")
    end)

    it("tells disks apart that begin with the same 20 characters", function()
        local alike = { { id = "boot", size = "1GiB" } }
        local mounts = {}
        for index = 1, 3 do
            local id = "application-data-disk-" .. index
            alike[index + 1] = { id = id, size = "1GiB" }
            mounts[index] = { disk = id, path = "/" .. index }
        end
        local entries = of_vm(recipes.mounts(mounts), { disks = alike }).user_data.mounts
        equal(entries[1][1], "/dev/disk/by-id/virtio-application-data-dis")
        assert(entries[2][1]:match "virtio%-application%-%x%x%x%x%x%x%x%x$", entries[2][1])
        assert(entries[3][1]:match "virtio%-application%-%x%x%x%x%x%x%x%x$", entries[3][1])
        assert(entries[2][1] ~= entries[3][1])
    end)

    it("mounts another device as it is", function()
        equal(of_vm(recipes.mounts {
            { device = "nas:/export", path = "/mnt", filesystem = "nfs", options = "ro" },
        }).user_data, { mounts = { { "nas:/export", "/mnt", "nfs", "ro", "0", "0" } } })
    end)

    it("refuses what cannot be mounted", function()
        local function refused(mount, message)
            raises(function() of_vm(recipes.mounts { mount }, { disks = disks }) end, message)
        end
        refused({ path = "/srv" }, "either disk, of the VM, or device")
        refused({ disk = "data", device = "/dev/vdb", path = "/srv" }, "either disk")
        refused({ disk = "data" }, "path is missing")
        refused({ disk = "data", path = "srv" }, "must be an absolute path")
        refused({ disk = "data", path = "/my files" }, "white space")
        refused({ disk = "data", path = "/srv", filesystem = "zfs" }, "zfs cannot be made")
        refused({ disk = "dta", path = "/srv" }, "vm web-01 has no disk dta")
    end)
end)

describe("recipes.docker", function()
    local function docker(options)
        options = options or {}
        options.family = "debian"
        return recipes.docker(options).user_data
    end
    local function script(options) return docker(options).write_files[1].content end

    it("installs the engine alone", function()
        equal(docker(), { package_update = true, packages = { "docker.io", "apparmor" } })
    end)

    it("runs each container once, from a string or a table", function()
        equal(script {
            users = { "admin" },
            run = {
                "registry.example.org:5000/team/app:1.2",
                { image = "nginx", name = "web", args = { "-p", "80:80", "-e", "A=it's $1" }, restart = "always",
                    command = { "nginx", "-g", "daemon off;" } },
            },
        }, [[
#!/bin/sh
set -eu
usermod --append --groups docker admin
docker run --detach --name app --restart unless-stopped registry.example.org:5000/team/app:1.2
docker run --detach --name web --restart always -p 80:80 -e 'A=it'\''s $1' nginx nginx -g 'daemon off;'
]])
    end)

    it("names a mirror before the engine starts", function()
        local file = docker { registry_mirrors = { "https://mirror.example.org" } }.write_files[1]
        equal(file.path, "/etc/docker/daemon.json")
        equal(limiq.json.decode(file.content), { ["registry-mirrors"] = { "https://mirror.example.org" } })
    end)

    it("refuses what the engine would, or what would run another program", function()
        local function refused(options, message) raises(function() recipes.docker(options) end, message) end
        refused({ run = { "-p 80:80 nginx" } }, "is no image's name")
        refused({ run = { "nginx; reboot" } }, "is no image's name")
        refused({ run = { "nginx", { image = "nginx" } } }, "run[1] and run[2] are both named nginx")
        refused({ run = { { image = "nginx", restart = "sometimes" } } }, "is no restart policy")
        refused({ run = { { image = "nginx", name = "-x" } } }, "is no name")
        refused({ run = { { image = "nginx", args = { 80 } } } }, "run[1].args[1] must be a string, not 80")
        refused({ run = { { name = "nginx" } } }, "image is missing")
        refused({ users = { "a b" } }, "is no user's name")
        refused({ registry_mirrors = { "mirror.example.org" } }, "a registry mirror")
        refused({ mirror = "x" }, "mirror is not one of its options")
    end)

    it("passes every word of a command through the shell as it is", function()
        for _, word in ipairs { "a b", "it's", "$HOME", "`id`", "a\nb", "", "*", "\\", "-n", "ä" } do
            equal(limiq.host.run({ "sh", "-c", "printf %s " .. part.quoted(word) }).stdout, word)
        end
    end)
end)

describe("recipes.ssh_host_keys", function()
    it("gives a VM the same key each time, and another to each", function()
        local function keys(name) return of_vm(recipes.ssh_host_keys(), { name = name }).user_data.ssh_keys end
        local first, again, other = keys "web-01", keys "web-01", keys "web-02"
        equal(first.ed25519_public, again.ed25519_public)
        assert(first.ed25519_private == again.ed25519_private)
        assert(first.ed25519_public ~= other.ed25519_public)
        equal(tostring(first.ed25519_private), "‹secret›")
    end)
end)

describe("recipes.admin", function()
    it("takes a hash that is a secret", function()
        local user = recipes.admin({ name = "admin", hashed_passwd = limiq.secret "$6$salt$hash" }).user_data.users[1]
        equal({ tostring(user.hashed_passwd), user.lock_passwd }, { "‹secret›", false })
    end)
end)
