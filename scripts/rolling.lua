-- Web servers that get new pages one after the other, so that all but one answer all the time. Run it with another
-- --set text=… to see it.
local limiq = require "limiq"
local recipes = require "limiq.recipes"

local wanted = limiq.params { name = "web", count = 3, port = 8081, text = "It answers" }

local web = limiq.fleet {
    name = wanted.name,
    count = wanted.count,
    spec = function(i, name)
        return {
            memory = "512MiB",
            disks = { { id = "boot", bootable = true, backing_file = limiq.image "debian-12" } },
            nics = { { id = "lan", forward = { { host = wanted.port + i - 1, guest = 80 } } } },
            cloud_init = recipes.compose {
                recipes.admin { name = "admin", ssh_authorized_keys = limiq.ssh_keys() },
                recipes.packages { "nginx" },
                recipes.files {
                    { path = "/var/www/html/index.html", content = ("%s, says %s\n"):format(wanted.text, name) },
                },
            },
        }
    end,
}

---Whether the page is there, seen from this machine.
local function answers(vm)
    return limiq.host.run({ "curl", "--silent", "--fail", "http://" .. vm:forward(80), check = false }).code == 0
end

-- Makes what is missing, too.
local replaced = web:rolling { max_unavailable = 1, health = answers, timeout = "20m" }
print(#replaced > 0 and "replaced " .. table.concat(replaced, ", ") or "nothing to replace")
