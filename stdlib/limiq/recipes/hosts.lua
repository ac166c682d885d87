local limiq = require "limiq"
local part = require "limiq.recipes.part"

return limiq.recipe {
    name = "hosts",
    doc = [[
The names of machines on a network in each other's /etc/hosts: for a private network, which has no DNS, and wherever
that is not used. Their addresses are known before they are made. cloud-init keeps the file as it is from then on.]],
    options = {
        network = { type = "table", required = true, doc = "what limiq.network gives" },
        names = { type = { "string" }, min = 1, required = true, doc = "the machines" },
    },
    example = 'recipes.hosts { network = lab, names = { "controller", "worker-01" } }',
    build = function(options)
        if getmetatable(options.network) == nil or type(options.network.address) ~= "function" then
            part.refuse("hosts", "network must be what limiq.network gives", "local lab = limiq.network { … }")
        end
        return function(vm)
            local domain = options.network.spec and options.network.spec.domain
            local lines, has_own = {}, false
            for index, name in ipairs(options.names) do
                has_own = has_own or name == vm.name
                local full = domain and ("%s.%s "):format(name, domain) or ""
                lines[index] = ("%s %s%s\n"):format(options.network:address(name), full, name)
            end
            -- Without its own name a guest waits at each sudo.
            if not has_own then lines[#lines + 1] = ("127.0.1.1 %s\n"):format(vm.name) end
            return {
                user_data = {
                    manage_etc_hosts = false,
                    write_files = { { path = "/etc/hosts", append = true, content = table.concat(lines) } },
                },
            }
        end
    end,
}
