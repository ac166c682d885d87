local limiq = require "limiq"
local ip = require "limiq.recipes.ip"
local recipes = require "limiq.recipes"
local spec = require "limiq.spec"

local describe, it, equal, raises = spec.describe, spec.it, spec.equal, spec.raises

---What a VM with two nics makes of it, and the VM.
local function network_config(...)
    local vm = limiq.vm {
        name = "web-01", nics = { { id = "lan", mac_address = "52:54:00:12:34:56" }, {} },
        cloud_init = recipes.compose { ... },
    }
    local config = vm.spec.cloud_init.network_config
    return type(config) == "string" and limiq.yaml.decode(config) or config, vm
end

describe("addresses", function()
    it("are read with their prefix", function()
        equal(ip.parse("10.0.2.50/24").groups, { 10, 0, 2, 50 })
        equal(ip.parse("10.0.2.50/24").prefix, 24)
        equal(ip.parse("fd00::5/64").groups, { 0xfd00, 0, 0, 0, 0, 0, 0, 5 })
        equal(ip.parse("::").groups, { 0, 0, 0, 0, 0, 0, 0, 0 })
        equal(ip.parse("1:2:3:4:5:6:7:8").groups, { 1, 2, 3, 4, 5, 6, 7, 8 })
        equal(ip.parse("1::").groups, { 1, 0, 0, 0, 0, 0, 0, 0 })
    end)

    it("are none where a part is wrong", function()
        for _, text in ipairs {
            "", "10.0.2", "10.0.2.256", "010.0.0.1", "10.0.2.50/33", "10.0.2.50/", "10.0.2.50/24/8", "a.b.c.d",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", "12345::", "fd00::5/129", "g::",
        } do
            equal({ text, ip.parse(text) }, { text })
        end
        equal(ip.parse(7), nil)
    end)

    it("know their network", function()
        assert(ip.contains(ip.parse "10.0.2.50/23", ip.parse "10.0.3.1"))
        assert(not ip.contains(ip.parse "10.0.2.50/24", ip.parse "10.0.3.1"))
        assert(ip.contains(ip.parse "fd00:1:2:3::5/61", ip.parse "fd00:1:2:7::1"))
        assert(not ip.contains(ip.parse "fd00:1:2:3::5/61", ip.parse "fd00:1:2:8::1"))
        assert(not ip.contains(ip.parse "0.0.0.0/0", ip.parse "::1"))
        assert(ip.is_network(ip.parse "10.0.2.0/23") and not ip.is_network(ip.parse "10.0.3.0/23"))
        assert(ip.is_broadcast(ip.parse "10.0.3.255/23") and not ip.is_broadcast(ip.parse "10.0.2.255/23"))
        assert(not ip.is_broadcast(ip.parse "10.0.0.1/31"))
    end)
end)

