local limiq = require "limiq"
local part = require "limiq.recipes.part"

---What server and client are called in each family.
local families = {
    debian = { server = "nfs-kernel-server", client = "nfs-common", service = "nfs-server" },
    fedora = { server = "nfs-utils", client = "nfs-utils", service = "nfs-server" },
    rhel = { server = "nfs-utils", client = "nfs-utils", service = "nfs-server" },
    amazon = { server = "nfs-utils", client = "nfs-utils", service = "nfs-server" },
    suse = { server = "nfs-kernel-server", client = "nfs-client", service = "nfs-server" },
    alpine = { server = "nfs-utils", client = "nfs-utils", service = "nfs" },
    arch = { server = "nfs-utils", client = "nfs-utils", service = "nfs-server" },
}

local function word_problem(text)
    if text:find "[%s()#\"\\]" then return "it has a blank or a sign in it that has no place there: " .. text end
end

---A table of exports (exports(5)).
local function exports(list)
    local lines = {}
    for index, export in ipairs(list) do
        local clients = {}
        for position, client in ipairs(export.clients) do
            clients[position] = ("%s(%s)"):format(client, export.options)
        end
        lines[index] = ("%s %s\n"):format(export.path, table.concat(clients, " "))
    end
    return table.concat(lines)
end

local function for_family(family, options)
    local names = families[family]
    if not names then part.refuse("nfs", ("it knows no NFS of the family %s"):format(family)) end
    local packages, files, lines = {}, {}, {}
    if options.exports then
        packages[1] = names.server
        files[1] = { path = "/etc/exports.d/limiq.exports", permissions = "0644", content = exports(options.exports) }
        for _, export in ipairs(options.exports) do lines[#lines + 1] = "mkdir -p " .. part.quoted(export.path) end
        for _, command in ipairs(part.enable(family, names.service)) do lines[#lines + 1] = command end
        lines[#lines + 1] = "exportfs -ra"
    end
    if options.mounts then
        if packages[1] ~= names.client then packages[#packages + 1] = names.client end
        local table_lines = {}
        for index, mount in ipairs(options.mounts) do
            table_lines[index] = ("%s:%s %s nfs %s 0 0\n"):format(mount.server, mount.export, mount.path, mount.options)
            lines[#lines + 1] = "mkdir -p " .. part.quoted(mount.path)
        end
        -- When the package is there: before, what mounts the rest of the table would fail at these.
        files[#files + 1] = { path = "/etc/fstab", append = true, defer = true, content = table.concat(table_lines) }
        if family ~= "alpine" then lines[#lines + 1] = "systemctl daemon-reload" end
        for _, mount in ipairs(options.mounts) do lines[#lines + 1] = "mount " .. part.quoted(mount.path) end
    end
    files[#files + 1] = part.script("50-nfs", lines)
    return { user_data = { package_update = true, packages = packages, write_files = files } }
end

return limiq.recipe {
    name = "nfs",
    doc = [[
Folders that machines share by NFS: `exports` of a server, `mounts` of its clients. A client whose server does not
answer within two minutes makes cloud-init fail; at later starts the mount is tried and not waited for.]],
    options = {
        exports = { min = 1, doc = "folders that others may mount; they are made", type = { { fields = {
            path = { type = "path", required = true, check = word_problem, doc = "the folder" },
            clients = { type = { { check = word_problem } }, single = true, required = true, min = 1,
                doc = "who may: networks, addresses, names" },
            options = { default = "rw,sync,no_subtree_check", match = "^[%w_=,.:/-]+$", doc = "of exports(5)" },
        } } } },
        mounts = { min = 1, doc = "folders of a server", type = { { fields = {
            server = { required = true, check = word_problem, doc = "its name or address" },
            export = { type = "path", required = true, check = word_problem, doc = "the folder there" },
            path = { type = "path", required = true, check = word_problem, doc = "where it is here" },
            options = { default = "_netdev,nofail", match = "^[%w_=,.:/-]+$", doc = "of nfs(5)" },
        } } } },
        family = part.family_option,
    },
    example = [[
limiq.vm { recipes.nfs { exports = { { path = "/srv/shared", clients = "10.77.0.0/24" } } }, name = "files" }
limiq.vm {
    recipes.nfs { mounts = { { server = "files", export = "/srv/shared", path = "/mnt/shared" } } }, name = "web",
}]],
    build = function(options)
        if not options.exports and not options.mounts then
            part.refuse("nfs", "it needs exports or mounts",
                'exports = { { path = "/srv", clients = "10.77.0.0/24" } }')
        end
        return part.by_family(options.family, function(family) return for_family(family, options) end)
    end,
}
