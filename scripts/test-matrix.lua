-- A test matrix: a golden image is prepared once; then each combination gets a machine of its own on top of it, runs a
-- command, and is thrown away.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    image = "debian-12",
    golden = "/var/tmp/limiq-golden.qcow2", -- there while the tests run
    limit = 2,                              -- machines at a time
}
local check = { "sh", "-c", "test -d /sys/firmware/efi && echo UEFI || echo BIOS; nproc; tree --version" }

---What the tests share, installed once.
local function prepare()
    limiq.with({
        name = "matrix-golden", cpu_cores = 2,
        disks = { { id = "boot-disk", path = params.golden, bootable = true } }, nics = { {} },
        cloud_init = recipes.compose { recipes.packages { "tree" } },
    }, function(vm)
        -- It forgets that it has booted: each machine on top of it is new to cloud-init.
        vm:exec { "cloud-init", "clean", "--logs" }
        vm:exec { "truncate", "--size", "0", "/etc/machine-id" }
        vm:down()
    end)
    -- Whoever QEMU runs as reads it.
    limiq.host.run { "chmod", "0644", params.golden }
end

---One cell of the matrix.
local function test(cell)
    return limiq.with({
        name = ("matrix-%s-%d"):format(cell.firmware, cell.cpu_cores),
        firmware = cell.firmware, cpu_cores = cell.cpu_cores,
        disks = { { id = "boot-disk", backing_file = params.golden } }, nics = { {} },
        cloud_init = recipes.compose { recipes.timezone "UTC" },
    }, function(vm) return (vm:exec(check).stdout:gsub("\n", " ")) end)
end

local matrix = {}
for _, firmware in ipairs { "bios", "uefi" } do
    for _, cpu_cores in ipairs { 1, 2 } do matrix[#matrix + 1] = { firmware = firmware, cpu_cores = cpu_cores } end
end

limiq.disk.overlay { path = params.golden, backing_file = limiq.image(params.image), size = "8GiB" }
local _, problem = limiq.try(function()
    prepare()
    local outcomes = limiq.each(matrix, { limit = params.limit }, test)
    for index, cell in ipairs(matrix) do print(cell.firmware, cell.cpu_cores, outcomes[index]) end
end)
limiq.disk.remove(params.golden)
if problem then error(problem, 0) end
