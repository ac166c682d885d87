-- A test matrix: what the tests share is installed once; then each combination gets a machine of its own, runs a
-- command, and is thrown away.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local golden = limiq.image.bake {
    name = "matrix", from = "debian-12", cpu_cores = 2, cloud_init = recipes.compose { recipes.packages { "tree" } },
}
local check = { "sh", "-c", "test -d /sys/firmware/efi && echo UEFI || echo BIOS; nproc; tree --version" }
local cells = { { "bios", 1 }, { "bios", 2 }, { "uefi", 1 }, { "uefi", 2 } }

local outcomes = limiq.each(cells, { limit = 2 }, function(cell)
    local firmware, cores = table.unpack(cell)
    return limiq.with({
        name = ("matrix-%s-%d"):format(firmware, cores), firmware = firmware, cpu_cores = cores,
        disks = { { backing_file = golden } }, cloud_init = recipes.compose { recipes.timezone "UTC" },
    }, function(vm) return (vm:exec(check).stdout:gsub("\n", " ")) end)
end)
for index, cell in ipairs(cells) do print(cell[1], cell[2], outcomes[index]) end
