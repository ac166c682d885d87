local limiq = require "limiq"
local ip = require "limiq.recipes.ip"
local nic = require "limiq.recipes.nic"
local part = require "limiq.recipes.part"

---An address, read; refused where it is none, or has a prefix where it must not, or none where it must.
---@param what string
---@param text any
---@param takes_prefix boolean
---@return limiq.recipes.Address
local function address(what, text, takes_prefix)
    local found = ip.parse(text)
    if not found then
        part.refuse("static_ip", ("%s is no IP address: %s"):format(what, tostring(text)),
            takes_prefix and "such as \"192.168.1.10/24\"" or "such as \"192.168.1.1\"")
    end
    if takes_prefix and not found.prefix then
        part.refuse("static_ip", ("%s has no prefix length: %s"):format(what, text),
            ("\"%s/%d\", where that is the network's"):format(text, found.family == 4 and 24 or 64))
    elseif not takes_prefix and found.prefix then
        part.refuse("static_ip", ("%s has a prefix length: %s"):format(what, text),
            ("\"%s\""):format(text:match "^[^/]+"))
    end
    return found
end

local function host_addresses(texts)
    if #texts == 0 then part.refuse("static_ip", "there is no address", "addresses = { \"192.168.1.10/24\" }") end
    local found = {}
    for index, text in ipairs(texts) do
        local what = ("addresses[%d]"):format(index)
        local each = address(what, text, true)
        local is_network = ip.is_network(each) and each.prefix < (each.family == 4 and 31 or 127)
        if is_network or ip.is_broadcast(each) then
            part.refuse("static_ip", ("%s %s is the address of %s, not of a host"):format(
                what, text, is_network and "the network" or "all hosts of the network"))
        end
        found[index] = each
    end
    return found
end

---Whether a router is reached on the link itself, though no address of the nic's says so: where the script does,
---and where the nic's own addresses have no network at all.
local function is_on_link(options, router, own)
    if options.on_link then return true end
    local whole, found = router.family == 4 and 32 or 128, false
    for _, each in ipairs(own) do
        if each.family == router.family then
            if each.prefix ~= whole then return false end
            found = true
        end
    end
    return found
end

---Refuses a router that the guest could not reach: it would come up without a route, in silence.
local function require_reachable(what, router, own)
    if router.family == 6 and router.groups[1] & 0xffc0 == 0xfe80 then return end
    for _, each in ipairs(own) do
        if ip.contains(each, router) then return end
    end
    local texts = {}
    for index, each in ipairs(own) do texts[index] = each.text end
    part.refuse("static_ip", ("%s %s is in no network of %s"):format(what, router.text, table.concat(texts, ", ")),
        "a router must be reached without another router; on_link = true says that it is")
end

---The default routes. IPv4's is written as a route to all of it, as netplan wants it; not every renderer of cloud-init
---knows the word `default`. IPv6's is written as `gateway6`: cloud-init 22.4 makes `::/64` of a route to `::/0`, in
---silence, where its renderer is not netplan.
local function gateways(options, own)
    local config, seen = { routes = {} }, {}
    for index, text in ipairs(options.gateway or {}) do
        local what = ("gateway[%d]"):format(index)
        local router = address(what, text, false)
        local on_link = is_on_link(options, router, own)
        if not on_link then require_reachable(what, router, own) end
        if seen[router.family] then
            part.refuse("static_ip", ("%s and %s are both gateways of IPv%d"):format(
                seen[router.family], text, router.family))
        end
        seen[router.family] = text
        if router.family == 4 then
            -- Left out where it is not needed: not every renderer knows it.
            config.routes[1] = { to = "0.0.0.0/0", via = text, ["on-link"] = on_link or nil }
        else
            config.gateway6 = text
        end
    end
    return config
end

---Adds the other routes.
local function add_routes(routes, options, own)
    for index, route in ipairs(options.routes or {}) do
        local what = ("routes[%d]"):format(index)
        local network, router = address(what .. ".to", route.to, true), address(what .. ".via", route.via, false)
        if network.family == 6 and network.prefix == 0 then
            part.refuse("static_ip", ("%s is a default route"):format(what), ("gateway = \"%s\""):format(route.via))
        end
        if not ip.is_network(network) then
            part.refuse("static_ip", ("%s.to %s has bits behind its prefix"):format(what, route.to))
        end
        if network.family ~= router.family then
            part.refuse("static_ip", ("%s leads from %s to a router of another kind, %s"):format(
                what, route.to, route.via))
        end
        local on_link = is_on_link(options, router, own)
        if not on_link then require_reachable(what .. ".via", router, own) end
        routes[#routes + 1] = {
            to = route.to, via = route.via, metric = route.metric, ["on-link"] = on_link or nil,
        }
    end
end

---What is wrong with the name of a domain.
local function domain_problem(domain)
    if not domain:match "^[%w.-]+$" then return ("it is no domain: %s"):format(domain) end
end

local function build(options)
    local texts = options.addresses
    local own = host_addresses(texts)
    local nameservers, search = options.nameservers or {}, options.search or {}
    for index, text in ipairs(nameservers) do address(("nameservers[%d]"):format(index), text, false) end
    local config = gateways(options, own)
    -- What an IPv6 router advertises would come beside it: an address, a route and nameservers.
    config["accept-ra"] = false
    add_routes(config.routes, options, own)
    if #config.routes == 0 then config.routes = nil end
    config.addresses = texts
    if #nameservers > 0 or #search > 0 then
        config.nameservers = {
            addresses = #nameservers > 0 and nameservers or nil, search = #search > 0 and search or nil,
        }
    end
    return nic.part("static_ip", options.nic, config)
end

return limiq.recipe {
    name = "static_ip",
    doc = [[
A nic with these addresses, routes and nameservers, and no others: neither those of a DHCP server nor those of IPv6
routers (where cloud-init can refuse these: by netplan and sysconfig). Works with every renderer of cloud-init (netplan,
networkd, ifupdown, NetworkManager). The other nics of the VM are then not configured by themselves: each wants a
`static_ip` or a `dhcp`.

A router that is in none of the nic's networks is told with `on_link = true`; an address with a prefix of 32 needs no
telling.]],
    options = {
        nic = nic.option,
        addresses = { type = { "string" }, single = true, required = true, doc = "such as \"192.168.1.10/24\"" },
        gateway = { type = { "string" }, single = true, doc = "the router, one of IPv4 and one of IPv6 at most" },
        routes = { doc = "other routes", type = { { fields = {
            to = { required = true, doc = "a network, \"192.0.2.0/24\"" },
            via = { required = true, doc = "its router" },
            metric = { type = "integer", min = 0, max = 4294967295, doc = "of two routes the lower goes before" },
        } } } },
        nameservers = { type = { "string" }, single = true, doc = "their addresses" },
        search = { type = { { check = domain_problem } }, single = true, doc = "domains that names are looked for in" },
        on_link = { type = "boolean", doc = "whether routers are on the link though no address says so" },
    },
    example = [[
recipes.static_ip {
    addresses = { "192.168.1.10/24" }, gateway = "192.168.1.1",
    nameservers = { "192.168.1.1" }, search = { "example.org" },
}]],
    build = build,
}