describe("recipes.static_ip", function()
    it("names the nic by its MAC address, the spec's or the derived one", function()
        local config, vm = network_config(
            recipes.static_ip { addresses = "10.0.2.50/24" }, recipes.static_ip { nic = 2, addresses = "10.1.0.5/16" })
        equal(config, {
            version = 2,
            ethernets = {
                eth0 = {
                    match = { macaddress = "52:54:00:12:34:56" }, ["set-name"] = "eth0",
                    addresses = { "10.0.2.50/24" }, ["accept-ra"] = false,
                },
                eth1 = {
                    match = { macaddress = vm:mac_address(2) }, ["set-name"] = "eth1", addresses = { "10.1.0.5/16" },
                    ["accept-ra"] = false,
                },
            },
        })
        assert(vm:mac_address(2):match "^52:54:00:%x%x:%x%x:%x%x$", vm:mac_address(2))
        equal(vm:mac_address(), "52:54:00:12:34:56")
    end)

    it("writes routes, nameservers and search domains", function()
        equal(network_config(recipes.static_ip {
            nic = "lan", addresses = { "10.0.2.50/24", "fd00::50/64" }, gateway = { "10.0.2.2", "fe80::1" },
            routes = { { to = "10.9.0.0/16", via = "10.0.2.9", metric = 50 } },
            nameservers = { "10.0.2.3", "fd00::3" }, search = { "example.org" },
        }).ethernets.eth0, {
            match = { macaddress = "52:54:00:12:34:56" }, ["set-name"] = "eth0",
            addresses = { "10.0.2.50/24", "fd00::50/64" },
            routes = {
                { to = "0.0.0.0/0", via = "10.0.2.2" }, { to = "10.9.0.0/16", via = "10.0.2.9", metric = 50 },
            },
            gateway6 = "fe80::1", ["accept-ra"] = false,
            nameservers = { addresses = { "10.0.2.3", "fd00::3" }, search = { "example.org" } },
        })
    end)

    it("leaves another nic to DHCP where it is told", function()
        local config, vm = network_config(
            recipes.dhcp { nic = 1 }, recipes.static_ip { nic = 2, addresses = "10.1.0.5/16" })
        equal(config.ethernets.eth0,
            { match = { macaddress = vm:mac_address(1) }, ["set-name"] = "eth0", dhcp4 = true })
    end)

    it("reaches a router on the link, where the address has no network or the script says so", function()
        local function routes(options) return network_config(recipes.static_ip(options)).ethernets.eth0.routes end
        equal(routes { addresses = "203.0.113.7/32", gateway = "198.51.100.1" },
            { { to = "0.0.0.0/0", via = "198.51.100.1", ["on-link"] = true } })
        equal(routes { addresses = "192.168.1.5/24", gateway = "10.0.0.1", on_link = true },
            { { to = "0.0.0.0/0", via = "10.0.0.1", ["on-link"] = true } })
    end)

    it("refuses what would leave the guest without a network", function()
        local function refused(options, message)
            raises(function() network_config(recipes.static_ip(options)) end, message)
        end
        refused({}, "addresses is missing")
        refused({ addresses = {} }, "there is no address")
        refused({ addresses = "10.0.2.50" }, "addresses[1] has no prefix length")
        refused({ addresses = "10.0.2.300/24" }, "is no IP address: 10.0.2.300/24")
        refused({ addresses = "10.0.2.0/24" }, "is the address of the network")
        refused({ addresses = "10.0.2.255/24" }, "is the address of all hosts")
        refused({ addresses = "10.0.2.50/24", gateway = "10.0.3.1" },
            "gateway[1] 10.0.3.1 is in no network of 10.0.2.50/24")
        refused({ addresses = "10.0.2.50/24", gateway = "10.0.2.2/24" }, "has a prefix length")
        refused({ addresses = "10.0.2.50/24", gateway = "fd00::1" }, "is in no network")
        refused({ addresses = "10.0.2.50/24", gateway = { "10.0.2.1", "10.0.2.2" } }, "are both gateways of IPv4")
        refused({ addresses = "fd00::5/64", routes = { { to = "::/0", via = "fd00::1" } } }, "is a default route")
        refused({ addresses = "10.0.2.50/24", routes = { { to = "10.1.0.1/16", via = "10.0.2.1" } } },
            "behind its prefix")
        refused({ addresses = "10.0.2.50/24", routes = { { via = "10.0.2.1" } } }, "to is missing")
        refused({ addresses = "10.0.2.50/24", nameservers = { "dns.example.org" } }, "nameservers[1] is no IP address")
        refused({ addresses = "10.0.2.50/24", search = { "a b" } }, "is no domain: a b")
        refused({ addresses = "10.0.2.50/24", nic = 3 }, "vm web-01 has no nic 3")
        refused({ addresses = "10.0.2.50/24", nic = "wan" }, "vm web-01 has no nic wan")
        raises(function()
            limiq.vm {
                name = "x", nics = {},
                cloud_init = recipes.compose { recipes.static_ip { addresses = "10.0.2.50/24" } },
            }
        end, "vm x has no nic")
    end)

    it("refuses two configurations of one nic", function()
        raises(function()
            network_config(recipes.static_ip { addresses = "10.0.2.50/24", gateway = "10.0.2.2" },
                recipes.dhcp {}, { network_config = { ethernets = { eth0 = { dhcp4 = false } } } })
        end, "network_config.ethernets.eth0.dhcp4 is true for recipe dhcp and false for recipe number 3")
    end)
end)

