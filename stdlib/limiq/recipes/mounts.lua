local part = require "limiq.recipes.part"
local runtime = require "limiq.runtime"

local makes = { ext4 = "mkfs.ext4 -q", xfs = "mkfs.xfs -q", btrfs = "mkfs.btrfs -q", vfat = "mkfs.vfat" }

---Where udev shows a disk of the VM: by its serial number.
local function by_id(vm, disk)
    local bus = (disk.bus or "DISK_BUS_VIRTIO"):match "(%u+)$"
    local prefix = ({ VIRTIO = "virtio-", SCSI = "scsi-0QEMU_QEMU_HARDDISK_" })[bus] or "ata-QEMU_HARDDISK_"
    return "/dev/disk/by-id/" .. prefix .. vm:disk_serial(disk.id)
end

---@return string device
local function disk_of(vm, id)
    local ids = {}
    for index, disk in ipairs(vm.spec.disks or {}) do
        if disk.id == id then return by_id(vm, disk) end
        ids[index] = disk.id
    end
    return part.refuse("mounts", ("vm %s has no disk %s"):format(vm.name, id),
        #ids > 0 and "it has " .. table.concat(ids, ", ") or nil)
end

---Makes a filesystem where there is nothing at all: not cloud-init's `fs_setup`, which does so for each new instance,
---and so would empty a disk that has outlived its VM.
local function format_once(device, filesystem)
    return ("blkid -p %s > /dev/null; if [ $? -eq 2 ]; then %s %s || exit 1; fi"):format(
        device, makes[filesystem], device)
end

local function check(index, mount)
    local what = ("mounts[%d]"):format(index)
    part.check(what, mount,
        { disk = "string?", device = "string?", path = "string", filesystem = "string?", options = "string?" })
    if (mount.disk == nil) == (mount.device == nil) then
        part.refuse(what, "it needs either disk, of the VM, or device")
    end
    if mount.path:sub(1, 1) ~= "/" then part.refuse(what, ("%s is no absolute path"):format(mount.path)) end
    for _, name in ipairs { "device", "path", "filesystem", "options" } do
        if mount[name] and mount[name]:find "%s" then
            part.refuse(what, ("%s has white space in it: %s"):format(name, mount[name]))
        end
    end
    if mount.disk and not makes[mount.filesystem or "ext4"] then
        part.refuse(what, ("filesystem %s cannot be made"):format(mount.filesystem), "ext4, xfs, btrfs and vfat can")
    end
end

---Filesystems that are there at each start of the guest. A disk of the VM is named by its id, and gets a filesystem
---(ext4 unless told) where it is blank; anything else, such as an NFS export, by its device.
---
---Example:
---```lua
---recipes.mounts { { disk = "data", path = "/srv" } }
---```
---@param mounts { disk?: string, device?: string, path: string, filesystem?: string, options?: string }[]
---@return limiq.recipes.Late
local function mount_all(mounts)
    if type(mounts) ~= "table" or #mounts == 0 then
        part.refuse("mounts", ("it takes a list of mounts, not %s"):format(runtime.described(mounts)),
            'write { { disk = "data", path = "/srv" } }')
    end
    for index, mount in ipairs(mounts) do check(index, mount) end
    return function(vm)
        local entries, commands = {}, {}
        for index, mount in ipairs(mounts) do
            local filesystem = mount.filesystem or mount.disk and "ext4" or "auto"
            local device = mount.device or disk_of(vm, mount.disk)
            if mount.disk then commands[#commands + 1] = format_once(device, filesystem) end
            entries[index] = { device, mount.path, filesystem, mount.options or "defaults,nofail", "0",
                mount.disk and "2" or "0" }
        end
        return part.new("mounts", {
            user_data = { mounts = entries, bootcmd = #commands > 0 and commands or nil },
        })
    end
end

return mount_all
