-- A Windows Server that is installed without a question, and reached by Remote Desktop at 127.0.0.1:3389. It needs two
-- ISO images; where one is missing, the error says how to get it.
--
--   ADMIN_PASSWORD='…' limiq run scripts/windows-server.lua
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local params = limiq.params {
    name = "windows-server",
    edition = "windows-server-2022-standard",
    iso = "windows-server-2022", -- a file isos/NAME.iso of the state folder, or a path
    drivers = "virtio-win",
}
local setup, drivers = limiq.image.iso(params.iso), limiq.image.iso(params.drivers)
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
        { id = "setup", iso_path = setup, bootable = true },
        { id = "drivers", iso_path = drivers },
        recipes.windows_unattend {
            edition = params.edition,
            administrator_password = limiq.secret(password),
            computer_name = "SERVER-01",
            first_logon_commands = {
                [[reg add "HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server" /v fDenyTSConnections ]]
                .. "/t REG_DWORD /d 0 /f",
                'netsh advfirewall firewall set rule group="remote desktop" new enable=yes',
            },
        },
    },
}

local report = server:up { wait = "running" }
if report.changed then
    -- "Press any key to boot from CD or DVD": asked as long as the disk is empty.
    for _ = 1, 20 do
        server:send_keys { "ret" }
        limiq.sleep "1s"
    end
end
-- The guest agent is among the last things that are installed.
server:wait("agent", { timeout = "3h" })
print(server.name, server:address(), server:forward(3389))
