local limiq = require "limiq"
local part = require "limiq.recipes.part"

---What the server is called in each family, and what makes its first files. Debian's makes them itself, and starts.
local servers = {
    debian = { packages = { "postgresql" } },
    fedora = { packages = { "postgresql-server" }, first = { "postgresql-setup --initdb" } },
    rhel = { packages = { "postgresql-server" }, first = { "postgresql-setup --initdb" } },
    amazon = { packages = { "postgresql15-server" }, first = { "postgresql-setup --initdb" } },
    suse = { packages = { "postgresql-server" }, first = {} },
    alpine = { packages = { "postgresql", "postgresql-openrc" }, first = { "rc-service postgresql setup" } },
    arch = { packages = { "postgresql" },
        first = { "su postgres -c 'initdb --pgdata /var/lib/postgres/data'" } },
}

local function name_problem(name)
    if not name:match "^[%l_][%l%d_]*$" or #name > 63 then
        return "it is no name: " .. name, "small letters, digits and _"
    end
end

local function network_problem(network)
    if not network:match "^[%x.:]+/%d+$" then return "it is no network: " .. network, "such as \"10.77.0.0/24\"" end
end

---The statements, for psql: what is there already stays.
local function statements(options)
    local lines = {}
    for _, user in ipairs(options.users or {}) do
        lines[#lines + 1] = ("SELECT 'CREATE ROLE %s LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE "
            .. "rolname = '%s') \\gexec"):format(user.name, user.name)
        if user.password then
            lines[#lines + 1] = ("\\set password `cat /run/postgres-%s`"):format(user.name)
            lines[#lines + 1] = ("ALTER ROLE %s PASSWORD :'password';"):format(user.name)
        end
    end
    for _, database in ipairs(options.databases or {}) do
        lines[#lines + 1] = ("SELECT 'CREATE DATABASE %s OWNER %s' WHERE NOT EXISTS (SELECT FROM pg_database WHERE "
            .. "datname = '%s') \\gexec"):format(database.name, database.owner, database.name)
    end
    for _, name in ipairs(require "limiq.options".names(options.settings or {})) do
        local value = tostring(options.settings[name]):gsub("'", "''")
        lines[#lines + 1] = ("ALTER SYSTEM SET %s = '%s';"):format(name, value)
    end
    if options.allow then lines[#lines + 1] = "ALTER SYSTEM SET listen_addresses = '*';" end
    return table.concat(lines, "\n") .. "\n"
end

local psql = "su postgres -c 'psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 %s'"

local function script(family, server, options)
    local lines = {}
    if server.first then
        table.move(server.first, 1, #server.first, 1, lines)
        for _, command in ipairs(part.enable(family, "postgresql")) do lines[#lines + 1] = command end
    end
    lines[#lines + 1] = "cd /"
    lines[#lines + 1] = psql:format "" .. " </etc/limiq-postgres.sql"
    for _, user in ipairs(options.users or {}) do
        if user.password then lines[#lines + 1] = "rm /run/postgres-" .. user.name end
    end
    if options.allow then
        lines[#lines + 1] = "hba=$(" .. psql:format '-At -c "SHOW hba_file"' .. ")"
        for _, network in ipairs(options.allow) do
            lines[#lines + 1] = ('echo "host all all %s scram-sha-256" >>"$hba"'):format(network)
        end
    end
    lines[#lines + 1] = family == "alpine" and "rc-service postgresql restart" or "systemctl restart postgresql"
    return part.script("50-postgres", lines)
end

local function for_family(family, options)
    local server = servers[family]
    if not server then part.refuse("postgres", ("it knows no PostgreSQL of the family %s"):format(family)) end
    local files = { { path = "/etc/limiq-postgres.sql", permissions = "0644", content = statements(options) } }
    for _, user in ipairs(options.users or {}) do
        if user.password then
            -- In memory, and only until it is read; the package makes its owner.
            files[#files + 1] = {
                path = "/run/postgres-" .. user.name, permissions = "0600", owner = "postgres:postgres", defer = true,
                content = user.password,
            }
        end
    end
    files[#files + 1] = script(family, server, options)
    return {
        nics = options.forward and { { forward = { { guest = 5432, host = options.forward } } } } or nil,
        user_data = { package_update = true, packages = { table.unpack(server.packages) }, write_files = files },
    }
end

return limiq.recipe {
    name = "postgres",
    doc = [[
PostgreSQL from the distribution's packages, with users and databases. It listens on the machine itself alone, unless
`allow` names networks whose machines may come, with a password. Passwords are secrets, and stay in the seed.]],
    options = {
        users = { doc = "roles that may log in", type = { { short = "name", fields = {
            name = { required = true, check = name_problem, doc = "the role's name" },
            password = { secret = true, doc = "limiq.secret(…); none: by the socket alone" },
        } } } },
        databases = { doc = "databases", type = { { fields = {
            name = { required = true, check = name_problem, doc = "the database's name" },
            owner = { default = "postgres", check = name_problem, doc = "the role that owns it" },
        } } } },
        allow = { type = { { check = network_problem } }, single = true, min = 1, doc = "networks, \"10.77.0.0/24\"" },
        settings = { type = "table", doc = "lines of postgresql.conf, { shared_buffers = \"256MB\" }" },
        forward = { type = "integer", min = 1, max = 65535, doc = "the port of this host that leads to it" },
        family = part.family_option,
    },
    example = [[
recipes.postgres {
    users = { { name = "shop", password = limiq.secret(limiq.file.read "password.txt") } },
    databases = { { name = "shop", owner = "shop" } }, allow = "10.77.0.0/24",
}]],
    build = function(options)
        for name in pairs(options.settings or {}) do
            if type(name) ~= "string" or not name:match "^[%l_.]+$" then
                part.refuse("postgres", ("settings has %s, which is no setting's name"):format(tostring(name)))
            end
        end
        if options.forward and not options.allow then
            part.refuse("postgres", "forward needs allow: who comes from outside is not the machine itself",
                'allow = "10.0.2.0/24" is user networking')
        end
        return part.by_family(options.family, function(family) return for_family(family, options) end)
    end,
}
