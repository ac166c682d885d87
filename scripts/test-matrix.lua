-- A test matrix: a golden image is prepared once; then each combination gets a machine of its own on top of it, runs a
-- command, and is thrown away.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    image = "debian-12",
    golden = "/var/tmp/limiq-golden.qcow2",
    limit = 2, -- machines at a time
}
local check = { "sh", "-c", "test -d /sys/firmware/efi && echo UEFI || echo BIOS; nproc; python3 --version" }

---What the tests share, installed once. It forgets that it has booted: each machine on top of it is new to cloud-init.
local function prepare()
    limiq.disk.overlay { path = params.golden, backing_file = limiq.image(params.image), size = "8GiB" }
    local golden = limiq.vm {
        name = "matrix-golden", cpu_cores = 2,
        disks = { { id = "boot-disk", path = params.golden, bootable = true } }, nics = { {} },
        cloud_init = recipes.compose { recipes.packages { "python3-minimal" }, recipes.timezone "UTC" },
    }
    golden:up { timeout = "20m" }
    golden:exec { "cloud-init", "clean", "--logs" }
    golden:exec { "truncate", "--size", "0", "/etc/machine-id" }
    golden:down()
    golden:remove()
    -- Whoever QEMU runs as reads it.
    limiq.host.run { "chmod", "0644", params.golden }
end

---One cell of the matrix.
local function test(cell)
    local vm = limiq.vm {
        name = ("matrix-%s-%d"):format(cell.firmware, cell.cpu_cores),
        firmware = cell.firmware, cpu_cores = cell.cpu_cores,
        disks = { { id = "boot-disk", backing_file = params.golden } }, nics = { {} },
        cloud_init = recipes.compose { recipes.timezone "UTC" },
    }
    local result, problem = limiq.try(function()
        vm:up { timeout = "20m" }
        return vm:exec(check)
    end)
    vm:remove()
    return { name = vm.name, output = result and result.stdout:gsub("\n", " ") or tostring(problem) }
end

local matrix = {}
for _, firmware in ipairs { "bios", "uefi" } do
    for _, cpu_cores in ipairs { 1, 2 } do matrix[#matrix + 1] = { firmware = firmware, cpu_cores = cpu_cores } end
end

if not limiq.file.exists(params.golden) then prepare() end
for _, outcome in ipairs(limiq.each(matrix, { limit = params.limit }, test)) do print(outcome.name, outcome.output) end
limiq.disk.remove(params.golden)
