local part = require "limiq.recipes.part"

---The names of machines on a network in each other's /etc/hosts: for a private network, which has no DNS, and wherever
---that is not used. Their addresses are known before they are made. cloud-init keeps the file as it is from then on.
---
---Example:
---```lua
---recipes.hosts { network = lab, names = { "controller", "worker-01" } }
---```
---@param options { network: limiq.Network, names: string[] }
---@return limiq.recipes.Late
local function hosts(options)
    part.check("hosts", options, { network = "table", names = "table" })
    if type(options.network.address) ~= "function" then
        part.refuse("hosts", "network must be what limiq.network gives", "local lab = limiq.network { … }")
    end
    if #options.names == 0 then part.refuse("hosts", "names has no name in it", 'names = { "web-01" }') end
    return function(vm)
        local domain = options.network.spec and options.network.spec.domain
        local lines, has_own = {}, false
        for index, name in ipairs(options.names) do
            if type(name) ~= "string" then
                part.refuse("hosts", ("names[%d] must be a string"):format(index))
            end
            has_own = has_own or name == vm.name
            local full = domain and ("%s.%s "):format(name, domain) or ""
            lines[index] = ("%s %s%s\n"):format(options.network:address(name), full, name)
        end
        -- Without its own name a guest waits at each sudo.
        if not has_own then lines[#lines + 1] = ("127.0.1.1 %s\n"):format(vm.name) end
        return part.new("hosts", {
            user_data = {
                manage_etc_hosts = false,
                write_files = { { path = "/etc/hosts", append = true, content = table.concat(lines) } },
            },
        })
    end
end

return hosts
