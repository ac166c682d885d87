-- Debian machines that Ansible finds at once: limiq run scripts/ansible.lua -- PLAYBOOK, or without one ansible's ping.
-- Needs ansible-core here; later runs of Ansible alone: ansible-playbook -i <(limiq inventory) PLAYBOOK
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local p = limiq.params { count = 2 }

local nodes = limiq.fleet {
    name = "node", count = p.count,
    spec = function(i)
        return {
            memory = "512MiB", labels = { role = i == 1 and "controller" or "worker" },
            disks = { { id = "boot", backing_file = limiq.image "debian-12" } },
            cloud_init = recipes.compose {
                recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
                -- Known before the first contact.
                recipes.ssh_host_keys(),
            },
        }
    end,
}
nodes:up { timeout = "10m" }
nodes:each(function(vm) vm:wait("ssh", { timeout = "2m" }) end)

-- Groups are role_controller, role_worker and node.
local playbook = limiq.args[1]
local command = playbook and { "ansible-playbook", playbook } or { "ansible", "node", "-m", "ping" }
table.move({ "-i", "/dev/stdin" }, 1, 2, #command + 1, command)
io.write(limiq.host.run(command, { stdin = limiq.inventory(), timeout = "1h" }).stdout)
