-- A fleet that is replaced one by one, for the specs.
local limiq = require "limiq"

local wanted = limiq.params { count = 1, memory = "64MiB" }

local web = limiq.fleet {
    name = "web", count = wanted.count, spec = function() return { memory = wanted.memory } end,
}
local replaced = web:rolling {
    wait = "agent", timeout = "1m",
    health = function(vm) return vm:exec({ "systemctl", "is-active", "nginx" }).stdout == "active\n" end,
}
print(#replaced > 0 and "made " .. table.concat(replaced, ", ") or "nothing to do")
