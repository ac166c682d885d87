local limiq = require "limiq"
local part = require "limiq.recipes.part"

return limiq.recipe {
    name = "user",
    doc = [[
A user: of people, by ssh key, or of a service (`system`). Who may become root is `recipes.admin`, or a rule of sudo
here. Beside the users of recipes there is none that the image would make by itself.]],
    options = {
        name = { required = true, check = part.user_problem, doc = "the user's name" },
        ssh_authorized_keys = { type = { "string" }, doc = "public keys" },
        hashed_passwd = { type = "text", doc = "the hash of a password; may be a secret" },
        gecos = { doc = "the full name" },
        groups = { type = { "string" }, doc = "groups besides its own" },
        primary_group = { doc = "its own group, where it is not of its name" },
        shell = { type = "path", doc = "the shell; /bin/bash of people where left out, none of a service" },
        homedir = { type = "path", doc = "the home, where it is not in /home" },
        uid = { type = "integer", min = 1, max = 4294967294, doc = "the number" },
        sudo = { doc = "a rule of sudo, such as \"ALL=(ALL) NOPASSWD:ALL\"" },
        system = { type = "boolean", default = false, doc = "whether it is a service's, without a home" },
    },
    example = 'recipes.user { name = "deploy", groups = { "www-data" }, ssh_authorized_keys = limiq.ssh_keys() }',
    build = function(options)
        local user = { lock_passwd = options.hashed_passwd == nil }
        for name, value in pairs(options) do user[name] = value end
        user.system = options.system or nil
        user.no_create_home = options.system and not options.homedir or nil
        user.shell = options.shell or not options.system and "/bin/bash" or "/usr/sbin/nologin"
        return { user_data = { users = { user } } }
    end,
}
