local limiq = require "limiq"

local function server_problem(server)
    if not server:match "^[%w.:-]+$" then return ("it is no host's name or address: %s"):format(server) end
end

return limiq.recipe {
    name = "ntp", short = "servers",
    doc = "The servers that the guest has its time of. Which program asks them is the image's, or `client`.",
    options = {
        servers = { type = { { check = server_problem } }, single = true, doc = "servers" },
        pools = { type = { { check = server_problem } }, single = true, doc = "names that stand for many servers" },
        client = { choices = { "chrony", "ntp", "openntpd", "ntpdate", "systemd-timesyncd" },
            doc = "the program; the image's own where left out" },
    },
    example = 'recipes.ntp { "ntp.example.org" }',
    build = function(options)
        if not options.servers and not options.pools then
            limiq.fail { code = "bad_field", message = "it needs servers or pools",
                hint = 'servers = { "ntp.example.org" }' }
        end
        return {
            user_data = { ntp = {
                enabled = true, ntp_client = options.client, servers = options.servers, pools = options.pools,
            } },
        }
    end,
}
