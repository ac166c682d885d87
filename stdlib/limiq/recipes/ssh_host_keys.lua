local limiq = require "limiq"

return limiq.recipe {
    name = "ssh_host_keys",
    doc = [[
The guest's ssh host key, made here and not in the guest: so that the first connection is already verified. limiq
trusts a guest whose cloud-config brings its keys by those keys alone.

The key is made of the VM's name and a secret of the state folder: a script that runs again, and a VM made anew under
its name, have the same one.]],
    example = "recipes.compose { recipes.ssh_host_keys(), recipes.admin { name = \"admin\", "
        .. "ssh_authorized_keys = limiq.ssh_keys() } }",
    build = function()
        return function(vm)
            local key = limiq.ssh.host_key(vm.name)
            return { user_data = { ssh_keys = { ed25519_private = key.private, ed25519_public = key.public } } }
        end
    end,
}
