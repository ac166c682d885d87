local limiq = require "limiq"
local part = require "limiq.recipes.part"

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

---What is wrong with a word of a line of fstab.
local function white_space(text)
    if text:find "%s" then return ("it has white space in it: %s"):format(text) end
end

local function check(index, mount)
    local what = ("mounts[%d]"):format(index)
    if (mount.disk == nil) == (mount.device == nil) then
        part.refuse("mounts", what .. " needs either disk, of the VM, or device")
    end
    if mount.disk and not makes[mount.filesystem or "ext4"] then
        part.refuse("mounts", ("%s: filesystem %s cannot be made"):format(what, mount.filesystem),
            "ext4, xfs, btrfs and vfat can")
    end
end

return limiq.recipe {
    name = "mounts", short = "mounts",
    doc = [[
Filesystems that are there at each start of the guest. A disk of the VM is named by its id, and gets a filesystem
(ext4 unless told) where it is blank; anything else, such as an NFS export, by its device.]],
    options = {
        mounts = { required = true, min = 1, doc = "the mounts", type = { { fields = {
            disk = { doc = "the id of a disk of the VM" },
            device = { check = white_space, doc = "what is mounted, where it is no disk of the VM" },
            path = { type = "path", required = true, check = white_space, doc = "where it is mounted" },
            filesystem = { check = white_space, doc = "ext4 of a disk, else found by mount" },
            options = { check = white_space, default = "defaults,nofail", doc = "mount's options" },
        } } } },
    },
    example = 'recipes.mounts { { disk = "data", path = "/srv" } }',
    build = function(options)
        for index, mount in ipairs(options.mounts) do check(index, mount) end
        return function(vm)
            local entries, commands = {}, {}
            for index, mount in ipairs(options.mounts) do
                local filesystem = mount.filesystem or mount.disk and "ext4" or "auto"
                local device = mount.device or disk_of(vm, mount.disk)
                if mount.disk then commands[#commands + 1] = format_once(device, filesystem) end
                entries[index] = { device, mount.path, filesystem, mount.options, "0", mount.disk and "2" or "0" }
            end
            return { user_data = { mounts = entries, bootcmd = #commands > 0 and commands or nil } }
        end
    end,
}
