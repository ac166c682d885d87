-- What a folder costs a guest that is shared or kept in step, beside its own disk, in one run. `scripts/bench shares`
-- runs it.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params { mib = 1024, files = 10000, times = 3 }

---The seconds of a clock that only goes forward.
local function now() return tonumber((limiq.host.run { "cat", "/proc/uptime" }).stdout:match "^[%d.]+") end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

local function row(what, seconds, beside) print(("%-58s %8.2f s   %s"):format(what, seconds, beside or "")) end

limiq.host.run { "sh", "-ec", [[
mkdir -p shared/small && cd shared
head -c "$1"M /dev/urandom >large
i=0; while [ $i -lt "$2" ]; do d=small/$((i / 100)); mkdir -p $d; head -c 2048 /dev/urandom >$d/$i; i=$((i + 1)); done
]], "sh", tostring(params.mib), tostring(params.files), timeout = "10m" }

local vm = limiq.vm {
    name = "shares", cpu_cores = 2, memory = "2GiB",
    disks = { { size = "10GiB", backing_file = limiq.image "debian-12" } },
    shares = { { host = "shared", guest = "/shared" } },
    cloud_init = recipes.compose {
        recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
    },
}
vm:up { timeout = "20m" }

---The seconds that a guest's program takes, by the guest's own clock, with nothing of it in the guest's memory.
local function in_guest(script)
    local taken = {}
    for index = 1, params.times do
        local words = vm:exec { "sudo", "sh", "-ec", [[
            sync; echo 3 >/proc/sys/vm/drop_caches
            began=$(cut -d ' ' -f 1 /proc/uptime); eval "$1" >/dev/null; ended=$(cut -d ' ' -f 1 /proc/uptime)
            echo "$began $ended"]], "sh", script, timeout = "30m" }
        local began, ended = words.stdout:match "([%d.]+) ([%d.]+)"
        taken[index] = tonumber(ended) - tonumber(began)
    end
    return median(taken)
end

vm:exec { "sudo", "cp", "-r", "/shared", "/own", timeout = "30m" }
for _, case in ipairs {
    { ("reading %d MiB"):format(params.mib), "cat %s/large" },
    { ("reading %d small files"):format(params.files), "cat %s/small/*/*" },
    { ("listing %d small files with their sizes"):format(params.files), "find %s/small -size +9" },
} do
    local own, shared = in_guest(case[2]:format "/own"), in_guest(case[2]:format "/shared")
    row(case[1] .. ", the guest's own disk", own)
    row(case[1] .. ", a share", shared, ("%.2f of the disk's time"):format(shared / own))
end

local function timed(body)
    local began = now()
    body()
    return now() - began
end

local first = timed(function() vm:sync("shared/small", "/home/admin/small") end)
local copied = timed(function() vm:copy_in("shared/small", "/home/admin/copied") end)
row(("sync of %d files that are not there"):format(params.files), first, ("%.2f of copy_in"):format(first / copied))
local same = timed(function() vm:sync("shared/small", "/home/admin/small") end)
row("sync where all is the same", same, ("%.3f of the first"):format(same / first))

local watching = limiq.spawn(function() vm:sync("shared/small", "/home/admin/small", { watch = true }) end)
limiq.sleep(math.ceil(same) + 2)
local changes = {}
for index = 1, params.times do
    local text = ("change %d\n"):format(index)
    -- It answers when the file has that text.
    local seen = limiq.spawn(function()
        vm:exec { "sh", "-c", [[until [ "$(cat /home/admin/small/0/0)" = "$1" ]; do sleep 0.05; done]], "sh",
            text:sub(1, -2), timeout = "2m" }
    end)
    limiq.sleep(1)
    changes[index] = timed(function()
        limiq.file.write("shared/small/0/0", text)
        seen:join()
    end)
end
watching:cancel()
local change = median(changes)
row("one change of them is in the guest, by watch", change, ("%.3f of the first"):format(change / first))
vm:remove()
