local limiq = require "limiq"
local part = require "limiq.recipes.part"

---What is wrong with the hash of a password.
local function hash_problem(hash)
    if not hash:match "^%$%w+%$.+" then
        return "it is no password hash", "make one with: mkpasswd --method=yescrypt"
    end
end

return limiq.recipe {
    name = "admin",
    doc = [[
A user who may become root: by ssh key, and on the console by a password where its hash is given. A plain password is
refused, as everybody who may read the seed could read it.]],
    options = {
        name = { required = true, doc = "the user's name" },
        ssh_authorized_keys = { type = { "string" }, doc = "public keys; limiq.ssh_keys() are yours" },
        hashed_passwd = { type = "text", check = hash_problem, doc = "for the console; may be a secret" },
        sudo = { default = "ALL=(ALL) NOPASSWD:ALL", doc = "a rule of sudo" },
        groups = { type = { "string" }, default = { "sudo" }, doc = "groups besides its own" },
        shell = { default = "/bin/bash", doc = "the shell" },
    },
    example = 'recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() }',
    build = function(options)
        if not options.hashed_passwd and #(options.ssh_authorized_keys or {}) == 0 then
            part.refuse("admin", ("%s could never log in"):format(options.name),
                "give ssh_authorized_keys = limiq.ssh_keys()")
        end
        options.lock_passwd = options.hashed_passwd == nil
        return { user_data = { users = { options } } }
    end,
}