---cloud-init's own renderers, which write what the guest's network is configured by.
describe("a network_config", function()
    -- One process for all: most of its time goes by before it does anything.
    local convert <const> = [[
import sys
from cloudinit.cmd.devel import net_convert
folder, first, second, *jobs = sys.argv[1:]
for job in jobs:
    kind, distribution = job.split(":")
    words = ["--network-data", folder + "/in.yaml", "--kind", "yaml", "--directory", folder + "/" + kind,
             "--distro", distribution, "--output-kind", kind, "--mac", "enp1s0," + first, "--mac", "enp2s0," + second]
    net_convert.handle_args("net-convert", net_convert.get_parser().parse_args(words))
]]

    ---What each renderer writes, by its name.
    local function rendered(jobs, config, vm)
        local folder = limiq.host.run { "mktemp", "-d" }.stdout:gsub("\n", "")
        limiq.file.write(folder .. "/in.yaml", limiq.yaml.encode(config))
        local command = {
            "/usr/bin/python3", "-c", convert, folder, vm:mac_address(1), vm:mac_address(2), check = false,
        }
        for kind, distribution in pairs(jobs) do command[#command + 1] = kind .. ":" .. distribution end
        local result = limiq.host.run(command)
        local texts = {}
        for kind in pairs(jobs) do
            local text = result.code == 0 and "" or result.stderr
            for _, name in ipairs(limiq.file.list(folder .. "/" .. kind)) do
                text = text .. ("== %s\n%s\n"):format(name, limiq.file.read(folder .. "/" .. kind .. "/" .. name))
            end
            texts[kind] = text
        end
        limiq.host.run { "rm", "-r", folder }
        return texts
    end

    local config, vm = network_config(
        recipes.static_ip {
            addresses = { "10.0.2.50/24", "fd00::50/64" }, gateway = { "10.0.2.2", "fd00::1" },
            routes = { { to = "10.9.0.0/16", via = "10.0.2.9" } },
            nameservers = { "10.0.2.3" }, search = { "example.org" },
        },
        recipes.dhcp { nic = 2 })

    local expected = {
        netplan = { "ubuntu", "10.0.2.50/24", "via: 10.0.2.2", "gateway6: fd00::1", "via: 10.0.2.9", "10.0.2.3",
            "example.org", "macaddress: '?52:54:00:12:34:56'?", "accept%-ra: false",
            "dhcp4: true" },
        networkd = { "debian", "MACAddress=52:54:00:12:34:56", "Address=10.0.2.50/24", "Gateway=10.0.2.2",
            "Gateway=fd00::1", "Destination=10.9.0.0/16", "DNS=10.0.2.3", "Domains=example.org", "DHCP=ipv4" },
        eni = { "debian", "iface eth0 inet static", "address 10.0.2.50/24", "default gw 10.0.2.2",
            "fd00::50/64\n    gateway fd00::1", "%-net 10.9.0.0", "dns%-nameservers 10.0.2.3",
            "dns%-search example.org", "iface eth1 inet dhcp",
            'ATTR{address}=="52:54:00:12:34:56", NAME="eth0"' },
        sysconfig = { "almalinux", "IPV6_FORCE_ACCEPT_RA=no", "HWADDR=52:54:00:12:34:56", "IPADDR=10.0.2.50",
            "GATEWAY=10.0.2.2", "IPV6_DEFAULTGW=fd00::1", "BOOTPROTO=dhcp" },
        ["network-manager"] = { "fedora", "mac%-address=52:54:00:12:34:56", "10.0.2.50/24",
            "10.0.2.2", "gateway=fd00::1", "method=auto" },
    }
    it("is understood by cloud-init's renderers", function()
        local jobs = {}
        for kind, wanted in pairs(expected) do jobs[kind] = wanted[1] end
        for kind, text in pairs(rendered(jobs, config, vm)) do
            for index = 2, #expected[kind] do
                local wanted = expected[kind][index]
                assert(text:find(wanted), ("%s: no %s in:\n%s"):format(kind, wanted, text))
            end
        end
    end)
end)
