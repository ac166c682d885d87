-- The simulated host that specs work on. What stands in "a host" is so of a real one too: `limiq test --connect URI`.
local limiq = require "limiq"
local spec = require "limiq.spec"

local describe, it, equal, expect_error = spec.describe, spec.it, spec.equal, spec.expect_error

local function web(fields)
    local machine = { name = "web-01", memory = "64MiB" }
    for name, value in pairs(fields or {}) do machine[name] = value end
    return limiq.vm(machine)
end

describe("a host", function()
    it("keeps a machine, its disks and its ports", function()
        local vm = web { disks = { { id = "data", size = "1GiB" } } }
        local report = vm:up { wait = "running" }
        equal({ report.changed, vm:state() }, { true, "running" })
        equal(vm:up({ wait = "running" }).changed, false)
        assert(vm:forward(22):match "^127%.0%.0%.1:%d+$", vm:forward(22))
        equal(#vm:diff(), 0)
        equal(web({ memory = "128MiB", disks = { { id = "data", size = "1GiB" } } }):diff()[1].path, "memory_mib")
        equal(limiq.domain.get("web-01"):state(), "running")
        vm:remove()
        expect_error("not_found", function() limiq.domain.get "web-01" end)
    end)

    it("has nothing of an earlier case", function()
        expect_error("not_found", function() limiq.domain.get "web-01" end)
    end)

    it("suspends and resumes, and ends a guest at once", function()
        local vm = web()
        vm:up { wait = "running" }
        vm:suspend()
        equal(vm:state(), "paused")
        vm:resume()
        vm:destroy()
        equal(vm:state(), "shut off")
        vm:start()
        equal(vm:state(), "running")
    end)

    it("ends a guest that does not hear when its time is over", function()
        spec.host { guests = { shutdown = false } }
        local vm = web()
        vm:up { wait = "running" }
        vm:down { timeout = "1s" }
        equal(vm:state(), "shut off")
    end)

    it("makes what a machine goes on with, and refuses what cannot be", function()
        expect_error("not_found", function() web({ disks = { { backing_file = "/nowhere/base.qcow2" } } }):up() end)
        expect_error("not_found", function() limiq.domain.get "web-01" end)
    end)
end)

describe("a simulated guest", function()
    ---@type limiq.spec.Host
    local host
    spec.before_each(function()
        host = spec.host { guests = { boot = "30s", exec = function(vm, argv, stdin)
            if argv[1] == "hostname" then return vm.name .. "\n" end
            if argv[1] == "cat" then return stdin end
            if argv[1] == "false" then return { code = 1, stderr = "it is false" } end
            if argv[1] == "sleep" then limiq.sleep(argv[2] .. "s") end
        end } }
        if not spec.is_simulated() then spec.skip "no real guest answers so" end
    end)

    it("boots in its time, which nobody waits for", function()
        local vm = web {
            disks = { { backing_file = limiq.image "debian-12" } },
            cloud_init = { user_data = { hostname = "web-01" } },
        }
        local began = os.time()
        vm:up()
        assert(spec.elapsed() >= 30 and spec.elapsed() < 40, spec.elapsed())
        assert(os.time() - began < 20)
        equal(vm:address(), "10.0.2.15")
        equal(host:calls "start", { "web-01" })
    end)

    it("answers as the spec says", function()
        local vm = web()
        vm:up { wait = "agent" }
        equal(vm:exec({ "hostname" }).stdout, "web-01\n")
        equal(vm:exec({ "cat", stdin = "a\0b" }).stdout, "a\0b")
        equal(vm:exec({ "true" }), { code = 0, stdout = "", stderr = "" })
        equal(vm:exec({ "false", check = false }), { code = 1, stdout = "", stderr = "it is false" })
        expect_error("it is false", function() vm:exec { "false" } end)
        local before = spec.elapsed()
        vm:exec { "sleep", "300", timeout = "1h" }
        assert(spec.elapsed() - before >= 300)
        expect_error("timeout", function() vm:exec { "sleep", "60", timeout = "30s" } end)
    end)

    it("keeps files over its boots", function()
        host:set { guests = { files = { ["/etc/motd"] = "welcome\n" } } }
        local vm = web()
        vm:up { wait = "agent" }
        equal(vm:read_file "/etc/motd", "welcome\n")
        vm:write_file("/srv/page", "it works\n")
        vm:down()
        vm:up { wait = "agent" }
        equal(vm:read_file "/srv/page", "it works\n")
        expect_error("No such file", function() vm:read_file "/nowhere" end)
    end)

    it("may have no agent, hang, panic, switch itself off, and end its cloud-init with errors", function()
        host:set { guests = { agent = false } }
        expect_error("timeout", function() web():up { wait = "agent", timeout = "5m" } end)
        assert(spec.elapsed() >= 300)
        host:set { guests = { boot = false } }
        expect_error("timeout", function() web({ name = "hangs" }):up { wait = "agent" } end)
        host:set { guests = { fails = "panic" } }
        expect_error("guest_panicked", function() web({ name = "panics" }):up { wait = "agent" } end)
        host:set { guests = { fails = "off" } }
        expect_error("guest_stopped", function() web({ name = "ends" }):up { wait = "agent" } end)
        host:set { guests = { cloud_init_errors = { "no such package" } } }
        local fails = web { name = "errs", cloud_init = { user_data = { packages = { "nginx" } } } }
        expect_error({ code = "cloud_init", message = "no such package" }, function() fails:up() end)
    end)

    it("does what is said of it alone", function()
        host:set { guests = function(name)
            return { boot = name == "slow" and "10m" or "10s", exec = function() return name end }
        end }
        local fast, slow = web { name = "fast" }, web { name = "slow" }
        fast:up { wait = "agent" }
        equal(fast:exec({ "x" }).stdout, "fast")
        assert(spec.elapsed() < 20, spec.elapsed())
        slow:up { wait = "agent", timeout = "20m" }
        assert(spec.elapsed() >= 600, spec.elapsed())
        host:guest("slow", { agent = false })
        expect_error("agent", function() slow:read_file "/etc/hostname" end)
        host:crash "slow"
        equal(slow:state(), "shut off")
        expect_error("did you mean fast?", function() host:crash "fats" end)
    end)

    it("is known by the address that its network keeps for it", function()
        local lab = limiq.network { name = "lab", cidr = "10.77.0.0/24" }
        local vm = web { nics = { { network = lab, address = "10.77.0.10" } } }
        vm:up { wait = "agent" }
        equal(vm:address(), "10.77.0.10")
    end)
end)

describe("a fault of a simulated host", function()
    spec.before_each(function()
        if not spec.is_simulated() then spec.skip "it has none at a word" end
    end)

    it("is told as it would be of a real one", function()
        local host = spec.host()
        local vm = web()
        vm:up { wait = "agent" }
        host:set { down = true }
        expect_error("host_not_able", function() vm:state() end)
        host:set { down = false }
        equal(vm:state(), "running")

        host:set { full = true }
        expect_error("No space left on device", function() vm:write_file("/srv/page", "x") end)
        local full = web { name = "web-02", disks = { { size = "1GiB" } } }
        local e = expect_error("disks of simulated:///host are full", function() full:up() end)
        equal(e.cause, "No space left on device")
        host:set { full = false }
        full:up { wait = "running" }
    end)

    it("leaves the hosts that are not down", function()
        local uris = { "qemu+ssh://node1/system", "qemu+ssh://node2/system" }
        local first = spec.host { uri = uris[1], memory = "64GiB" }
        spec.host { uri = uris[2], memory = "32GiB" }
        local placed = limiq.hosts(uris).vm { name = "web-01", disks = { { backing_file = limiq.image "debian-12" } } }
        equal(placed.uri, uris[1])
        placed:up { wait = "agent" }
        equal(placed:state(), "running")
        first:set { down = true }
        expect_error("host_down", function() limiq.hosts(uris) end)
        equal(limiq.hosts(uris, { allow_down = true }).vm({ name = "web-02" }).uri, uris[2])
        expect_error("specs touch no real one", function() limiq.connect "qemu+ssh://node3/system" end)
    end)
end)

describe("spec.run", function()
    spec.before_each(function()
        if not spec.is_simulated() then spec.skip "no real guest answers so" end
    end)

    it("runs a whole script on the hosts of the case", function()
        local host = spec.host { guests = { boot = "30s", exec = function(_, argv)
            if argv[1] == "systemctl" then return "active\n" end
        end } }
        local first = spec.run("scripts/web_fleet.lua", { set = { count = 3 } })
        equal({ first.text, first.output }, { nil, "made web-01, web-02, web-03\n" })
        equal(spec.run("scripts/web_fleet.lua", { set = { count = 3 } }).output, "nothing to do\n")

        -- Two at once may never be away.
        local before = #host:calls()
        local second = spec.run("scripts/web_fleet.lua", { set = { count = 3, memory = "128MiB" } })
        equal({ second.text, second.output }, { nil, "made web-01, web-02, web-03\n" })
        local order = {}
        for index, call in ipairs(host:calls()) do
            local what, name = call:match "^(%l+) (web%-%d+)$"
            if index > before and (what == "destroy" or what == "start") then
                order[#order + 1] = what .. " " .. name
            end
        end
        equal(order, {
            "destroy web-01", "start web-01", "destroy web-02", "start web-02", "destroy web-03", "start web-03",
        })
    end)

    it("tells what went wrong, and changes nothing of those that serve", function()
        local host = spec.host { guests = { exec = function() return "active\n" end } }
        spec.run("scripts/web_fleet.lua", { set = { count = 2 } })
        host:set { guests = { exec = function(vm) return vm.name == "web-01" and "failed\n" or "active\n" end } }
        local run = spec.run("scripts/web_fleet.lua", { set = { count = 2, memory = "128MiB" } })
        equal({ run.ok, run.code }, { false, "rolling" })
        assert(run.text:find("old: web-02; failed: web-01", 1, true), run.text)
        equal(limiq.domain.get("web-02"):state(), "running")
    end)

    it("gives words, and refuses parameters that the script has not", function()
        spec.host()
        equal(spec.run("scripts/web_fleet.lua", { set = { cuont = 3 } }).hint, "did you mean count?")
        equal(spec.run("scripts/nowhere.lua").code, "not_found")
        expect_error("did you mean set?", function() spec.run("scripts/web_fleet.lua", { sets = {} }) end)
    end)
end)

describe("spec.plan", function()
    it("is what a script would do, and nothing is done", function()
        spec.snapshot(spec.plan "scripts/two_machines.lua")
        equal(limiq.domain.list(), {})
        spec.run "scripts/two_machines.lua"
        spec.snapshot(spec.plan("scripts/two_machines.lua", { set = { memory = "128MiB" } }))
    end)
end)
