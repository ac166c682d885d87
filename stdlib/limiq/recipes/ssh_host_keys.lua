local limiq = require "limiq"
local part = require "limiq.recipes.part"

---The guest's ssh host key, made here and not in the guest: so that the first connection is already verified. limiq
---trusts a guest whose cloud-config brings its keys by those keys alone.
---
---The key is made of the VM's name and a secret of the state folder: a script that runs again, and a VM made anew under
---its name, have the same one.
---
---Example:
---```lua
---recipes.compose { recipes.ssh_host_keys(), recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() } }
---```
---@return limiq.recipes.Late
local function ssh_host_keys()
    return function(vm)
        local key = limiq.ssh.host_key(vm.name)
        return part.new("ssh_host_keys", {
            user_data = { ssh_keys = { ed25519_private = key.private, ed25519_public = key.public } },
        })
    end
end

return ssh_host_keys
