local limiq = require "limiq"
local spec = require "limiq.spec"

---Hosts of libvirt's test driver, each with a state of its own.
---@param memories integer[] GiB of each
---@param body fun(uris: string[])
local function with_hosts(memories, body)
    local folder = limiq.host.run({ "mktemp", "-d" }).stdout:gsub("%s", "")
    local uris = {}
    for index, memory in ipairs(memories) do
        local path = ("%s/node%d.xml"):format(folder, index)
        limiq.file.write(path, ("<node><memory>%d</memory></node>"):format(memory * 1048576))
        uris[index] = "test://" .. path
    end
    local ok, problem = pcall(body, uris)
    limiq.host.run { "rm", "-r", folder }
    if not ok then error(problem, 0) end
end

local function machine(name, memory)
    return { name = name, memory = memory }
end

spec.describe("limiq.hosts", function()
    spec.it("puts a machine where most memory is free, and counts what it put there", function()
        with_hosts({ 8, 16 }, function(uris)
            local hosts = limiq.hosts(uris)
            spec.equal(#hosts, 2)
            spec.equal(hosts.vm(machine("a", "6GiB")).uri, uris[2])
            -- Nothing of it runs yet: 10 GiB are left there all the same.
            spec.equal(hosts.vm(machine("b", "4GiB")).uri, uris[2])
            spec.equal(hosts.vm(machine("c", "1GiB")).uri, uris[1])
            -- A machine keeps its place.
            spec.equal(hosts.vm(machine("a", "6GiB")).uri, uris[2])
        end)
    end)

    spec.it("takes what a recipe says when it knows the machine", function()
        with_hosts({ 8 }, function(uris)
            local asked = machine("a", "1GiB")
            asked.cloud_init = function(vm) return { user_data = { hostname = vm.name } } end
            local hosts = limiq.hosts(uris)
            spec.equal(hosts:place(asked).uri, uris[1])
            spec.equal(hosts.vm(asked).spec.cloud_init.user_data.hostname, "a")
        end)
    end)

    spec.it("counts a running machine once", function()
        with_hosts({ 8, 7 }, function(uris)
            local hosts = limiq.hosts(uris)
            hosts.vm(machine("a", "2GiB")):up { wait = "running" }
            local seen
            limiq.hosts(uris, { place = function(candidates) seen = candidates; return candidates[1] end })
                :place(machine("b", "1GiB"))
            spec.equal(seen[1].free_mib, 6 * 1024)
            spec.equal(seen[2].free_mib, 7 * 1024)
            spec.equal(seen[1].domains.a, { memory_mib = 2048, active = true })
        end)
    end)

    spec.it("leaves a machine on the host that has it, running or not", function()
        with_hosts({ 4, 64 }, function(uris)
            local small = limiq.connect(uris[1])
            small.vm(machine("a", "1GiB")):up { start = false }
            local vm = limiq.hosts(uris).vm(machine("a", "1GiB"))
            spec.equal(vm.uri, uris[1])
            spec.equal(vm:up({ start = false }).changed, false)
        end)
    end)

    spec.it("refuses a machine that two hosts have", function()
        with_hosts({ 4, 4 }, function(uris)
            for _, uri in ipairs(uris) do limiq.connect(uri).vm(machine("a", "1GiB")):up { start = false } end
            spec.raises(function() limiq.hosts(uris).vm(machine("a", "1GiB")) end, "placed_twice")
        end)
    end)

    spec.it("spreads machines that are placed at the same time", function()
        with_hosts({ 8, 8, 8 }, function(uris)
            local hosts = limiq.hosts(uris)
            local count = {}
            limiq.each({ "a", "b", "c", "d", "e", "f" }, function(name)
                local uri = hosts.vm(machine(name, "1GiB")).uri
                count[uri] = (count[uri] or 0) + 1
            end)
            spec.equal(count, { [uris[1]] = 2, [uris[2]] = 2, [uris[3]] = 2 })
        end)
    end)

    spec.it("lets the author choose, with all the author may want to know", function()
        with_hosts({ 64, 4 }, function(uris)
            local wanted
            local hosts = limiq.hosts(uris, {
                place = function(candidates, vm)
                    wanted = vm.labels.host
                    for _, candidate in ipairs(candidates) do
                        if candidate.uri == wanted then return candidate end
                    end
                end,
            })
            local labelled = machine("a", "1GiB")
            labelled.labels = { host = uris[2] }
            spec.equal(hosts.vm(labelled).uri, uris[2])
            labelled = machine("b", "1GiB")
            labelled.labels = { host = "nowhere" }
            spec.raises(function() hosts.vm(labelled) end, "the place function did not return one of the hosts")
        end)
    end)

    spec.it("names the hosts that do not answer, and goes on without them where it may", function()
        with_hosts({ 4 }, function(uris)
            local all = { uris[1], "test:///nowhere/node.xml" }
            local problem = spec.raises(function() limiq.hosts(all) end, "host_down")
            spec.equal(tostring(problem):match "1 of 2 hosts do not answer", "1 of 2 hosts do not answer")
            spec.equal(tostring(problem):find("test:///nowhere/node.xml: ", 1, true) ~= nil, true)
            local hosts = limiq.hosts(all, { allow_down = true })
            spec.equal(#hosts, 1)
            spec.equal(hosts.down[1].uri, "test:///nowhere/node.xml")
            spec.equal(hosts.vm(machine("a", "1GiB")).uri, uris[1])
            spec.raises(function() limiq.hosts({ "test:///nowhere" }, { allow_down = true }) end, "host_down")
        end)
    end)

    spec.it("takes no other options and no other lists", function()
        spec.raises(function() limiq.hosts({ "test:///default" }, { allowdown = true }) end, "allow_down")
        spec.raises(function() limiq.hosts({ "test:///default" }, { place = true }) end, "must be a function")
        spec.raises(function() limiq.hosts {} end, "a list of URIs")
        spec.raises(function() limiq.hosts { "test:///default", "test:///default" } end, "listed twice")
    end)
end)

spec.describe("limiq.host.info", function()
    spec.it("tells what a host has", function()
        with_hosts({ 4 }, function(uris)
            local host = limiq.connect(uris[1])
            local info = host.host.info()
            spec.equal(info.uri, uris[1])
            spec.equal(info.memory_mib, 4096)
            spec.equal(info.domains, {})
            spec.equal(info.cpus > 0, true)
        end)
    end)
end)
