-- A database and what asks it, for the specs.
local limiq = require "limiq"

local wanted = limiq.params { memory = "64MiB" }

limiq.vm({ name = "db", memory = wanted.memory, nics = {}, disks = { { id = "data", size = "4GiB" } } }):up()
limiq.vm({ name = "web", memory = wanted.memory, nics = {}, labels = { asks = "db" } }):up()
