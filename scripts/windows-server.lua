-- A Windows Server that is installed without a question. Get the two ISO images first (limiq image iso says how), then:
--
--   ADMIN_PASSWORD='…' limiq run scripts/windows-server.lua
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    name = "windows-server",
    edition = "windows-server-2022-standard",
    iso = "windows-server-2022", -- a file isos/NAME.iso of the state folder, or a path
    drivers = "virtio-win",
    start = true,
}
local password = limiq.env.ADMIN_PASSWORD
    or error("ADMIN_PASSWORD is not set: it will be the Administrator's password", 0)

local server = limiq.vm {
    name = params.name,
    guest_os = "windows-server",
    firmware = "uefi",
    cpu_cores = 2,
    memory = "4GiB",
    disks = { { id = "system", size = "60GiB", bootable = true } },
    nics = { { id = "lan", forward = { { host = 3389, guest = 3389 } } } },
    console = { vnc_enabled = true },
    boot_order = { "disk", "cdrom" },
    cdroms = {
        { id = "setup", iso_path = limiq.image.iso(params.iso), bootable = true },
        { id = "drivers", iso_path = limiq.image.iso(params.drivers) },
        recipes.windows_unattend {
            edition = params.edition,
            administrator_password = limiq.secret(password),
            computer_name = "SERVER-01",
        },
    },
}

local report = server:up { start = params.start, wait = "running" }
print(server.name, server:state())

if params.start and report.changed then
    -- "Press any key to boot from CD or DVD": asked once, as long as the disk is empty.
    for _ = 1, 20 do
        server:send_keys { "ret" }
        limiq.sleep "1s"
    end
    -- The guest agent is the last thing Setup installs.
    server:wait("agent", { timeout = "3h" })
    print(server.name, server:address(), server:forward(3389))
end
