local part = require "limiq.recipes.part"

---A user who may become root: by ssh key, and on the console by a password where its hash is given. A plain password is
---refused, as everybody who may read the seed could read it.
---
---Example:
---```lua
---recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() }
---```
---@param options { name: string, ssh_authorized_keys?: string[], sudo?: string, groups?: string[], shell?: string,
---hashed_passwd?: string|userdata }
---@return limiq.recipes.Part
local function admin(options)
    part.check("admin", options, {
        name = "string", ssh_authorized_keys = "table?", sudo = "string?", groups = "table?", shell = "string?",
        hashed_passwd = "text?",
    })
    local hash = options.hashed_passwd
    if type(hash) == "string" and not hash:match "^%$%w+%$.+" then
        part.refuse("admin", "hashed_passwd is no password hash", "make one with: mkpasswd --method=yescrypt")
    end
    if not hash and #(options.ssh_authorized_keys or {}) == 0 then
        part.refuse("admin", ("%s could never log in"):format(options.name),
            "give ssh_authorized_keys = limiq.ssh_keys()")
    end
    return part.new("admin", {
        user_data = {
            users = { {
                name = options.name,
                groups = options.groups or { "sudo" },
                sudo = options.sudo or "ALL=(ALL) NOPASSWD:ALL",
                shell = options.shell or "/bin/bash",
                lock_passwd = hash == nil,
                hashed_passwd = hash,
                ssh_authorized_keys = options.ssh_authorized_keys,
            } },
        },
    })
end

return admin
