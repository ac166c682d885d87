-- What a warm machine costs beside one that boots, in one run. `scripts/bench warm` runs it.
local limiq = require "limiq"

local params = limiq.params { cycles = 100, many = 20, resume = 5 }
local image = limiq.image "debian-12"

---The seconds of a clock that only goes forward.
local function now() return tonumber((limiq.host.run { "cat", "/proc/uptime" }).stdout:match "^[%d.]+") end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

---@param report limiq.UpReport
---@param last string the last phase that counts
local function until_phase(report, last)
    local seconds = 0
    for _, phase in ipairs(report.phases) do
        seconds = seconds + phase.seconds
        if phase.name == last then break end
    end
    return seconds
end

local function row(what, seconds, beside) print(("%-58s %8.2f s   %s"):format(what, seconds, beside or "")) end

local began = now()
limiq.with({
    name = "cold", memory = "512MiB", disks = { { backing_file = image } }, cloud_init = { user_data = {} },
}, function() end)
local cold = now() - began
row("a machine that boots, ready and thrown away", cold)

-- As tools do that have no overlays: the whole disk is copied for each machine, which then boots.
began = now()
local copy = limiq.env.LIMIQ_HOME .. "/copy.qcow2"
limiq.file.copy(image, copy)
limiq.with({
    name = "copy", memory = "512MiB", disks = { { path = copy } }, cloud_init = { user_data = {} },
}, function() end)
limiq.file.remove(copy)
local copied = now() - began
row("one on a copy of the whole disk, ready and thrown away", copied, ("%.3f of a boot"):format(copied / cold))

began = now()
local warm = limiq.warm { name = "bench", from = image, memory = "512MiB" }
row("a warm machine is made, once", now() - began)

local agent, ready, cycle = {}, {}, {}
local spec = { name = "one", warm = warm }
for index = 1, params.resume do
    began = now()
    local vm = limiq.vm(spec)
    local report = vm:up()
    ready[index] = now() - began
    agent[index] = until_phase(report, "start")
    vm:remove()
    cycle[index] = now() - began
end
local function beside_boot(seconds) return ("%.3f of a boot"):format(seconds / cold) end
row(("its agent answers (median of %d)"):format(params.resume), median(agent), beside_boot(median(agent)))
row("it is ready, with an identity and an address of its own", median(ready), beside_boot(median(ready)))
row("ready and thrown away", median(cycle), beside_boot(median(cycle)))

-- The loop of a suite of tests: what it has to itself is thrown away; or gone back from, by a snapshot with memory.
local kept = limiq.vm { name = "kept", warm = warm }
kept:up()
kept:snapshot { name = "clean" }
local reverted = {}
for index = 1, params.resume do
    began = now()
    kept:revert "clean"
    kept:wait "agent"
    reverted[index] = now() - began
end
kept:remove()
row("one machine goes back to a snapshot, and its agent answers", median(reverted))

local names = {}
for index = 1, params.many do names[index] = ("many-%02d"):format(index) end
began = now()
local machines = limiq.each(names, { limit = 4 }, function(name)
    local vm = limiq.vm { name = name, warm = warm }
    vm:up()
    return vm
end)
row(params.many .. " of them are ready", now() - began)
for _, vm in ipairs(machines) do vm:remove() end

---What this process and its folder hold: KiB of memory, descriptors, KiB on disk.
local function held()
    local script = [[awk '/VmRSS/ { print $2 }' /proc/$PPID/status; ls /proc/$PPID/fd | wc -l; du -sk "$0" | cut -f1]]
    local words = limiq.host.run { "sh", "-c", script, limiq.env.LIMIQ_HOME }
    local found = {}
    for number in words.stdout:gmatch "%d+" do found[#found + 1] = math.tointeger(tonumber(number)) end
    return found
end

---What tells one guest from all others, in the guest's own words.
local identity = [[
cat /etc/machine-id /proc/sys/kernel/random/boot_id
cut -d ' ' -f 2 /etc/ssh/ssh_host_ed25519_key.pub
head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; echo
grep -h CLIENTID /run/systemd/netif/leases/*
]]

local before, seen = nil, {}
for index = 1, params.cycles do
    local vm = limiq.vm { name = ("cycle-%03d"):format(index), warm = warm }
    vm:up()
    for word in vm:exec { "sh", "-c", identity }.stdout:gmatch "[^\n]+" do
        assert(not seen[word], "two machines have the same: " .. word)
        seen[word] = true
    end
    vm:remove()
    -- What is made once is made by then.
    if index == 10 then before = held() end
end
if before then
    local after = held()
    local words = "machine-id, boot id, host key, random number, DHCP identity"
    print(("%d machines, no two alike in %s"):format(params.cycles, words))
    print(("%d cycles: memory %+d KiB, descriptors %+d, disk %+d KiB"):format(
        params.cycles, after[1] - before[1], after[2] - before[2], after[3] - before[3]))
end
