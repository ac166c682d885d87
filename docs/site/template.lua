-- A value for each field of the spec, as the commented template shows it. One that begins with `--` stands there
-- commented out: in its place another field is given, or the machine would need what not every host has. A text that
-- begins with `@` names the class whose fields stand there.
return {
    ["limiq.VMSpec"] = {
        name = '"web-01"', cpu_cores = "2", max_cpu_cores = "4", cpu_sockets = "1", cpu_threads_per_core = "1",
        memory_mib = "2048", memory = '-- "2GiB"', max_memory_mib = "4096", max_memory = '-- "4GiB"',
        firmware = '"uefi"', secure_boot = "false", tpm = "false", boot_order = '{ "disk", "cdrom" }',
        protect = "false", ttl = '-- "2h"',
        autostart = "false", warm = '-- limiq.warm { name = "web-warm", from = "debian-12" }',
        ignition = '-- { ignition = { version = "3.4.0" } }', guest_os = '"linux"',
        disks = "@limiq.DiskSpec", nics = "@limiq.NICSpec", cdroms = "@limiq.CDROMSpec", shares = "@limiq.ShareSpec",
        console = "@limiq.ConsoleSpec",
        cloud_init = "@limiq.CloudInitSpec", labels = '{ role = "web", stage = "test" }',
    },
    ["limiq.DiskSpec"] = {
        id = '"boot"', path = '-- "/srv/disks/data.qcow2"', size_gib = "20", size = '-- "20GiB"', bus = '"virtio"',
        format = '"qcow2"', readonly = "false", bootable = "true", iops_limit = "0", throughput_mbps = "0",
        backing_file = 'limiq.image "debian-12"', pool_id = '-- "default"',
    },
    ["limiq.NICSpec"] = {
        id = '"lan"', mac_address = '"52:54:00:12:34:56"', bridge = '-- "br0"', network = '-- "lab"',
        address = '-- "10.77.0.10"', model = '"virtio"', bandwidth_mbps = "0", forward = "@limiq.PortForward",
    },
    ["limiq.PortForward"] = { host = "8080", guest = "80", proto = '"tcp"', bind = '"127.0.0.1"' },
    ["limiq.CDROMSpec"] = {
        id = '"tools"', iso_path = '-- "/srv/tools.iso"', files = '{ ["README.txt"] = "hello\\n" }', label = '"TOOLS"',
        bootable = "false",
    },
    ["limiq.ShareSpec"] = { id = '"site"', host = '"site"', guest = '"/srv/site"', readonly = "true" },
    ["limiq.ConsoleSpec"] = {
        vnc_enabled = "true", vnc_port = "5901", vnc_password = '-- "secret"', spice_enabled = "false",
        spice_port = "-- 5902",
    },
    ["limiq.CloudInitSpec"] = {
        user_data = '{ packages = { "nginx" } }', meta_data = '{ ["local-hostname"] = "web-01" }',
        network_config = '{ version = 2, ethernets = { lan = { match = { name = "en*" }, dhcp4 = true } } }',
        vendor_data = '{ timezone = "UTC" }', check = '"error"',
    },
}
